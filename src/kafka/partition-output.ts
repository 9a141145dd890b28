import { StreamError } from '../core/errors.ts'
import type { Headers } from '../core/record.ts'
import { batchHeaderBytes } from '../protocol/batch-header.ts'
import type { RecordBatchWriter } from '../protocol/record-batch-writer.ts'
import { frameBytesMax, loneBatchBytes } from '../protocol/record-size.ts'
import type { TopicLimit } from './topic-limits.ts'

/** What a batch and its one record have beside key, value and headers, at the most. */
const loneFrameBytesMax = batchHeaderBytes + frameBytesMax

/** A batch that takes no more records, waiting to be sent. */
export interface SealedBatch {
  readonly writer: RecordBatchWriter
  readonly output: PartitionOutput
}

/** What a partition's output asks of its producer. */
export interface OutputOwner {
  /** A writer without records. `batchBytes` is what it will hold at the most, but for a record alone. */
  takeWriter(batchBytes: number): RecordBatchWriter
  /** A batch is full. */
  sealed(batch: SealedBatch): void
  /** The first record after a cut has come. */
  opened(output: PartitionOutput): void
}

/**
 * The end of a producer that writes one partition: records go straight into the open batch.
 *
 * Sinks keep the object and append to it; it lives as long as its producer, through every transaction.
 */
export class PartitionOutput {
  readonly topic: string
  readonly partition: number
  /** The sequence number of the next record under the current producer epoch. */
  sequence = 0
  /** Whether the open transaction has the partition. */
  isInTransaction = false
  /** One past the last offset that the broker gave to a record of this producer; -1 before the first. */
  endOffset = -1
  private readonly owner: OutputOwner
  private readonly limit: TopicLimit
  private writer: RecordBatchWriter | null = null

  constructor(owner: OutputOwner, limit: TopicLimit, partition: number) {
    this.owner = owner
    this.limit = limit
    this.topic = limit.topic
    this.partition = partition
  }

  /**
   * Judges a record before anything is done with it: for whoever must not have begun when it is refused.
   * @param keyLength,valueLength -1 for null
   * @throws {StreamError} `RECORD_TOO_LARGE` when not even a batch of its own would fit the topic
   */
  judge(keyLength: number, valueLength: number, headers: Headers): void {
    const { topic, setting, recordBytesMax } = this.limit
    if (headers.length === 0 && keyLength + valueLength + loneFrameBytesMax <= recordBytesMax) return
    const bytes = loneBatchBytes(keyLength, valueLength, headers)
    if (bytes <= recordBytesMax) return
    throw new StreamError(
      'RECORD_TOO_LARGE',
      `a record of ${bytes} bytes as a batch of its own does not fit the topic ${topic}, whose ${setting} is ${recordBytesMax}; raise it and start again, or write smaller records`,
      { topic, partition: this.partition },
    )
  }

  /**
   * Appends one record to the open batch, sealing it first when the record would not fit. Key and value are copied.
   * @throws {StreamError} `RECORD_TOO_LARGE` as {@link judge}; nothing was appended then
   */
  append(key: Uint8Array | null, value: Uint8Array | null, timestamp: number, headers: Headers): void {
    this.room(key?.length ?? -1, value?.length ?? -1, timestamp, headers).append(key, value, timestamp, headers)
  }

  /** As {@link append}, for ranges of buffers; a length of -1 is null. */
  appendRanges(
    key: Uint8Array,
    keyStart: number,
    keyLength: number,
    value: Uint8Array,
    valueStart: number,
    valueLength: number,
    timestamp: number,
    headers: Headers,
  ): void {
    this.room(keyLength, valueLength, timestamp, headers).appendRanges(
      key,
      keyStart,
      keyLength,
      value,
      valueStart,
      valueLength,
      timestamp,
      headers,
    )
  }

  private room(keyLength: number, valueLength: number, timestamp: number, headers: Headers): RecordBatchWriter {
    const open = this.writer
    if (open?.fits(keyLength, valueLength, timestamp, headers, this.limit.batchBytesMax)) return open
    // Only the first of a batch can be too large for its topic: what fits behind others fits alone.
    this.judge(keyLength, valueLength, headers)
    if (open !== null) this.owner.sealed({ writer: open, output: this })
    const writer = this.owner.takeWriter(this.limit.batchBytesMax)
    this.writer = writer
    if (open === null) this.owner.opened(this)
    return writer
  }

  /** Hands the open batch over, if there is one. */
  cut(): void {
    const writer = this.writer
    if (writer === null) return
    this.writer = null
    this.owner.sealed({ writer, output: this })
  }

  /** Takes the numbers of a batch of `count` records. Sequence numbers wrap to 0 behind 2^31 - 1. */
  takeSequence(count: number): number {
    const first = this.sequence
    const next = first + count
    this.sequence = next > 0x7fffffff ? next - 0x80000000 : next
    return first
  }

  /** The transaction has ended. @param isNewEpoch whether the producer goes on under another epoch, whose numbers begin at 0 */
  ended(isNewEpoch: boolean): void {
    this.isInTransaction = false
    if (isNewEpoch) this.sequence = 0
  }

  /** Forgets the open batch and all numbers: a new producer epoch begins. @returns the batch's writer, to be used again */
  reset(): RecordBatchWriter | null {
    const writer = this.writer
    this.writer = null
    this.sequence = 0
    this.isInTransaction = false
    this.endOffset = -1
    return writer
  }
}
