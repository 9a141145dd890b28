import { messageOf, StreamError } from '../core/errors.ts'
import type { PartitionOutput } from '../kafka/partition-output.ts'
import { murmur2 } from '../kafka/partitioner.ts'
import type { TransactionalProducer } from '../kafka/transactional-producer.ts'
import type { FlowRecord } from '../operators/flow-record.ts'
import type { OutputTopic, RecordOutput } from '../operators/processor-context.ts'
import type { AnySerde } from '../serde/serde.ts'

/** Bytes that a record's frame and headers may need beside key and value. */
const frameBytes = 200
const memoEntriesMax = 65_536
const memoTextMax = 64

/** A key as it goes on the wire, with its hash. */
interface EncodedKey {
  readonly bytes: Uint8Array
  readonly hash: number
}

/**
 * Writes a task's records into the open batches of its thread's producer.
 *
 * Keys and values that are still as they were read go over as bytes; others are serialised. The partition is Java's:
 * murmur2 of the key's bytes; a record without a key goes to the partition of the task that writes it, so that a replay
 * writes it there again.
 */
export class RecordCollector {
  private readonly producer: TransactionalProducer
  private readonly partitionCount: (topic: string) => number
  private readonly messageBytesMax: (topic: string) => number
  /** Encodings of short texts, which as keys repeat: a look-up costs a fifth of encoding and hashing anew. */
  private memo = new Map<string, EncodedKey>()

  constructor(
    producer: TransactionalProducer,
    partitionCount: (topic: string) => number,
    messageBytesMax: (topic: string) => number,
  ) {
    this.producer = producer
    this.partitionCount = partitionCount
    this.messageBytesMax = messageBytesMax
  }

  /**
   * The output of one task to one topic.
   * @param onWrite called after the record was judged and before it is appended; throws when the task is closed
   */
  output(topic: OutputTopic, taskPartition: number, onWrite: () => void): RecordOutput {
    const count = this.partitionCount(topic.topic)
    const outputs: PartitionOutput[] = Array.from({ length: count }, (_, partition) =>
      this.producer.output(topic.topic, partition),
    )
    const own = outputs[taskPartition % count] as PartitionOutput
    const bytesMax = this.messageBytesMax(topic.topic) - frameBytes
    return {
      send: (record) => {
        const { key, target } = this.place(record, topic, outputs, own)
        const value = this.valueBytes(record, topic.value, topic.topic)
        const bytes = (key?.length ?? 0) + (value?.length ?? 0)
        if (bytes > bytesMax) {
          throw new StreamError(
            'RECORD_TOO_LARGE',
            `a record of ${bytes} bytes does not fit the topic ${topic.topic}, whose max.message.bytes is ${bytesMax + frameBytes}; raise it, or write smaller records`,
            { topic: topic.topic },
          )
        }
        onWrite()
        target.append(key, value, record.timestamp, record.headers)
      },
    }
  }

  private place(
    record: FlowRecord,
    topic: OutputTopic,
    outputs: readonly PartitionOutput[],
    own: PartitionOutput,
  ): { key: Uint8Array | null; target: PartitionOutput } {
    if (record.hasNullKey) return { key: null, target: own }
    const { bytes, hash } = this.keyBytes(record, topic.key, topic.topic)
    return { key: bytes, target: outputs[(hash & 0x7fffffff) % outputs.length] as PartitionOutput }
  }

  private keyBytes(record: FlowRecord, serde: AnySerde, topic: string): EncodedKey {
    const raw = record.rawKey(serde)
    if (raw !== null) return { bytes: raw, hash: murmur2(raw) }
    const { key } = record
    if (typeof key !== 'string' || key.length > memoTextMax) return encodeKey(key, serde, topic)
    const memoKey = serde.id === 'text' ? key : `${serde.id}\0${key}`
    let known = this.memo.get(memoKey)
    if (known === undefined) {
      known = encodeKey(key, serde, topic)
      if (this.memo.size >= memoEntriesMax) this.memo = new Map()
      this.memo.set(memoKey, known)
    }
    return known
  }

  private valueBytes(record: FlowRecord, serde: AnySerde, topic: string): Uint8Array | null {
    if (record.hasNullValue) return null
    return record.rawValue(serde) ?? serialize(serde, record.value, 'value', topic)
  }
}

function encodeKey(key: unknown, serde: AnySerde, topic: string): EncodedKey {
  const bytes = serialize(serde, key, 'key', topic)
  return { bytes, hash: murmur2(bytes) }
}

function serialize(serde: AnySerde, value: unknown, part: string, topic: string): Uint8Array {
  try {
    return serde.serialize(value)
  } catch (error) {
    throw new StreamError(
      'RECORD_SERIALIZATION',
      `a ${part} for the topic ${topic} cannot be written as ${serde.id}: ${messageOf(error)}`,
      { topic, cause: error },
    )
  }
}
