import type { OperatorFunction } from 'rxjs'
import type { Serde } from '../serde/serde.ts'
import type { Aggregators, Results } from './aggregator.ts'
import type { DefaultKeyed, DefaultStored, SameKeyed, Serdes } from './demands.ts'
import type { StoreReference } from './query.ts'
import type { Sink } from './topic.ts'

/**
 * Events. Always grouped by their key; `keyBy` is the one way to change it.
 *
 * Each method adds a step to the pipeline and gives what comes behind it; nothing runs before a job does. Functions given
 * here are called once a record, in order within a partition, and again when a commit failed: they must not act on the
 * world outside. Timestamps and headers pass on: all headers, in order, repeated names and nulls among them.
 */
export interface Stream<in out K, out V> {
  /** Another value for each value. */
  map<R>(fn: (value: V, key: K) => R): Stream<K, R>
  /** Any number of values for each value, in order. */
  flatMap<R>(fn: (value: V, key: K) => Iterable<R>): Stream<K, R>
  /** Keeps the values for which `predicate` holds; a type guard narrows them. */
  filter<S extends V>(predicate: (value: V, key: K) => value is S): Stream<K, S>
  filter(predicate: (value: V, key: K) => boolean): Stream<K, V>
  /** Looks at each value: for logs and counters. */
  tap(fn: (value: V, key: K) => void): Stream<K, V>

  /**
   * Any RxJS operators over values. **Each record is its own finite Observable**: what it emits until it completes are
   * that record's values, so nothing leaks from one record to the next, and what waits is waited for. Operators that
   * hold state across records (`scan`, `bufferCount`) therefore see one record at a time.
   */
  pipe<A>(a: OperatorFunction<V, A>): Stream<K, A>
  pipe<A, B>(a: OperatorFunction<V, A>, b: OperatorFunction<A, B>): Stream<K, B>
  pipe<A, B, C>(a: OperatorFunction<V, A>, b: OperatorFunction<A, B>, c: OperatorFunction<B, C>): Stream<K, C>
  pipe<A, B, C, D>(
    a: OperatorFunction<V, A>,
    b: OperatorFunction<A, B>,
    c: OperatorFunction<B, C>,
    d: OperatorFunction<C, D>,
  ): Stream<K, D>
  pipe<A, B, C, D, E>(
    a: OperatorFunction<V, A>,
    b: OperatorFunction<A, B>,
    c: OperatorFunction<B, C>,
    d: OperatorFunction<C, D>,
    e: OperatorFunction<D, E>,
  ): Stream<K, E>
  pipe<A, B, C, D, E, F>(
    a: OperatorFunction<V, A>,
    b: OperatorFunction<A, B>,
    c: OperatorFunction<B, C>,
    d: OperatorFunction<C, D>,
    e: OperatorFunction<D, E>,
    f: OperatorFunction<E, F>,
  ): Stream<K, F>
  pipe<A, B, C, D, E, F, G>(
    a: OperatorFunction<V, A>,
    b: OperatorFunction<A, B>,
    c: OperatorFunction<B, C>,
    d: OperatorFunction<C, D>,
    e: OperatorFunction<D, E>,
    f: OperatorFunction<E, F>,
    g: OperatorFunction<F, G>,
  ): Stream<K, G>
  pipe<A, B, C, D, E, F, G, H>(
    a: OperatorFunction<V, A>,
    b: OperatorFunction<A, B>,
    c: OperatorFunction<B, C>,
    d: OperatorFunction<C, D>,
    e: OperatorFunction<D, E>,
    f: OperatorFunction<E, F>,
    g: OperatorFunction<F, G>,
    h: OperatorFunction<G, H>,
  ): Stream<K, H>
  pipe<A, B, C, D, E, F, G, H, I>(
    a: OperatorFunction<V, A>,
    b: OperatorFunction<A, B>,
    c: OperatorFunction<B, C>,
    d: OperatorFunction<C, D>,
    e: OperatorFunction<D, E>,
    f: OperatorFunction<E, F>,
    g: OperatorFunction<F, G>,
    h: OperatorFunction<G, H>,
    i: OperatorFunction<H, I>,
  ): Stream<K, I>

  /**
   * Gives each record a new key. Keyed operators behind it read through the topic `<app>-<name>-repartition`, one for
   * all of them; without one no record takes a detour. A key that is not text needs its serde.
   */
  keyBy<K2, W = V>(name: string, fn: (value: V, key: K) => DefaultKeyed<K2, W>): Stream<K2, V>
  keyBy<K2 extends {}, W extends V = V>(
    name: string,
    fn: (value: V, key: K) => K2,
    serdes: Serdes<K2, V, W>,
  ): Stream<K2, V>

  /**
   * The records of both. Sides that are read by one task are taken in order of timestamp. Topics may differ in their number of
   * partitions: a keyed operator behind them then reads through a topic of its own, `<app>-<store>-repartition`.
   */
  merge<K2, V2>(other: SameKeyed<K, K2, Stream<K2, V2>>): Stream<K, V | V2>

  /** How many records each key had. `store` names the state. */
  count(store: string): Table<K, number>
  /** Folds the values of each key, the first of which is the first state. */
  reduce(store: string, fn: (state: V, value: V, key: K) => V): Table<K, V>
  /** Folds the values of each key field by field: `aggregate('spend', { cents: sum((o) => o.cents), orders: count() })`. */
  aggregate<const A extends Aggregators<V>>(store: string, aggregators: A): Table<K, Results<A>>
  /** Folds the values of each key into a state that begins as `seed()`. */
  aggregate<A>(store: string, seed: () => DefaultStored<A>, fn: (state: A, value: V, key: K) => A): Table<K, A>
  aggregate<A>(store: string, seed: () => A, fn: (state: A, value: V, key: K) => A, serde: Serde<A>): Table<K, A>

  /** Writes the records to a topic or a sink connector. */
  to(sink: Sink<K, V>): void
}

/** The latest value of each key; deletes are tombstones, so `V` has no `null`. A row is no one record's: it has no headers. */
export interface Table<in out K, out V> {
  /** Every change, also those within one commit, as a stream; `null` is a delete. Headers are those of the record behind it. */
  updates(): Stream<K, V | null>
  /** Writes the last value of each key, once a commit, to a topic or a sink connector. */
  to(sink: Sink<K, V>): void
  /** What a job's queries go to. */
  readonly '~store': StoreReference<K, V>
}
