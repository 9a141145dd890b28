/**
 * Writes the primitive types of the Kafka protocol into one growing buffer.
 *
 * The capacity doubles when it is exceeded; `finish` hands out a view, so a writer is used for one message.
 */
export class WireWriter {
  private buffer: Buffer
  private length = 0

  constructor(capacity = 512) {
    this.buffer = Buffer.allocUnsafe(capacity)
  }

  private reserve(bytes: number): number {
    const at = this.length
    const needed = at + bytes
    if (needed > this.buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(needed, this.buffer.length * 2))
      this.buffer.copy(grown, 0, 0, at)
      this.buffer = grown
    }
    this.length = needed
    return at
  }

  int8(value: number): void {
    const at = this.reserve(1)
    this.buffer.writeInt8(value, at)
  }

  int16(value: number): void {
    const at = this.reserve(2)
    this.buffer.writeInt16BE(value, at)
  }

  int32(value: number): void {
    const at = this.reserve(4)
    this.buffer.writeInt32BE(value, at)
  }

  uint16(value: number): void {
    const at = this.reserve(2)
    this.buffer.writeUInt16BE(value, at)
  }

  uint32(value: number): void {
    const at = this.reserve(4)
    this.buffer.writeUInt32BE(value >>> 0, at)
  }

  int64(value: number): void {
    const at = this.reserve(8)
    writeInt64(this.buffer, value, at)
  }

  float64(value: number): void {
    const at = this.reserve(8)
    this.buffer.writeDoubleBE(value, at)
  }

  boolean(value: boolean): void {
    this.byte(value ? 1 : 0)
  }

  /** 32 hexadecimal digits as 16 bytes. */
  uuid(value: string): void {
    const at = this.reserve(16)
    this.buffer.fill(0, at, at + 16)
    this.buffer.write(value, at, 16, 'hex')
  }

  uvarint(value: number): void {
    let rest = value >>> 0
    while (rest > 0x7f) {
      this.byte((rest & 0x7f) | 0x80)
      rest >>>= 7
    }
    this.byte(rest)
  }

  /** Reserves first: `this.buffer[this.reserve(1)] = ...` would write into the buffer that `reserve` has just replaced. */
  private byte(value: number): void {
    const at = this.reserve(1)
    this.buffer[at] = value
  }

  bytes(value: Uint8Array): void {
    const at = this.reserve(value.length)
    this.buffer.set(value, at)
  }

  text(value: string, byteLength: number): void {
    const at = this.reserve(byteLength)
    this.buffer.write(value, at, byteLength, 'utf8')
  }

  /** Begins the next message in the same buffer: only when nobody holds what `finish` gave. */
  reset(): void {
    this.length = 0
  }

  /** What was written: a view, valid as long as it is held. */
  finish(): Buffer {
    return this.buffer.subarray(0, this.length)
  }
}

/** Writes a safe integer as int64. */
export function writeInt64(buffer: Buffer, value: number, at: number): void {
  const high = Math.floor(value / 4294967296)
  buffer.writeInt32BE(high, at)
  buffer.writeUInt32BE(value - high * 4294967296, at + 4)
}
