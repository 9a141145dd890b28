import type { Serde } from '../serde/serde.ts'
import type { Aggregators, Results } from './aggregator.ts'
import type { DefaultKeyed, DefaultStored, Serdes } from './demands.ts'
import type { Stream } from './stream.ts'
import type { Table } from './table.ts'

/** What a stream does by key: it gives another one, or keeps a state of each. */
export interface KeyedMethods<in out K, out V> {
  /**
   * Gives each record a new key. Keyed operators behind it read through the topic `<app>-<name>-repartition`, one for
   * all of them; without one no record takes a detour. A key that is not text needs its serde. A record without a value has
   * nothing to make a key from: unless `V` shows it as null, it is dropped and counted.
   */
  keyBy<K2, W = V>(name: string, fn: (value: V, key: K) => DefaultKeyed<K2, W>): Stream<K2, V>
  keyBy<K2 extends {}, W extends V = V>(
    name: string,
    fn: (value: V, key: K) => K2,
    serdes: Serdes<K2, V, W>,
  ): Stream<K2, V>

  /** How many records each key had. `store` names the state. Records whose key or value is null do not count, here and below. */
  count(store: string): Table<NonNullable<K>, number>
  /** Folds the values of each key, the first of which is the first state. A fold that gives null deletes the row. */
  reduce(
    store: string,
    fn: (state: NonNullable<V>, value: NonNullable<V>, key: NonNullable<K>) => NonNullable<V> | null,
  ): Table<NonNullable<K>, NonNullable<V>>
  /** Folds the values of each key field by field: `aggregate('spend', { cents: sum((o) => o.cents), orders: count() })`. */
  aggregate<const A extends Aggregators<NonNullable<V>>>(
    store: string,
    aggregators: A,
  ): Table<NonNullable<K>, Results<A>>
  /** Folds the values of each key into a state that begins as `seed()`. A fold that gives null deletes the row. */
  aggregate<A>(
    store: string,
    seed: () => DefaultStored<A>,
    fn: (state: A, value: NonNullable<V>, key: NonNullable<K>) => A | null,
  ): Table<NonNullable<K>, NonNullable<A>>
  aggregate<A>(
    store: string,
    seed: () => A,
    fn: (state: A, value: NonNullable<V>, key: NonNullable<K>) => A | null,
    serde: Serde<A>,
  ): Table<NonNullable<K>, NonNullable<A>>
}
