import type { Serde } from '../serde/serde.ts'
import type { Structured } from '../serde/storable.ts'

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false

/** `T` when both sides have one key type; else a demand nothing fulfils, whose name is the message. */
export type SameKeyed<K, K2, T> =
  Same<K, K2> extends true
    ? T
    : { 'the keys differ: call keyBy on one side first': { readonly left: K; readonly right: K2 } }

/**
 * `K`, if `keyBy` may do without a serde: a key without one is text, since strings have one obvious encoding and all
 * else must say which; a value without one has its topic's while untouched, else `structured()`. A demand stands in the
 * lambda's result, not in an intersection with it: the compiler then keeps the name of a branded key (`UserId`) in hovers
 * and messages.
 */
export type DefaultKeyed<K, V> = [K] extends [string]
  ? [V] extends [Structured<V>]
    ? K
    : { 'the default serde would not keep this value: keyBy(name, fn, { key, value })': never }
  : [K] extends [{}]
    ? { 'this key is not text: give its serde, as in keyBy(name, fn, { key: int64 })': never }
    : { 'a key is never null: filter those records out first': never }

/** `T`, unless it may be undefined: that is what a function without a `return` gives. Where nothing is known of it, a job finds out. */
export type Defined<T> = unknown extends T
  ? T
  : [undefined] extends [T]
    ? { 'a value is never undefined: give null on purpose, or filter the record out': never }
    : T

/** `V`, if a store may keep it without a serde of its own. */
export type DefaultStored<V> = [V] extends [Structured<V>]
  ? V
  : { 'the default serde would not keep this value: give a serde as the last argument': never }

/** `W` is `V`: said as two bounds, so that a stream of a narrower value stays a stream of the wider one. */
export interface Serdes<K, V, W extends V> {
  readonly key: Serde<K>
  readonly value?: Serde<W> & { readonly serialize: (value: V) => Uint8Array }
}
