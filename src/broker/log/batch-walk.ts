import { StreamError } from '../../core/errors.ts'
import { batchLayout, batchSizeAt, readBatchHeader } from '../../protocol/batch-header.ts'
import { RecordCursor } from '../../protocol/record-batch-reader.ts'

/** A record's place and time, as ListOffsets answers. */
export interface OffsetAndTimestamp {
  readonly offset: number
  readonly timestamp: number
}

/** The last offset in a run of whole batches; -1 where there is none. */
export function lastOffsetIn(batches: Buffer): number {
  let last = -1
  for (let at = 0; at < batches.length; ) {
    const size = batches.readInt32BE(at + batchLayout.length) + 12
    const header = readBatchHeader(batches, at, size)
    last = header.baseOffset + header.lastOffsetDelta
    at += size
  }
  return last
}

/**
 * The first record in a run of whole batches that is at or past `fromOffset` and not older than `timestamp`.
 * Of a batch that cannot be read (a codec that this build lacks) the first record stands for all.
 */
export function firstRecordSince(batches: Buffer, fromOffset: number, timestamp: number): OffsetAndTimestamp | null {
  const cursor = new RecordCursor()
  for (let at = 0; ; ) {
    // The last may still be on its way to the disk.
    const size = batchSizeAt(batches, at, batches.length)
    if (size === 0) return null
    const header = readBatchHeader(batches, at, size)
    if (header.maxTimestamp >= timestamp && header.baseOffset + header.lastOffsetDelta >= fromOffset) {
      try {
        cursor.open(batches, at, header)
        while (cursor.next()) {
          if (cursor.timestamp >= timestamp && cursor.offset >= fromOffset) {
            return { offset: cursor.offset, timestamp: cursor.timestamp }
          }
        }
      } catch (error) {
        if (!(error instanceof StreamError)) throw error
        return { offset: Math.max(header.baseOffset, fromOffset), timestamp: header.maxTimestamp }
      }
    }
    at += size
  }
}
