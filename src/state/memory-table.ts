import { Buffer } from 'node:buffer'
import type { Mutation, Range } from './state-backend.ts'

/** A character a byte: JavaScript compares such strings as unsigned bytes, and a Map finds them. */
type Binary = string

type Batch = readonly (readonly [key: Binary, value: Buffer | null])[]

/** One entry of a snapshot. Values are never changed in place, so a snapshot shares them. */
export type Entry = readonly [key: Binary, value: Buffer]

/**
 * As LevelDB does when its log is full and becomes a table, which it syncs: what is older than this many batches is
 * safe. It also bounds what a long simulation holds.
 */
const unsyncedMax = 1024

/**
 * The contents of one store in memory: what everybody sees, and what of it would survive a power failure.
 */
export class MemoryTable {
  private current = new Map<Binary, Buffer>()
  private readonly synced = new Map<Binary, Buffer>()
  private unsynced: Batch[] = []
  /** The keys in order, until one comes or goes. */
  private sorted: Binary[] | null = null

  /** @returns the value itself: the caller copies it before it hands it on */
  get(key: Uint8Array): Buffer | undefined {
    return this.current.get(toBinary(key))
  }

  /** Applies all mutations at once. `sync` makes them, and all before them, safe. */
  apply(mutations: Iterable<Mutation>, sync: boolean): void {
    const batch: Batch = Array.from(mutations, ({ key, value }) => [
      toBinary(key),
      value === null ? null : Buffer.from(value),
    ])
    for (const [key, value] of batch) {
      if (this.current.has(key) !== (value !== null)) this.sorted = null
      change(this.current, key, value)
    }
    this.unsynced.push(batch)
    this.settle(sync ? 0 : unsyncedMax)
  }

  /** The entries of a range as they are now, in its order. */
  snapshot(range: Range): Entry[] {
    this.sorted ??= [...this.current.keys()].sort()
    const from = range.from ? toBinary(range.from) : ''
    const to = range.to ? toBinary(range.to) : null
    const entries: Entry[] = []
    for (let index = firstNotBelow(this.sorted, from); index < this.sorted.length; index++) {
      const key = this.sorted[index] as Binary
      if (to !== null && key >= to) break
      entries.push([key, this.current.get(key) as Buffer])
    }
    return range.reverse === true ? entries.reverse() : entries
  }

  /** Forgets unsynced batches from the end; `kept` says how many of them stay. */
  lose(kept: (unsynced: number) => number): void {
    this.unsynced.length = kept(this.unsynced.length)
    this.settle(0)
    this.current = new Map(this.synced)
    this.sorted = null
  }

  private settle(unsyncedMax: number): void {
    if (this.unsynced.length <= unsyncedMax) return
    const safe = this.unsynced.splice(0, this.unsynced.length - unsyncedMax)
    for (const batch of safe) for (const [key, value] of batch) change(this.synced, key, value)
  }
}

function toBinary(bytes: Uint8Array): Binary {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).latin1Slice()
}

function change(map: Map<Binary, Buffer>, key: Binary, value: Buffer | null): void {
  if (value === null) map.delete(key)
  else map.set(key, value)
}

function firstNotBelow(sorted: readonly Binary[], key: Binary): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((sorted[middle] as Binary) < key) low = middle + 1
    else high = middle
  }
  return low
}
