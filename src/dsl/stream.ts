import type { KeyedMethods } from './keyed-methods.ts'
import type { StatelessMethods } from './stateless-methods.ts'
import type { Sink } from './topic.ts'

/**
 * Events. Always grouped by their key; `keyBy` is the one way to change it.
 *
 * Each method adds a step to the pipeline and gives what comes behind it; nothing runs before a job does. Functions given
 * here are called once a record, in order within a partition, and again when a commit failed: they must not act on the
 * world outside. Timestamps and headers pass on: all headers, in order, repeated names and nulls among them.
 *
 * A record without a value (a tombstone) passes all functions by, and `to` writes it as it came. It is shown to them, as
 * null, where `V` says so: behind a topic whose serde is `nullable(serde)`, and behind `updates()`. A record without a key has
 * the key null, and `K` says so where the key's serde is nullable. What works by key drops and counts both.
 */
export interface Stream<in out K, out V> extends StatelessMethods<K, V>, KeyedMethods<K, V> {
  /**
   * Writes the records to a topic or a sink connector. A record without a value stays one; null that a function gave becomes one in
   * a topic whose serde is nullable, and is refused by most other serdes (to `json` and `structured` it is a value).
   */
  to(sink: Sink<K, V>): void
}
