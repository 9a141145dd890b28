import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type CacheHolder, MemoryBudget } from '../../../src/core/memory-budget.ts'

const megabyte = 1024 * 1024

/** A store that counts: what it has of committed rows, and of changed ones. */
class Store implements CacheHolder {
  readonly leave: () => void
  cached = 0
  changed = 0
  private readonly memory: MemoryBudget

  constructor(memory: MemoryBudget) {
    this.memory = memory
    this.leave = memory.addCache(this)
  }

  get sheddableBytes(): number {
    return this.cached
  }

  /** Half at a time, as generations go. */
  shed(): void {
    this.cache(-Math.ceil(this.cached / 2))
  }

  cache(bytes: number): void {
    this.cached += bytes
    this.memory.cached(bytes)
  }

  change(bytes: number): void {
    this.changed += bytes
    this.memory.changed(bytes)
  }

  /** Its changed rows are committed ones now, and all of them are kept. */
  written(): void {
    const { changed } = this
    this.change(-changed)
    this.cache(changed)
    this.memory.trim()
  }
}

/** One limit, and somebody who fetches. */
function budget(limitBytes: number) {
  const memory = new MemoryBudget(limitBytes)
  const held = { fetched: 0 }
  memory.observeFetched(() => held.fetched)
  return { memory, held }
}

describe('a memory budget', () => {
  it('is kept whatever the holders do, but for the least that each may hold and a step of each', () => {
    const step = fc.record({
      kind: fc.constantFrom(
        'fetch',
        'change',
        'fetch',
        'change',
        'process',
        'change',
        'fetch',
        'commit',
        'change',
        'close',
      ),
      store: fc.nat(9),
      percent: fc.integer({ min: 0, max: 100 }),
    })
    const limits = fc.oneof(fc.constantFrom(1, 7, 8), fc.integer({ min: 1, max: 1e9 }))
    fc.assert(
      fc.property(limits, fc.array(step, { minLength: 120, maxLength: 160 }), (limitBytes, steps) => {
        const { memory, held } = budget(limitBytes)
        const stores = Array.from({ length: 10 }, () => new Store(memory))
        const stepBytes = Math.ceil(limitBytes / 16)
        const eighth = Math.ceil(limitBytes / 8)
        let [most, least] = [0, limitBytes]
        for (const { kind, store: n, percent } of steps) {
          const share = percent / 100
          const store = stores[n] as Store
          const bytes = Math.ceil(share * stepBytes)
          if (kind === 'fetch' && held.fetched < memory.fetchedBytesMax) held.fetched += bytes
          if (kind === 'process') held.fetched -= Math.floor(held.fetched * share)
          if (kind === 'change') {
            if (memory.isFull) for (const one of stores) one.written()
            else store.change(bytes)
          }
          if (kind === 'commit') for (const one of stores) one.written()
          if (kind === 'close') {
            store.change(-store.changed)
            if (share > 0.9) store.cache(-store.cached)
          }
          const parts = Math.max(held.fetched, eighth) + Math.max(memory.changedBytes, eighth) + memory.cachedBytes
          most = Math.max(most, parts + memory.sentBytesMax)
          least = Math.min(least, memory.fetchedBytesMax, memory.changedBytesMax)
        }
        expect(most).toBeLessThanOrEqual(Math.max(limitBytes, 2 * eighth) + 2 * stepBytes)
        expect(least).toBeGreaterThanOrEqual(eighth)
      }),
    )
  })

  it('gives one store all that nobody else needs', () => {
    const { memory } = budget(256 * megabyte)
    const store = new Store(memory)
    store.cache(170 * megabyte)
    memory.trim()
    expect(store.cached).toBe(170 * megabyte)
    store.cache(10 * megabyte)
    memory.trim()
    expect(store.cached).toBe(90 * megabyte)
  })

  it('holds a hundred stores within the same limit, and takes from those that have most', () => {
    const { memory } = budget(256 * megabyte)
    const stores = Array.from({ length: 100 }, () => new Store(memory))
    const [first] = stores as [Store]
    first.cache(100 * megabyte)
    for (const store of stores) {
      store.cache(megabyte)
      memory.trim()
      expect(memory.cachedBytes).toBeLessThanOrEqual(memory.cachedBytesMax)
    }
    expect(first.cached).toBeLessThan(60 * megabyte)
    expect(stores.slice(1).every(({ cached }) => cached === megabyte)).toBe(true)
  })

  it('promises each store an equal share, and all that is free', () => {
    const { memory } = budget(256 * megabyte)
    const [one, other] = [new Store(memory), new Store(memory)]
    expect(memory.shareOf(0)).toBe(memory.cachedBytesMax)
    one.cache(memory.cachedBytesMax)
    expect(memory.shareOf(one.cached)).toBe(memory.cachedBytesMax)
    expect(memory.shareOf(other.cached)).toBe(memory.cachedBytesMax / 2)
    one.leave()
    expect(memory.shareOf(other.cached)).toBe(memory.cachedBytesMax)
  })

  it('lets fetching take what stores leave, a quarter at most, and an eighth in any case', () => {
    const { memory } = budget(256 * megabyte)
    const store = new Store(memory)
    expect(memory.fetchedBytesMax).toBe(64 * megabyte)
    store.cache(160 * megabyte)
    expect(memory.fetchedBytesMax).toBe(48 * megabyte)
    store.cache(600 * megabyte)
    expect(memory.fetchedBytesMax).toBe(32 * megabyte)
  })

  it('calls for a commit when an eighth has changed, or a quarter where there is room', () => {
    const { memory } = budget(256 * megabyte)
    const store = new Store(memory)
    store.change(64 * megabyte)
    expect(memory.isFull).toBe(false)
    store.change(1)
    expect(memory.isFull).toBe(true)
    store.change(-32 * megabyte)
    store.cache(170 * megabyte)
    expect(memory.isFull).toBe(false)
    store.cache(10 * megabyte)
    expect(memory.isFull).toBe(true)
  })

  it('counts what backends hold, which caches leave to them for as long as they are open', () => {
    const { memory } = budget(256 * megabyte)
    const before = memory.cachedBytesMax
    const leave = memory.addCache({ sheddableBytes: 0, shed: () => expect.unreachable() }, 40 * megabyte)
    expect(memory.cachedBytesMax).toBe(before - 40 * megabyte)
    leave()
    leave()
    expect(memory.cachedBytesMax).toBe(before)
  })

  it('gives backends a quarter together, with a least and a most for each', () => {
    const { memory } = budget(256 * megabyte)
    expect([1, 4, 6].map((stores) => memory.backendBytes(stores))).toEqual(Array(3).fill(10 * megabyte))
    expect(memory.backendBytes(64)).toBe(megabyte)
    expect(memory.backendBytes(1000)).toBe(megabyte / 2)
    expect(budget(1).memory.backendBytes(0)).toBe(megabyte / 2)
  })

  it('of one byte still lets each holder take a step at a time, and keeps nothing', () => {
    const { memory } = budget(1)
    const store = new Store(memory)
    expect([memory.fetchedBytesMax, memory.sentBytesMax, memory.cachedBytesMax]).toEqual([1, 0, 0])
    expect(memory.isFull).toBe(false)
    store.change(300)
    expect(memory.isFull).toBe(true)
    store.written()
    expect(store.cached).toBe(0)
  })

  it('asks for no more than there is, and ends when nobody can give any', () => {
    const { memory } = budget(100)
    memory.addCache({ sheddableBytes: 0, shed: () => expect.unreachable() })
    memory.cached(1000)
    memory.trim()
    expect(memory.cachedBytes).toBe(1000)
  })
})
