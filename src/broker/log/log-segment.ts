import { StreamError } from '../../core/errors.ts'
import { type BatchHeader, batchHeaderBytes, batchSizeAt, readBatchHeader } from '../../protocol/batch-header.ts'
import type { SegmentFile } from '../storage/broker-storage.ts'
import { firstRecordSince, type OffsetAndTimestamp } from './batch-walk.ts'
import type { LogSnapshot } from './log-snapshot.ts'
import { SegmentIndex } from './segment-index.ts'

/** How much of a segment file is read at once when it is walked. */
const walkBytes = 1024 * 1024

/** What a read of a log asks for. */
export interface ReadRequest {
  /** The first offset wanted: the read begins with the batch that holds it. */
  readonly fromOffset: number
  /** Excluded; batches that begin at or past it are left out. */
  readonly upToOffset: number
  readonly maxBytes: number
  /** Give the first batch even where it alone is larger than `maxBytes`. */
  readonly atLeastOne: boolean
}

/**
 * One segment file with its index: the batches from `baseOffset` up to the next segment's base.
 *
 * Batches are entered before their bytes are written (the log's writer does that, in order), so `sizeBytes` may be
 * ahead of the file's; readers stay below the high watermark, which is not.
 */
export class LogSegment {
  readonly baseOffset: number
  /** What was known of producers and transactions where it begins. */
  readonly before: LogSnapshot
  /** The offset behind its last batch. */
  nextOffset: number
  sizeBytes = 0
  maxTimestamp = -1
  /** Settles when the file is open. */
  readonly file: Promise<SegmentFile>
  private readonly index = new SegmentIndex()

  constructor(before: LogSnapshot, file: Promise<SegmentFile>) {
    this.baseOffset = before.offset
    this.before = before
    this.nextOffset = before.offset
    this.file = file
  }

  /** Enters a batch at the end. */
  enter(baseOffset: number, lastOffset: number, sizeBytes: number, maxTimestamp: number): void {
    this.index.add(baseOffset, this.sizeBytes, maxTimestamp)
    this.sizeBytes += sizeBytes
    this.nextOffset = lastOffset + 1
    if (maxTimestamp > this.maxTimestamp) this.maxTimestamp = maxTimestamp
  }

  /** Whole batches as the request has them; an empty answer when the first is too large and `atLeastOne` is not set. */
  async read(request: ReadRequest): Promise<Buffer> {
    const start = this.index.positionBefore(request.fromOffset)
    const length = Math.min(this.sizeBytes - start, request.maxBytes + 64 * 1024)
    const bytes = await this.bytes(start, length)
    const found = wholeBatches(bytes, request)
    if (found.length > 0 || !request.atLeastOne) return found
    const first = await this.firstFrom(request.fromOffset, start)
    if (first === null || first.baseOffset >= request.upToOffset) return Buffer.alloc(0)
    return this.bytes(first.position, first.sizeBytes)
  }

  /** The first batch that holds or follows `offset`, from `position` on. */
  private async firstFrom(
    offset: number,
    position: number,
  ): Promise<{ position: number; baseOffset: number; sizeBytes: number } | null> {
    for (let at = position; at + batchHeaderBytes <= this.sizeBytes; ) {
      const bytes = await this.bytes(at, batchHeaderBytes)
      const sizeBytes = bytes.readInt32BE(8) + 12
      const header = readBatchHeader(bytes, 0, sizeBytes)
      if (header.baseOffset + header.lastOffsetDelta >= offset)
        return { position: at, baseOffset: header.baseOffset, sizeBytes }
      at += sizeBytes
    }
    return null
  }

  /** The first record at or past `fromOffset` that is not older than `timestamp`; null when there is none. */
  async recordSince(timestamp: number, fromOffset: number): Promise<OffsetAndTimestamp | null> {
    for (const { position, end } of this.index.blocksSince(timestamp, fromOffset)) {
      const block = await this.bytes(position, (end ?? this.sizeBytes) - position)
      const found = firstRecordSince(block, fromOffset, timestamp)
      if (found) return found
    }
    return null
  }

  private async bytes(position: number, length: number): Promise<Buffer> {
    const target = Buffer.allocUnsafeSlow(Math.max(0, length))
    const read = await (await this.file).read(position, target)
    return read === target.length ? target : target.subarray(0, read)
  }
}

function wholeBatches(bytes: Buffer, request: ReadRequest): Buffer {
  let start = -1
  let end = 0
  for (let at = 0; ; ) {
    const size = batchSizeAt(bytes, at, bytes.length)
    if (size === 0) break
    const header = readBatchHeader(bytes, at, size)
    if (header.baseOffset >= request.upToOffset) break
    if (header.baseOffset + header.lastOffsetDelta >= request.fromOffset) {
      if (start < 0) start = at
      const total = at + size - start
      if (total > request.maxBytes && !(request.atLeastOne && start === at)) break
      end = at + size
    }
    at += size
  }
  return start < 0 || end <= start ? Buffer.alloc(0) : bytes.subarray(start, end)
}

/**
 * Walks the batches of a segment file from its start.
 *
 * @param visit told of each batch with its bytes; false ends the walk before it
 * @returns bytes of the file up to the first that is not a whole, well-formed batch or that `visit` refused
 */
export async function walkSegment(
  file: SegmentFile,
  visit: (bytes: Buffer, start: number, header: BatchHeader) => boolean,
): Promise<number> {
  let position = 0
  let window = walkBytes
  while (position < file.sizeBytes) {
    const bytes = Buffer.allocUnsafeSlow(Math.min(window, file.sizeBytes - position))
    const read = await file.read(position, bytes)
    let at = 0
    for (;;) {
      const header = headerAt(bytes, at, read)
      if (header === 'cut off') break
      if (header === 'no batch' || !visit(bytes, at, header)) return position + at
      at += header.sizeBytes
    }
    // What is left at the end of the file is a batch that was never written to its end.
    if (position + read >= file.sizeBytes) return position + at
    // A batch larger than the window: read again from its start with a larger one.
    window = at === 0 ? window * 4 : walkBytes
    position += at
  }
  return position
}

function headerAt(bytes: Buffer, at: number, end: number): BatchHeader | 'cut off' | 'no batch' {
  try {
    const size = batchSizeAt(bytes, at, end)
    return size === 0 ? 'cut off' : readBatchHeader(bytes, at, size)
  } catch (error) {
    if (error instanceof StreamError) return 'no batch'
    throw error
  }
}
