import type { Headers } from '../core/record.ts'
import type { RecordBatchWriter } from '../protocol/record-batch-writer.ts'

/** A batch that takes no more records, waiting to be sent. */
export interface SealedBatch {
  readonly writer: RecordBatchWriter
  readonly output: PartitionOutput
}

/** What a partition's output asks of its producer. */
export interface OutputOwner {
  /** The limit of a batch, in bytes, header included. */
  readonly batchBytesMax: number
  takeWriter(): RecordBatchWriter
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
  private writer: RecordBatchWriter | null = null

  constructor(owner: OutputOwner, topic: string, partition: number) {
    this.owner = owner
    this.topic = topic
    this.partition = partition
  }

  /** Appends one record to the open batch, sealing it first when the record would not fit. Key and value are copied. */
  append(key: Uint8Array | null, value: Uint8Array | null, timestamp: number, headers: Headers): void {
    this.room(key?.length ?? 0, value?.length ?? 0, headers).append(key, value, timestamp, headers)
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
    this.room(keyLength, valueLength, headers).appendRanges(
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

  private room(keyBytes: number, valueBytes: number, headers: Headers): RecordBatchWriter {
    let writer = this.writer
    if (writer === null) {
      writer = this.owner.takeWriter()
      this.writer = writer
      this.owner.opened(this)
    } else if (!writer.fits(keyBytes, valueBytes, headers, this.owner.batchBytesMax)) {
      this.owner.sealed({ writer, output: this })
      writer = this.owner.takeWriter()
      this.writer = writer
    }
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
