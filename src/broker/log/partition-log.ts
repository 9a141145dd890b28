import { assert } from '../../core/assert.ts'
import { StreamError } from '../../core/errors.ts'
import { type BatchHeader, batchAttribute, batchLayout, stampMaxTimestamp } from '../../protocol/batch-header.ts'
import { writeInt64 } from '../../protocol/wire-writer.ts'
import type { BrokerStorage } from '../storage/broker-storage.ts'
import { lastOffsetIn, type OffsetAndTimestamp } from './batch-walk.ts'
import { LeaderEpochs } from './leader-epochs.ts'
import { Replay, recoverLog } from './log-recovery.ts'
import { LogSegment, type ReadRequest } from './log-segment.ts'
import { type LogSnapshot, takeSnapshot } from './log-snapshot.ts'
import { LogWriter } from './log-writer.ts'
import { ProducerStates } from './producer-states.ts'
import { LogTail, type TailBudget } from './tail-cache.ts'
import { type AbortedRange, TransactionIndex } from './transaction-index.ts'

/** What all logs of a broker share. */
export interface LogEnvironment {
  readonly storage: BrokerStorage
  readonly tails: TailBudget
  /** Wait for the disk before a write counts as written. */
  readonly sync: boolean
  /** A segment file is closed and the next begun when a batch would pass this size, in bytes. */
  readonly segmentBytes: number
  /** The number of this start of the broker; batches are stamped with it. */
  readonly leaderEpoch: number
  /** Told of a failed write: the log takes no more. */
  failed(error: unknown): void
}

/**
 * The log of one partition: batches with ascending offsets in segment files.
 *
 * Offsets: `startOffset` <= `lastStableOffset` <= `highWatermark` <= `endOffset`. Offsets are assigned at once when a
 * batch is appended (`endOffset`), and readable once it is written (`highWatermark`).
 */
export class PartitionLog {
  readonly topic: string
  readonly partition: number
  readonly name: string
  readonly producers = new ProducerStates()
  /** The snapshot that the facts hold. */
  storedSnapshot: LogSnapshot | null = null
  startOffset: number
  endOffset: number
  highWatermark: number
  lastStableOffset: number
  private readonly environment: LogEnvironment
  private readonly transactions = new TransactionIndex()
  private readonly replay = new Replay(this.producers, this.transactions)
  private readonly tail: LogTail
  private readonly watchers = new Set<() => void>()
  private epochs: LeaderEpochs
  private segments: LogSegment[]
  private writer: LogWriter
  private closed = false

  private constructor(
    environment: LogEnvironment,
    place: { readonly topic: string; readonly partition: number; readonly name: string },
  ) {
    this.environment = environment
    this.topic = place.topic
    this.partition = place.partition
    this.name = place.name
    this.tail = new LogTail(environment.tails)
    this.startOffset = 0
    this.endOffset = 0
    this.highWatermark = 0
    this.lastStableOffset = 0
    this.epochs = new LeaderEpochs([], environment.leaderEpoch, 0)
    this.segments = []
    this.writer = this.newWriter()
  }

  /**
   * Opens a log, creating it where there are no files.
   *
   * @param startOffset what DeleteRecords last left, from the facts
   * @param snapshot what the facts hold of segments that are gone, or null
   * @returns the log, and the bytes of a torn write that were cut off its end
   */
  static async open(
    environment: LogEnvironment,
    place: { readonly topic: string; readonly partition: number; readonly name: string },
    startOffset: number,
    snapshot: LogSnapshot | null,
  ): Promise<{ readonly log: PartitionLog; readonly bytesCut: number }> {
    const log = new PartitionLog(environment, place)
    log.storedSnapshot = snapshot
    const { storage } = environment
    const remains = { storage, name: place.name, label: `${place.topic}-${place.partition}`, startOffset, snapshot }
    const { segments, epochs, bytesCut } = await recoverLog(remains, log.producers, log.transactions)
    log.segments = segments
    const endOffset = Math.max(segments.at(-1)?.nextOffset ?? 0, startOffset, snapshot?.offset ?? 0)
    if (segments.length === 0 || endOffset > (segments.at(-1) as LogSegment).nextOffset) log.roll(endOffset)
    log.startOffset = Math.max(startOffset, (log.segments[0] as LogSegment).baseOffset)
    log.endOffset = endOffset
    log.highWatermark = endOffset
    log.lastStableOffset = log.stableOffset()
    log.epochs = new LeaderEpochs(epochs, environment.leaderEpoch, endOffset)
    log.writer = log.newWriter()
    // A crash may have come between the facts and the files.
    await log.removeBelowStart()
    return { log, bytesCut }
  }

  get leaderEpoch(): number {
    return this.environment.leaderEpoch
  }

  /** Bytes of all segment files. */
  get sizeBytes(): number {
    return this.segments.reduce((total, segment) => total + segment.sizeBytes, 0)
  }

  /**
   * Appends one batch that has been judged fit: copies it, assigns its offsets, and queues it for writing.
   *
   * @param appendTime stamped on the batch as the time of all its records (LogAppendTime), or null to keep theirs
   * @returns its first offset; {@link written} tells when it is safe
   * @throws {StreamError} what ended the log's writer, or `ILLEGAL_STATE` once it is closed
   */
  append(source: Buffer, given: BatchHeader, appendTime: number | null = null): number {
    if (this.closed) throw new StreamError('ILLEGAL_STATE', `log ${this.name} is closed`)
    if (this.writer.error !== null) throw this.writer.error
    const baseOffset = this.endOffset
    const header = appendTime === null ? given : { ...given, maxTimestamp: appendTime }
    const lastOffset = baseOffset + header.lastOffsetDelta
    assert(source.length === header.sizeBytes && header.lastOffsetDelta >= 0, 'an append is one whole batch')
    const bytes = Buffer.allocUnsafeSlow(source.length)
    source.copy(bytes)
    writeInt64(bytes, baseOffset, batchLayout.baseOffset)
    bytes.writeInt32BE(this.leaderEpoch, batchLayout.leaderEpoch)
    if (appendTime !== null) stampAppendTime(bytes, appendTime)
    let segment = this.segments.at(-1) as LogSegment
    if (segment.sizeBytes > 0 && segment.sizeBytes + bytes.length > this.environment.segmentBytes) {
      segment = this.roll(baseOffset)
    }
    segment.enter(baseOffset, lastOffset, bytes.length, header.maxTimestamp)
    if (header.producerId >= 0) this.replay.enter(bytes, 0, { ...header, baseOffset })
    this.tail.add({ baseOffset, lastOffset, bytes })
    this.endOffset = lastOffset + 1
    this.writer.write(segment, bytes, this.endOffset)
    return baseOffset
  }

  /** Resolves when everything below `offset` has been written. @throws what the storage threw */
  written(offset: number): Promise<void> {
    return this.writer.reached(offset)
  }

  /**
   * Whole batches from the one that holds `fromOffset` on; nothing at or past `upToOffset`, which is at most the high
   * watermark. In several pieces where they come from memory.
   */
  read(request: ReadRequest): readonly Buffer[] | Promise<readonly Buffer[]> {
    if (request.fromOffset >= request.upToOffset || (request.maxBytes <= 0 && !request.atLeastOne)) return []
    return (
      this.tail.read(request.fromOffset, request.upToOffset, request.maxBytes, request.atLeastOne) ??
      this.readSegments(request)
    )
  }

  private async readSegments(request: ReadRequest): Promise<readonly Buffer[]> {
    const found: Buffer[] = []
    let left = request.maxBytes
    const first = this.segments.findLastIndex((segment) => segment.baseOffset <= request.fromOffset)
    for (const segment of this.segments.slice(Math.max(first, 0))) {
      if ((left <= 0 && found.length > 0) || segment.baseOffset >= request.upToOffset) break
      if (segment.nextOffset <= request.fromOffset) continue
      const atLeastOne = request.atLeastOne && found.length === 0
      const reading = segment.read({ ...request, maxBytes: left, atLeastOne })
      const bytes = await this.unlessRemoved(segment, reading, noBytes)
      if (bytes.length === 0) break
      found.push(bytes)
      left -= bytes.length
      // A segment read in part ends here; only when its last batch is in does the next one follow.
      if (lastOffsetIn(bytes) + 1 < segment.nextOffset) break
    }
    return found
  }

  /** What is read of a segment; `nothing` where it was deleted meanwhile, which the next request is told. */
  private async unlessRemoved<T>(segment: LogSegment, reading: Promise<T>, nothing: T): Promise<T> {
    try {
      return await reading
    } catch (error) {
      if (this.closed || !this.segments.includes(segment)) return nothing
      throw error
    }
  }

  /** See {@link TransactionIndex.abortedRanges}. */
  abortedRanges(): readonly AbortedRange[] {
    return this.transactions.abortedRanges()
  }

  /** Calls `changed` whenever the high watermark or the last stable offset has moved. @returns what ends that */
  watch(changed: () => void): () => void {
    this.watchers.add(changed)
    return () => this.watchers.delete(changed)
  }

  /** The first record of `timestamp` or later, below the high watermark; null when there is none. */
  async findTimestamp(timestamp: number): Promise<OffsetAndTimestamp | null> {
    for (const segment of this.segments) {
      if (segment.maxTimestamp < timestamp || segment.nextOffset <= this.startOffset) continue
      const found = await this.unlessRemoved(segment, segment.recordSince(timestamp, this.startOffset), null)
      if (found) return found.offset < this.highWatermark ? found : null
    }
    return null
  }

  /** The first record with the greatest timestamp of all; null for an empty log. */
  async findMaxTimestamp(): Promise<OffsetAndTimestamp | null> {
    const greatest = this.segments.reduce((most, segment) => Math.max(most, segment.maxTimestamp), -1)
    return greatest < 0 ? null : this.findTimestamp(greatest)
  }

  /** Where an epoch ended; see {@link LeaderEpochs.endOf}. */
  endOfEpoch(epoch: number): { readonly epoch: number; readonly endOffset: number } {
    return this.epochs.endOf(epoch, this.endOffset)
  }

  /**
   * Prepares to move the start to `offset`, at most the high watermark.
   *
   * @returns what must be among the facts before {@link moveStart}: what the segment files that go tell of producers
   * and transactions; null when no file goes
   */
  async prepareStart(offset: number): Promise<LogSnapshot | null> {
    const active = this.segments.at(-1) as LogSegment
    // Where all is gone a new file takes over the end offset by its name, before the old ones are removed.
    if (active.nextOffset <= offset && active.sizeBytes > 0) await this.roll(this.endOffset).file
    const kept = this.segments.findIndex((segment, i) => i === this.segments.length - 1 || segment.nextOffset > offset)
    return kept > 0 ? (this.segments[kept] as LogSegment).before : null
  }

  /** Moves the start, never back, and removes the segment files that lie wholly below it. */
  async moveStart(offset: number): Promise<void> {
    if (offset <= this.startOffset) return
    this.startOffset = offset
    this.transactions.forgetBelow(offset)
    this.moved()
    await this.removeBelowStart()
  }

  private async removeBelowStart(): Promise<void> {
    const last = this.segments.length - 1
    const dead = this.segments.filter((segment, i) => i < last && segment.nextOffset <= this.startOffset)
    this.segments = this.segments.filter((segment) => !dead.includes(segment))
    for (const segment of dead) {
      await (await segment.file).close()
      await this.environment.storage.removeSegment(this.name, segment.baseOffset)
    }
  }

  /** Ends the log: what is queued is written first. Idempotent. */
  async close(): Promise<void> {
    this.closed = true
    await this.writer.idle()
    this.tail.clear()
    for (const segment of this.segments) await segment.file.then((file) => file.close()).catch(() => {})
    for (const changed of [...this.watchers]) changed()
  }

  private roll(baseOffset: number): LogSegment {
    const file = this.environment.storage.openSegment(this.name, baseOffset)
    // The writer meets a failure when it comes to the file; until then nobody may be listening.
    file.catch(() => {})
    const segment = new LogSegment(takeSnapshot(baseOffset, this.producers, this.transactions), file)
    this.segments = [...this.segments, segment]
    return segment
  }

  private newWriter(): LogWriter {
    return new LogWriter(this.endOffset, this.environment.sync, {
      written: (endOffset) => {
        this.highWatermark = endOffset
        this.moved()
      },
      failed: (error) => this.environment.failed(error),
    })
  }

  /** An open transaction may begin before the start of the log, of which nothing is left to read. */
  private stableOffset(): number {
    return Math.max(this.startOffset, this.transactions.lastStableOffset(this.highWatermark))
  }

  private moved(): void {
    this.lastStableOffset = this.stableOffset()
    for (const changed of [...this.watchers]) changed()
  }
}

const noBytes = Buffer.alloc(0)

function stampAppendTime(bytes: Buffer, appendTime: number): void {
  bytes.writeInt16BE(bytes.readInt16BE(batchLayout.attributes) | batchAttribute.logAppendTime, batchLayout.attributes)
  stampMaxTimestamp(bytes, appendTime)
}
