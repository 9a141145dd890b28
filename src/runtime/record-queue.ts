import { hasCode, messageOf, StreamError } from '../core/errors.ts'
import { type Headers, noHeaders } from '../core/record.ts'
import { partitionKey } from '../core/topic-partition.ts'
import type { FetchedChunk, FetchQueue } from '../kafka/fetch-queue.ts'
import { FlowRecord } from '../operators/flow-record.ts'
import { AbortedTransactions } from '../protocol/aborted-transactions.ts'
import { batchAttribute, batchSizeAt, readBatchHeader, verifyChecksum } from '../protocol/batch-header.ts'
import { readMarker } from '../protocol/control-batch.ts'
import { RecordCursor } from '../protocol/record-batch-reader.ts'
import { isValueEmpty, presence, withoutMark } from '../serde/presence.ts'
import type { InputSpec } from '../topology/plan.ts'

/**
 * The records of one input partition in offset order, walked in place in what was fetched.
 *
 * Its head is decoded as far as its serdes can fail (D7), so that a poison record is found before it has any effect.
 * The position passes control batches and aborted records by itself.
 */
export class RecordQueue {
  readonly key: string
  readonly input: InputSpec
  /** The next offset to take: what is committed. */
  position: number
  /** The greatest timestamp taken, -1 before the first (R2). */
  partitionTime: number
  /** Bytes of the log taken since the last reading of this number: for purge and progress. */
  bytesTaken = 0
  /** Whether a record that lacks a value which is needed is passed over. */
  private readonly passesOver: boolean
  /** Told of a record that is passed over: it does not decode, under the policy `skip`, or lacks its value. */
  private readonly onSkipped: (error: StreamError) => void
  private readonly fetched: FetchQueue
  private readonly cursor = new RecordCursor()
  private chunk: FetchedChunk | null = null
  private chunkAt = 0
  private aborted = new AbortedTransactions([])
  private batchEnd = -1
  private head: FlowRecord | null = null
  private headOffset = -1

  constructor(
    input: InputSpec,
    fetched: FetchQueue,
    position: number,
    partitionTime: number,
    onSkipped: (error: StreamError) => void,
    passesOver = false,
  ) {
    this.key = partitionKey(fetched.topic, fetched.partition)
    this.input = input
    this.fetched = fetched
    this.position = position
    this.partitionTime = partitionTime
    this.onSkipped = onSkipped
    this.passesOver = passesOver
  }

  get topic(): string {
    return this.fetched.topic
  }

  get partition(): number {
    return this.fetched.partition
  }

  /** The offset of the record that `peek` shows. */
  get offset(): number {
    return this.headOffset
  }

  /** The timestamp of the record that `peek` shows. */
  get headTime(): number {
    return this.head?.timestamp ?? -1
  }

  /**
   * The next record, or null when none is here.
   * @throws {StreamError} `RECORD_DESERIALIZATION` under the policy `fail`; `BATCH_CORRUPT`, `COMPRESSION_UNSUPPORTED`,
   * `OFFSET_OUT_OF_RANGE` always
   */
  peek(): FlowRecord | null {
    if (this.head !== null) return this.head
    const { cursor } = this
    for (;;) {
      if (this.batchEnd >= 0) {
        while (cursor.next()) {
          if (cursor.offset < this.position) continue
          const record = this.decode()
          if (record === null) {
            this.position = cursor.offset + 1
            continue
          }
          this.head = record
          this.headOffset = cursor.offset
          return record
        }
        this.position = this.batchEnd
        this.batchEnd = -1
      }
      if (!this.nextBatch()) return null
    }
  }

  /** Takes the record that `peek` showed. @returns null where none was shown */
  take(): FlowRecord | null {
    const { head } = this
    if (head === null) return null
    this.head = null
    this.position = this.headOffset + 1
    if (head.timestamp > this.partitionTime) this.partitionTime = head.timestamp
    return head
  }

  /**
   * Records that wait, here and at the broker, as far as the last answer told: offsets are counted, of which some are taken by
   * no record for us. 1 before the first answer.
   */
  get waiting(): number {
    const { lastStableOffset } = this.fetched
    return lastStableOffset < 0 ? 1 : Math.max(0, lastStableOffset - this.position)
  }

  /** Whether a broker may have records that are not here yet: then a task with several inputs waits (R3). */
  get mayHaveMore(): boolean {
    return this.fetched.lastStableOffset < 0 || this.fetched.fetchOffset < this.fetched.lastStableOffset
  }

  /** Opens the next batch that has records for us. @returns false when no batch is here */
  private nextBatch(): boolean {
    for (;;) {
      if (this.chunk === null) {
        if (this.fetched.failure) throw this.fetched.failure
        const chunk = this.fetched.take()
        if (!chunk) return false
        this.chunk = chunk
        this.chunkAt = 0
        this.aborted = new AbortedTransactions(chunk.aborted)
      }
      const { records } = this.chunk
      const size = batchSizeAt(records, this.chunkAt, records.length)
      if (size === 0) {
        this.bytesTaken += records.length
        this.fetched.release(this.chunk)
        this.chunk = null
        continue
      }
      const at = this.chunkAt
      this.chunkAt += size
      verifyChecksum(records, at, size)
      const header = readBatchHeader(records, at, size)
      const end = header.baseOffset + header.lastOffsetDelta + 1
      const isControl = (header.attributes & batchAttribute.control) !== 0
      if (isControl) {
        this.cursor.open(records, at, header)
        this.aborted.isAborted(header, this.cursor.next() ? readMarker(this.cursor.key()) : null)
        this.position = end
      } else if (this.aborted.isAborted(header, null) || header.count === 0) {
        this.position = end
      } else {
        this.cursor.open(records, at, header)
        this.batchEnd = end
        return true
      }
    }
  }

  /**
   * The headers of a record of a repartition topic, which says by them whether a value of no bytes was left out.
   * @returns null where it was and is passed over
   */
  private judged(headers: Headers): Headers | null {
    const { cursor, input } = this
    if (cursor.valueLength !== 0 || input.value === presence || isValueEmpty(headers)) return withoutMark(headers)
    const failure = new StreamError(
      'PLAN_CHANGED',
      `the record ${this.key}@${cursor.offset} was written without its value, since nothing read it then, and something does now: let the earlier version of the pipeline read the topic to its end (--drain), or pass over such records (--pass-over ${this.topic})`,
      { topic: this.topic, partition: this.partition, offset: cursor.offset },
    )
    if (!this.passesOver) throw failure
    this.onSkipped(failure)
    return null
  }

  private decode(): FlowRecord | null {
    const { cursor, input } = this
    try {
      let headers: Headers | null = cursor.headerCount === 0 ? noHeaders : cursor.headers()
      if (input.topic.role === 'repartition' && (cursor.valueLength === 0 || headers.length > 0)) {
        headers = this.judged(headers)
        if (headers === null) return null
      }
      const record = FlowRecord.raw(
        cursor.buffer,
        cursor.keyStart,
        cursor.keyLength,
        input.key,
        cursor.valueStart,
        cursor.valueLength,
        input.value,
        cursor.timestamp < 0 ? Math.max(this.partitionTime, 0) : cursor.timestamp,
        headers,
      )
      record.check()
      if (input.timestamp === undefined || record.hasNullValue) return record
      const timestamp = input.timestamp(record.value)
      if (!Number.isFinite(timestamp) || timestamp < 0) throw new RangeError(`the extracted timestamp is ${timestamp}`)
      return record.at(Math.floor(timestamp))
    } catch (error) {
      // Headers that do not end where their record does are damage, and none of the record's own making.
      if (hasCode(error, 'BATCH_CORRUPT', 'PLAN_CHANGED')) throw error
      const failure = new StreamError(
        'RECORD_DESERIALIZATION',
        `the record ${this.key}@${cursor.offset} cannot be read: ${messageOf(error)}; mend its producer, or pass over such records with { onDecodeError: 'skip' }`,
        { topic: this.topic, partition: this.partition, offset: cursor.offset, cause: error },
      )
      if (input.errors.decode === 'fail') throw failure
      this.onSkipped(failure)
      return null
    }
  }
}
