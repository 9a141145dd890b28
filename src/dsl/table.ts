import type { StoreReference } from './query.ts'
import type { Stream } from './stream.ts'
import type { Sink } from './topic.ts'

/** The latest value of each key; deletes are tombstones, so `V` has no `null`. */
export interface Table<in out K, out V> {
  /** Every change, also those within one commit, as a stream; `null` is a delete. */
  updates(): Stream<K, V | null>
  /** Writes the last value of each key, once a commit, to a topic or a sink connector. */
  to(sink: Sink<K, V>): void
  /** What a job's queries go to. */
  readonly '~store': StoreReference<K, V>
}
