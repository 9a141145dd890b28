/** Bytes of a zigzag varint of 32 bits. */
export function varintLength(value: number): number {
  let rest = ((value << 1) ^ (value >> 31)) >>> 0
  let bytes = 1
  while (rest > 0x7f) {
    rest >>>= 7
    bytes++
  }
  return bytes
}

/** Writes a zigzag varint of 32 bits. @returns the position behind it */
export function writeVarint(buffer: Uint8Array, start: number, value: number): number {
  let rest = ((value << 1) ^ (value >> 31)) >>> 0
  let at = start
  while (rest > 0x7f) {
    buffer[at++] = (rest & 0x7f) | 0x80
    rest >>>= 7
  }
  buffer[at++] = rest
  return at
}

const fitsInt32 = (value: number): boolean => value >= -0x80000000 && value <= 0x7fffffff

/** Bytes of a zigzag varint of 64 bits, for safe integers. */
export function varlongLength(value: number): number {
  if (fitsInt32(value)) return varintLength(value)
  let bytes = 1
  for (let rest = Math.floor(magnitude(value) / 64); rest > 0; rest = Math.floor(rest / 128)) bytes++
  return bytes
}

/** Writes a zigzag varint of 64 bits, for safe integers. @returns the position behind it */
export function writeVarlong(buffer: Uint8Array, start: number, value: number): number {
  if (fitsInt32(value)) return writeVarint(buffer, start, value)
  // The doubled value of the zigzag form would not be exact above 2^52: the sign bit is set apart instead.
  const bits = magnitude(value)
  let byte = (bits % 64) * 2 + (value < 0 ? 1 : 0)
  let at = start
  for (let rest = Math.floor(bits / 64); rest > 0; rest = Math.floor(rest / 128)) {
    buffer[at++] = byte | 0x80
    byte = rest % 128
  }
  buffer[at++] = byte
  return at
}

const magnitude = (value: number): number => (value < 0 ? -(value + 1) : value)
