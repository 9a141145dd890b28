import type { TaskId } from '../core/task-id.ts'
import type { RowChange } from '../state/row-changes.ts'
import { type BinaryKey, binaryKeyOf, userPrefix } from '../state/row-format.ts'
import type { RowStore } from '../state/row-store.ts'

/** Called after each commit that changed a watched key, and when a partition of its store was opened. */
export type RowListener = (event: 'changed' | 'opened') => void

/**
 * The stores that tasks of this process have open, by the user's name: what queries read. They show committed state only,
 * and are told of commits, never of what is under way.
 */
export class StoreRegistry {
  private readonly stores = new Map<string, Map<number, RowStore>>()
  private readonly listeners = new Map<string, Map<BinaryKey, Set<RowListener>>>()

  /** A task has its store ready. */
  add(task: TaskId, store: RowStore): void {
    let partitions = this.stores.get(store.name)
    if (!partitions) {
      partitions = new Map()
      this.stores.set(store.name, partitions)
    }
    partitions.set(task.partition, store)
    for (const listeners of this.listeners.get(store.name)?.values() ?? []) {
      for (const listener of [...listeners]) listener('opened')
    }
  }

  /** A task closes its store. */
  remove(task: TaskId, store: RowStore): void {
    const partitions = this.stores.get(store.name)
    if (partitions?.get(task.partition) === store) partitions.delete(task.partition)
  }

  /** The open partitions of a store, in order. */
  open(name: string): readonly (readonly [partition: number, store: RowStore])[] {
    return [...(this.stores.get(name) ?? [])].sort(([a], [b]) => a - b)
  }

  /** Tells who watches what a commit changed. Part of B5. */
  publish(store: string, changes: Iterable<RowChange>): void {
    const watched = this.listeners.get(store)
    if (!watched || watched.size === 0) return
    for (const { key: storeKey } of changes) {
      if (storeKey[0] !== userPrefix) continue
      const key = binaryKeyOf(storeKey)
      for (const listener of watched.get(key) ?? []) listener('changed')
    }
  }

  /** @returns what takes the listener off again */
  watch(store: string, key: BinaryKey, listener: RowListener): () => void {
    let watched = this.listeners.get(store)
    if (!watched) {
      watched = new Map()
      this.listeners.set(store, watched)
    }
    let listeners = watched.get(key)
    if (!listeners) {
      listeners = new Set()
      watched.set(key, listeners)
    }
    listeners.add(listener)
    return () => {
      listeners.delete(listener)
      if (listeners.size === 0 && watched.get(key) === listeners) watched.delete(key)
    }
  }
}
