import type { SinkConnector } from '../connector/sink.ts'
import type { SourceConnector } from '../connector/source.ts'
import type { Serde } from '../serde/serde.ts'
import { checkedSerde } from './checked.ts'

/**
 * A Kafka topic with the encodings of its keys and values. Streams read it, and `to` writes it.
 *
 * `V` is the type of the values. That records may be there without one, as deletes are, needs no saying: they pass the functions
 * of a stream by, and are written as they came. With `nullable(serde)` functions are shown them, as null. A record without
 * a key has the key null, wherever it is shown; `nullable(serde)` has the type say so, `nothing` that it is always so.
 */
export interface Topic<in out K, in out V> {
  readonly kind: 'topic'
  readonly name: string
  readonly key: Serde<K>
  readonly value: Serde<V>
  /** Partitions to create it with, where it is only written and not there. Default: those of the task that writes. */
  readonly partitions?: number
  /** Kafka's topic configuration to create it with. */
  readonly config?: Readonly<Record<string, string>>
}

/** What a topic is declared with. */
export interface TopicOptions<K, V> {
  readonly key: Serde<K>
  readonly value: Serde<V>
  /** Partitions to create it with, where it is only written and not there. Default: those of the task that writes. */
  readonly partitions?: number
  /** Kafka's topic configuration to create it with. */
  readonly config?: Readonly<Record<string, string>>
}

/**
 * Declares a topic: `topic('orders', { key: text, value: json<Order>() })`. Its name is judged when a pipeline uses it.
 *
 * @throws {StreamError} `PIPELINE_INVALID` when a serde is missing
 */
export function topic<K, V>(name: string, options: TopicOptions<K, V>): Topic<K, V> {
  const { key, value, partitions, config } = options
  checkedSerde(`topic(${name}): key`, key)
  checkedSerde(`topic(${name}): value`, value)
  return Object.freeze({
    kind: 'topic',
    name,
    key,
    value,
    ...(partitions === undefined ? {} : { partitions }),
    ...(config === undefined ? {} : { config: Object.freeze({ ...config }) }),
  })
}

/** Anything that can be read: a topic or a source connector. */
export type Source<K, V> = Topic<K, V> | SourceConnector<K, V>

/** Anything that can be written: a topic or a sink connector, of these keys and values or of wider ones. */
export type Sink<K, V> = WritableTopic<K, V> | SinkConnector<K, V>

/** The part of a {@link Topic} that a write needs. */
export interface WritableTopic<in K, in V> {
  readonly kind: 'topic'
  readonly name: string
  readonly key: Encoder<K>
  readonly value: Encoder<V>
}

interface Encoder<in T> {
  readonly serialize: (value: T) => Uint8Array
}
