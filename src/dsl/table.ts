import type { StoreReference } from './query.ts'
import type { Stream } from './stream.ts'
import type { Sink } from './topic.ts'

/** The latest value of each key; deletes are tombstones, so `V` has no `null`. A row is no one record's: it has no headers. */
export interface Table<in out K, out V> {
  /** Every change, also those within one commit, as a stream; `null` is a delete. Headers are those of the record behind it. */
  updates(): Stream<K, V | null>
  /** Writes the last value of each key, once a commit, to a topic or a sink connector. A delete is a record without a value. */
  to(sink: Sink<K, V>): void
  /** What a job's queries go to. */
  readonly '~store': StoreReference<K, V>
}
