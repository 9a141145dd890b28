import type { Headers } from '../core/record.ts'
import type { ConnectorContext } from './source.ts'

/** A record for a sink outside Kafka, decoded. */
export interface SinkRecord<out K, out V> {
  /** `topic/partition/offset`: the same on every replay, so that a sink can drop what it has seen. */
  readonly id: string
  /** Null where the record has none. */
  readonly key: K | null
  /** Null where the record has none: a delete of a table, or one that was in the topic that is read. */
  readonly value: V | null
  readonly timestamp: number
  /** In the order of the wire; `header(headers, name)` gives the last of a name. */
  readonly headers: Headers
}

/**
 * Writes one partition's records. Sinks read a committed log (X17), so a replay brings identical records.
 *
 * The signal is that of the context. A call that does not heed it is given up some seconds later: its records come again.
 */
export interface SinkWriter<in K, in V> {
  /** In offset order, one call at a time. */
  write(records: readonly SinkRecord<K, V>[], signal: AbortSignal): Promise<void>
  /** Resolves when all that was written is durable; only then are the offsets behind it committed. */
  flush(signal: AbortSignal): Promise<void>
  /** Frees what is open. Idempotent. */
  close(): Promise<void>
}

/**
 * A sink that stores its offset with its rows: `commit` is one atomic step that refuses when the stored offset is not
 * `expected`. The compare-and-set is the fence against a second writer (X17).
 */
export interface TransactionalSinkWriter<in K, in V> {
  /** The offset up to which rows are in the sink, or null when there are none yet. */
  lastCommitted(): Promise<number | null>
  /** Stores the rows and `next` together, if the stored offset is still `expected`. @returns false when it was not */
  commit(records: readonly SinkRecord<K, V>[], expected: number | null, next: number): Promise<boolean>
  close(): Promise<void>
}

interface SinkBase {
  readonly kind: 'sink-connector'
  /** The user's name: part of the name of its egress topic. */
  readonly name: string
}

/** A sink outside Kafka. Key and value types are those it can take. It is opened within the deadline of a record. */
export type SinkConnector<K = never, V = never> = SinkBase &
  (
    | {
        readonly guarantee: 'at-least-once' | 'idempotent'
        open(partition: number, context: ConnectorContext): Promise<SinkWriter<K, V>>
      }
    | {
        readonly guarantee: 'transactional'
        open(partition: number, context: ConnectorContext): Promise<TransactionalSinkWriter<K, V>>
      }
  )
