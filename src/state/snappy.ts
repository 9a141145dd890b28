/**
 * Decodes a raw snappy block: a length, then literals and copies of what came before. Only for blocks whose checksum was
 * good, so it trusts them.
 */
export function decodeSnappy(input: Buffer): Buffer {
  let at = 0
  let length = 0
  for (let scale = 1; ; scale *= 128) {
    const byte = input[at++] ?? 0
    length += (byte & 0x7f) * scale
    if (byte < 0x80) break
  }
  const output = Buffer.alloc(length)
  let end = 0
  const copy = (offset: number, count: number): void => {
    // Byte by byte: a copy may reach into what it writes itself.
    for (const until = end + count; end < until; end++) output[end] = output[end - offset] as number
  }
  while (at < input.length) {
    const tag = input[at++] as number
    switch (tag & 3) {
      case 0: {
        let count = (tag >> 2) + 1
        if (count > 60) {
          const extra = count - 60
          count = input.readUIntLE(at, extra) + 1
          at += extra
        }
        input.copy(output, end, at, at + count)
        at += count
        end += count
        break
      }
      case 1:
        copy(((tag >> 5) << 8) | (input[at++] as number), ((tag >> 2) & 7) + 4)
        break
      case 2:
        copy(input.readUInt16LE(at), (tag >> 2) + 1)
        at += 2
        break
      default:
        copy(input.readUInt32LE(at), (tag >> 2) + 1)
        at += 4
    }
  }
  return output
}
