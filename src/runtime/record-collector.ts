import type { PartitionOutput } from '../kafka/partition-output.ts'
import { murmur2 } from '../kafka/partitioner.ts'
import type { TransactionalProducer } from '../kafka/transactional-producer.ts'
import type { OutputTopic, RecordOutput } from '../operators/processor-context.ts'
import { headersWithValue, presence, withoutMark } from '../serde/presence.ts'
import { serialized } from '../serde/serialized.ts'
import { text } from '../serde/text.ts'

/** Keys up to this length are encoded by hand. */
const scratchBytes = 64

/** Values that are text are encoded into this much where they surely fit. */
const valueScratchBytes = 4096

/** UTF-8 has at most so many bytes for a character of a text. */
const bytesOfCharacterMax = 3

/**
 * Writes a task's records into the open batches of its thread's producer.
 *
 * Keys and values that are still as they were read go over as bytes; others are serialised. A record without a value stays
 * one in any topic; a null that user code made becomes one where the topic's serde holds null, and is the serde's to write or
 * to refuse elsewhere (R48). The partition is Java's:
 * murmur2 of the key's bytes; a record without a key goes to the partition of the task that writes it, so that a replay
 * writes it there again.
 */
export class RecordCollector {
  private readonly producer: Pick<TransactionalProducer, 'output'>
  private readonly partitionCount: (topic: string) => number
  private readonly scratch = Buffer.alloc(scratchBytes)
  private readonly valueScratch = Buffer.alloc(valueScratchBytes)

  constructor(producer: Pick<TransactionalProducer, 'output'>, partitionCount: (topic: string) => number) {
    this.producer = producer
    this.partitionCount = partitionCount
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
    const { key: keySerde, value: valueSerde } = topic
    // By what they do, not by what they are called: a serde of the user's may say that it writes text, and write it otherwise.
    const isText = keySerde.serialize === text.serialize
    const holdsNull = valueSerde.holdsNull === true
    const isTextValue = valueSerde.serialize === text.serialize
    const place = `the topic ${topic.topic}`
    const leavesOut = valueSerde === presence
    const isRepartition = topic.isRepartition === true
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
          const given = record.key
          keyLength = isText && typeof given === 'string' ? writeAscii(given, this.scratch) : -1
          if (keyLength >= 0) key = this.scratch
          else {
            key = serialized(keySerde, given, 'key', place)
            keyLength = key.length
          }
          target = outputs[(murmur2(key, 0, keyLength) & 0x7fffffff) % count] as PartitionOutput
        }
        let value: Uint8Array = none
        let valueStart = 0
        let valueLength = -1
        if (record.hasRawValue(valueSerde)) {
          value = record.valueBuffer
          valueStart = record.valueStart
          valueLength = record.valueLength
        } else if (record.hasValue) {
          const given = record.value
          valueLength = isTextValue && typeof given === 'string' ? writeText(given, this.valueScratch) : -1
          if (valueLength >= 0) value = this.valueScratch
          else if (given !== null || !holdsNull) {
            value = serialized(valueSerde, given, 'value', place)
            valueLength = value.length
          }
        }
        let { headers } = record
        if (isRepartition && (valueLength === 0 || headers.length > 0)) {
          headers = leavesOut ? withoutMark(headers) : headersWithValue(headers, valueLength)
        }
        target.judge(keyLength, valueLength, headers)
        onWrite()
        target.appendRanges(key, keyStart, keyLength, value, valueStart, valueLength, record.timestamp, headers)
      },
    }
  }
}

const none = new Uint8Array(0)

/**
 * Encodes a short ASCII text by hand: 40 ns for a word, where a native call costs 100, and a map of known words 400 once
 * it no longer fits the cache of the processor.
 * @returns its bytes, or -1 for a text that is longer or not ASCII
 */
function writeAscii(text: string, target: Buffer): number {
  const { length } = text
  if (length > scratchBytes) return -1
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i)
    if (code > 0x7f) return -1
    target[i] = code
  }
  return length
}

/**
 * Encodes a text as the serde of text does, without a buffer of its own, which costs as much as all the rest of writing it.
 * @returns its bytes, or -1 for a text that might not fit
 */
function writeText(text: string, target: Buffer): number {
  return text.length * bytesOfCharacterMax > target.length ? -1 : target.utf8Write(text, 0)
}
