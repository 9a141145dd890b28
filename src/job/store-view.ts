import { Observable } from 'rxjs'
import { hasCode, StreamError } from '../core/errors.ts'
import type { ReadOnlyKeyValueStore as StoreView } from '../dsl/query.ts'
import type { StoreRegistry } from '../runtime/store-registry.ts'
import { KeyValueView } from '../state/key-value-view.ts'
import type { RowStore } from '../state/row-store.ts'
import type { StoreSpec } from '../topology/node.ts'

/** A store as its job shows it, with how much of it is in this process. */
export interface LocalStoreView<K, V> extends StoreView<K, V> {
  /** Partitions open here, and all there are. */
  readonly partitions: { readonly open: number; readonly total: number }
}

/**
 * Reads a store's committed state from the tasks of this process. Values are copies.
 *
 * @param total partitions of the store over all processes
 * @throws {StreamError} `STORE_UNKNOWN` from `get` for a key that is not here while other partitions are elsewhere
 */
export function storeView<K, V>(spec: StoreSpec, registry: StoreRegistry, total: () => number): LocalStoreView<K, V> {
  const viewOf = ({ rows }: RowStore) => new KeyValueView<K, V>(rows, spec.key)
  const get = (key: K): V | undefined => {
    const open = registry.open(spec.name)
    for (const [, store] of open) {
      const value = viewOf(store).committed(key)
      if (value !== undefined) return value
    }
    if (open.length < total()) {
      throw new StreamError(
        'STORE_UNKNOWN',
        `this process has ${open.length} of ${total()} partitions of the store ${spec.name}, and the key is in none of them; ask the others, or wait until the job is running`,
        { store: spec.name },
      )
    }
    return undefined
  }
  return {
    kind: 'key-value',
    get partitions() {
      return { open: registry.open(spec.name).length, total: total() }
    },
    get: async (key) => get(key),
    watch: (key) =>
      new Observable<V | undefined>((subscriber) => {
        let hasTold = false
        const tell = (): void => {
          try {
            const value = get(key)
            hasTold = true
            subscriber.next(value)
          } catch (error) {
            // Its partition is not open here, or not yet: there is nothing to tell until it is.
            if (!hasCode(error, 'STORE_UNKNOWN')) subscriber.error(error)
          }
        }
        const stop = registry.watch(spec.name, Buffer.from(spec.key.serialize(key)).latin1Slice(), (event) => {
          if (event === 'changed' || !hasTold) tell()
        })
        tell()
        return stop
      }),
    async *[Symbol.asyncIterator]() {
      for (const [, store] of registry.open(spec.name)) yield* viewOf(store).committedEntries()
    },
  }
}
