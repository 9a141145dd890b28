import { levelChecksum } from '../../src/state/level-checksum.ts'

const blockBytes = 32 * 1024
const headerBytes = 7

/** Writes a file in LevelDB's log format, as LevelDB would: fragments that do not cross blocks of 32 KiB. */
export function levelLog(records: readonly Buffer[]): Buffer {
  const parts: Buffer[] = []
  let at = 0
  const put = (bytes: Buffer): void => {
    parts.push(bytes)
    at += bytes.length
  }
  for (const record of records) {
    for (let from = 0, isFirst = true; ; isFirst = false) {
      const left = blockBytes - (at % blockBytes)
      if (left < headerBytes) put(Buffer.alloc(left))
      const room = blockBytes - (at % blockBytes) - headerBytes
      const content = record.subarray(from, from + room)
      from += content.length
      const isLast = from === record.length
      const type = isFirst ? (isLast ? 1 : 2) : isLast ? 4 : 3
      const bytes = Buffer.concat([Buffer.alloc(headerBytes - 1), Buffer.of(type), content])
      bytes.writeUInt32LE(levelChecksum(bytes, headerBytes - 1, bytes.length), 0)
      bytes.writeUInt16LE(content.length, 4)
      put(bytes)
      if (isLast) break
    }
  }
  return Buffer.concat(parts)
}

/** A batch of one write with a sequence number, as LevelDB's log has it. */
export function levelBatch(sequence: number, key: Uint8Array, value: Uint8Array): Buffer {
  const header = Buffer.alloc(12)
  header.writeBigUInt64LE(BigInt(sequence), 0)
  header.writeUInt32LE(1, 8)
  return Buffer.concat([header, Buffer.of(1), varint(key.length), key, varint(value.length), value])
}

/** An integer as LevelDB writes it: seven bits a byte, lowest first. */
function varint(value: number): Buffer {
  const bytes: number[] = []
  let left = value
  for (; left >= 128; left = Math.floor(left / 128)) bytes.push((left % 128) | 128)
  return Buffer.of(...bytes, left)
}
