import type { Observable } from 'rxjs'
import type { StoreSpec } from '../topology/node.ts'

/** What a job answers about a key-value store: committed state of the tasks in this process, as copies. */
export interface ReadOnlyKeyValueStore<in out K, out V> extends AsyncIterable<readonly [key: K, value: V]> {
  readonly kind: 'key-value'
  /** The value now, undefined when there is none. */
  get(key: K): Promise<V | undefined>
  /**
   * The value now and after each commit that changed it. Tells nothing while the key's partition is not open in this
   * process, as before the job runs; undefined for a key that is in none of the partitions.
   */
  watch(key: K): Observable<V | undefined>
}

/** A store as a table refers to it: the declaration, and what its entries are for the compiler. */
export interface StoreReference<out K, out V> {
  readonly spec: StoreSpec
  /** Never set. */
  readonly '~entry'?: readonly [key: K, value: V]
}

/** What a pipeline hands out for queries: anything that has a store. */
export interface Queryable {
  readonly '~store': StoreReference<unknown, unknown>
}

/** Queryables by the names under which a job knows them. */
export interface Queryables {
  readonly [name: string]: Queryable
}

/** The type of `job.store(name)` for a queryable. */
export type StoreOf<T> = T extends { readonly '~store': StoreReference<infer K, infer V> }
  ? ReadOnlyKeyValueStore<K, V>
  : never
