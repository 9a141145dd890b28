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
    const { key: keySerde, value: valueSerde } = topic
    return {
      send: (record) => {
        let target = own
        let key: Uint8Array = none
        let keyStart = 0
        let keyLength = -1
        if (record.hasRawKey(keySerde)) {
          key = record.buffer
          keyStart = record.keyStart
          keyLength = record.keyLength
          target = outputs[(murmur2(key, keyStart, keyLength) & 0x7fffffff) % count] as PartitionOutput
        } else if (!record.hasNullKey) {
          const encoded = this.encodedKey(record, keySerde, topic.topic)
          key = encoded.bytes
          keyLength = key.length
          target = outputs[(encoded.hash & 0x7fffffff) % count] as PartitionOutput
        }
        let value: Uint8Array = none
        let valueStart = 0
        let valueLength = -1
        if (record.hasRawValue(valueSerde)) {
          value = record.buffer
          valueStart = record.valueStart
          valueLength = record.valueLength
        } else if (!record.hasNullValue) {
          value = serialize(valueSerde, record.value, 'value', topic.topic)
          valueLength = value.length
        }
        if (keyLength + valueLength > bytesMax) throw tooLarge(keyLength + valueLength, topic.topic, bytesMax)
        onWrite()
        target.appendRanges(key, keyStart, keyLength, value, valueStart, valueLength, record.timestamp, record.headers)
      },
    }
  }

  private encodedKey(record: FlowRecord, serde: AnySerde, topic: string): EncodedKey {
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
}

const none = new Uint8Array(0)

function tooLarge(bytes: number, topic: string, bytesMax: number): StreamError {
  return new StreamError(
    'RECORD_TOO_LARGE',
    `a record of ${bytes} bytes does not fit the topic ${topic}, whose max.message.bytes is ${bytesMax + frameBytes}; raise it, or write smaller records`,
    { topic },
  )
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
