import type { OperatorFunction } from 'rxjs'
import type { Defined, SameKeyed } from './demands.ts'
import type { Stream } from './stream.ts'

/** What a stream does with one record at a time, keeping nothing. */
export interface StatelessMethods<in out K, out V> {
  /** Another value for each value: null, if it is given on purpose, but never undefined. */
  map<R>(fn: (value: V, key: K) => Defined<R>): Stream<K, R>
  /** Any number of values for each value, in order. */
  flatMap<R>(fn: (value: V, key: K) => Iterable<Defined<R>>): Stream<K, R>
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
   * The records of both. Sides that are read by one task are taken in order of timestamp. Topics may differ in their number of
   * partitions: a keyed operator behind them then reads through a topic of its own, `<app>-<store>-repartition`.
   */
  merge<K2, V2>(other: SameKeyed<K, K2, Stream<K2, V2>>): Stream<K, V | V2>
}
