import type { StreamError } from '../core/errors.ts'
import type { AbortedTransaction } from '../protocol/aborted-transactions.ts'
import { batchLayout, batchSizeAt } from '../protocol/batch-header.ts'
import { readInt64 } from '../protocol/wire-reader.ts'
import type { ByteBudget } from './byte-budget.ts'

/** Bytes that stay in memory for as long as any part of them is held: a whole answer, or what was copied out of one. */
export class HeldBytes {
  private readonly budget: ByteBudget
  private readonly bytes: number
  private parts = 0

  constructor(budget: ByteBudget, bytes: number) {
    this.budget = budget
    this.bytes = bytes
  }

  /** One more part of it is held. */
  hold(): void {
    if (this.parts++ === 0) this.budget.take(this.bytes)
  }

  /** One part less; with the last the whole is free. */
  release(): void {
    if (--this.parts === 0) this.budget.release(this.bytes)
  }
}

/** One Fetch answer for a partition: whole batches, undecoded, and what it takes to leave aborted ones out. */
export interface FetchedChunk {
  readonly records: Buffer
  /** What is in memory because of it. */
  readonly held: HeldBytes
  readonly aborted: readonly AbortedTransaction[]
  /** The offset that was asked for: records before it (a batch begins earlier) are not wanted. */
  readonly fromOffset: number
}

/** A view keeps the whole answer in memory: what is less than this share of it is copied out. */
const shareMin = 1 / 8

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
  /** Whether somebody asked for more than is here: whatever the budget says, this partition may fetch then. */
  isAwaited = false
  private readonly chunks: FetchedChunk[] = []
  /** Taken and not yet released. */
  private readonly taken = new Set<FetchedChunk>()
  private readonly budget: ByteBudget
  private readonly onWanted: () => void

  /** @param onWanted called when there is room for more, and when more is waited for */
  constructor(topic: string, partition: number, offset: number, budget: ByteBudget, onWanted: () => void) {
    this.topic = topic
    this.partition = partition
    this.fetchOffset = offset
    this.budget = budget
    this.onWanted = onWanted
  }

  /**
   * Takes the whole batches of an answer; one that was cut off at the end is fetched again.
   * @param answer the answer that the records are a part of, which views of them keep in memory (X24)
   * @returns whether any came
   */
  push(records: Buffer, aborted: readonly AbortedTransaction[], answer: HeldBytes): boolean {
    let end = 0
    let next = this.fetchOffset
    for (;;) {
      const size = batchSizeAt(records, end, records.length)
      if (size === 0) break
      next = readInt64(records, end) + records.readInt32BE(end + batchLayout.lastOffsetDelta) + 1
      end += size
    }
    if (end === 0) return false
    const view = records.subarray(0, end)
    const isView = end >= records.buffer.byteLength * shareMin
    const held = isView ? answer : new HeldBytes(this.budget, end)
    held.hold()
    this.chunks.push({ records: isView ? view : copyOf(view), aborted, fromOffset: this.fetchOffset, held })
    this.fetchOffset = next
    this.isAwaited = false
    this.bytes += end
    return true
  }

  /**
   * The oldest answer, or undefined: then it is waited for. It goes on counting against the budget until {@link release}.
   */
  take(): FetchedChunk | undefined {
    const chunk = this.chunks.shift()
    if (chunk) this.taken.add(chunk)
    else if (!this.isAwaited) {
      this.isAwaited = true
      this.onWanted()
    }
    return chunk
  }

  /** The records of a taken answer are done with. Behind a {@link clear} it changes nothing: that gave all back. */
  release(chunk: FetchedChunk): void {
    if (!this.taken.delete(chunk)) return
    this.bytes -= chunk.records.length
    chunk.held.release()
    this.onWanted()
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
    for (const { held } of [...this.chunks, ...this.taken]) held.release()
    this.bytes = 0
    this.chunks.length = 0
    this.taken.clear()
  }
}

function copyOf(view: Buffer): Buffer {
  const own = Buffer.allocUnsafeSlow(view.length)
  view.copy(own)
  return own
}
