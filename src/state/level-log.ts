import { levelChecksum } from './level-checksum.ts'

/** LevelDB's log format: fixed blocks of fragments with headers {checksum, length, type}. */
const blockBytes = 32 * 1024
const headerBytes = 7
const fragment = { full: 1, first: 2, middle: 3, last: 4 } as const

/** A record of a log, or a place where there is none that can be read. */
export interface LogRecord {
  /** Of its first byte, or of the first bad one, in the file. */
  readonly at: number
  /** Its content; null where the bytes are no whole record. */
  readonly content: Buffer | null
}

/**
 * Walks a file in LevelDB's log format, which its write-ahead logs and its manifest have. What is bad costs the rest of its
 * block, as it does LevelDB. Room that was made and never written, all zeros, is passed over.
 */
export function* logRecords(bytes: Buffer): Iterable<LogRecord> {
  let began: { readonly at: number; readonly parts: Buffer[] } | null = null
  for (let at = 0; at < bytes.length; ) {
    const blockEnd = at + blockBytes - (at % blockBytes)
    const found = fragmentAt(bytes, at, blockEnd)
    if (found === 'none') {
      at = blockEnd
      continue
    }
    if (found === null) {
      yield { at: began?.at ?? at, content: null }
      began = null
      at = blockEnd
      continue
    }
    const { type, content } = found
    const isStart = type === fragment.full || type === fragment.first
    // A start inside a record, or a continuation of none: the rest of one is missing.
    if (isStart === (began !== null)) yield { at: began?.at ?? at, content: null }
    if (type === fragment.full) {
      yield { at, content }
      began = null
    } else if (type === fragment.first) {
      began = { at, parts: [content] }
    } else if (began) {
      began.parts.push(content)
      if (type === fragment.last) {
        yield { at: began.at, content: Buffer.concat(began.parts) }
        began = null
      }
    }
    at += headerBytes + content.length
  }
  if (began) yield { at: began.at, content: null }
}

/** @returns null when it is not intact, `none` where no fragment begins before the next block */
function fragmentAt(
  bytes: Buffer,
  at: number,
  blockEnd: number,
): { readonly type: number; readonly content: Buffer } | 'none' | null {
  // The last bytes of a block, too few for a header, are filled with zeros.
  if (blockEnd - at < headerBytes) return 'none'
  const start = at + headerBytes
  if (start > bytes.length) return null
  const length = bytes.readUInt16LE(at + 4)
  const type = bytes[at + 6] as number
  if (bytes.readUInt32LE(at) === 0 && length === 0 && type === 0) return 'none'
  const end = start + length
  if (end > bytes.length || end > blockEnd || type < fragment.full || type > fragment.last) return null
  if (bytes.readUInt32LE(at) !== levelChecksum(bytes, start - 1, end)) return null
  return { type, content: bytes.subarray(start, end) }
}
