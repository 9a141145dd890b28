import type { StreamError } from '../core/errors.ts'
import type { AbortedTransaction } from '../protocol/aborted-transactions.ts'
import { batchLayout, batchSizeAt } from '../protocol/batch-header.ts'
import { readInt64 } from '../protocol/wire-reader.ts'
import type { ByteBudget } from './byte-budget.ts'

/** One Fetch answer for a partition: whole batches, undecoded, and what it takes to leave aborted ones out. */
export interface FetchedChunk {
  readonly records: Buffer
  readonly aborted: readonly AbortedTransaction[]
  /** The offset that was asked for: records before it (a batch begins earlier) are not wanted. */
  readonly fromOffset: number
}

/** A view keeps the whole answer in memory: what is less than this share of it is copied out. */
const shareMin = 1 / 8

/** The first bytes of a part of an answer, so that what waits costs about what the budget counts for it (X24). */
function kept(records: Buffer, end: number): Buffer {
  const view = records.subarray(0, end)
  if (end >= records.buffer.byteLength * shareMin) return view
  const own = Buffer.allocUnsafeSlow(end)
  view.copy(own)
  return own
}

/** What was fetched of one partition and not yet taken, in offset order. */
export class FetchQueue {
  readonly topic: string
  readonly partition: number
  /** The next offset to ask for. */
  fetchOffset: number
  /** Of the last answer; -1 before the first. */
  highWatermark = -1
  lastStableOffset = -1
  logStartOffset = -1
  /** Why nothing more comes; the owner of the partition stops on it. */
  failure: StreamError | null = null
  /** Bytes waiting here. */
  bytes = 0
  private readonly chunks: FetchedChunk[] = []
  /** Taken and not yet released. */
  private readonly taken = new Set<FetchedChunk>()
  private readonly budget: ByteBudget
  private readonly onTaken: () => void

  constructor(topic: string, partition: number, offset: number, budget: ByteBudget, onTaken: () => void) {
    this.topic = topic
    this.partition = partition
    this.fetchOffset = offset
    this.budget = budget
    this.onTaken = onTaken
  }

  /** Takes the whole batches of an answer; one that was cut off at the end is fetched again. @returns whether any came */
  push(records: Buffer, aborted: readonly AbortedTransaction[]): boolean {
    let end = 0
    let next = this.fetchOffset
    for (;;) {
      const size = batchSizeAt(records, end, records.length)
      if (size === 0) break
      next = readInt64(records, end) + records.readInt32BE(end + batchLayout.lastOffsetDelta) + 1
      end += size
    }
    if (end === 0) return false
    this.chunks.push({ records: kept(records, end), aborted, fromOffset: this.fetchOffset })
    this.fetchOffset = next
    this.bytes += end
    this.budget.take(end)
    return true
  }

  /** The oldest answer, or undefined. It goes on counting against the budget until {@link release}. */
  take(): FetchedChunk | undefined {
    const chunk = this.chunks.shift()
    if (chunk) this.taken.add(chunk)
    return chunk
  }

  /** The records of a taken answer are done with. Behind a {@link clear} it changes nothing: that gave all back. */
  release(chunk: FetchedChunk): void {
    if (!this.taken.delete(chunk)) return
    this.bytes -= chunk.records.length
    this.budget.release(chunk.records.length)
    this.onTaken()
  }

  /** Whether the last answer left nothing to fetch. False before the first. */
  get isAtEnd(): boolean {
    return this.lastStableOffset >= 0 && this.fetchOffset >= this.lastStableOffset
  }

  /** Whether nothing waits to be taken. */
  get isEmpty(): boolean {
    return this.chunks.length === 0
  }

  /** Drops all that waits. */
  clear(): void {
    this.budget.release(this.bytes)
    this.bytes = 0
    this.chunks.length = 0
    this.taken.clear()
  }
}
