import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hasCode } from '../../../src/core/errors.ts'
import { MemoryBudget } from '../../../src/core/memory-budget.ts'
import { seededRandom } from '../../../src/core/random.ts'
import { int64 } from '../../../src/serde/number.ts'
import type { AnySerde } from '../../../src/serde/serde.ts'
import { structured } from '../../../src/serde/structured.ts'
import { text } from '../../../src/serde/text.ts'
import { MemoryDisk } from '../../../src/state/memory-disk.ts'
import type { RowChanges } from '../../../src/state/row-changes.ts'
import { decodeRow, userKey } from '../../../src/state/row-format.ts'
import { RowStore } from '../../../src/state/row-store.ts'
import type { StateBackend } from '../../../src/state/state-backend.ts'

const open = () => new MemoryDisk(seededRandom(1)).backends(1).open('/store')
/** A cache of a few rows. */
const small = () => ({ memory: new MemoryBudget(10_000), hashSeed: 1, backendBytes: 0 })

const rowOf = (store: RowStore, key: string) => store.rows.row(Buffer.from(key), 0, key.length)
const valueIn = (store: RowStore, key: string) => store.rows.valueAt(rowOf(store, key))

const megabyte = 1024 * 1024

type Large = readonly [name: string, serde: AnySerde, value: (n: number) => unknown]

/** Values of a megabyte each, as they are and as bytes, in the forms that a row may have. */
const large: readonly Large[] = [
  ['text', text, (n) => String(n).padEnd(megabyte, 'x')],
  ['text within a structure', structured(), (n) => String(n).padEnd(megabyte, 'x')],
  [
    'objects with long text',
    structured<{ is: { text: string } }>(),
    (n) => ({ is: { text: `${n}`.padEnd(megabyte) } }),
  ],
  ['bytes', structured(), (n) => new Uint8Array(megabyte).fill(n)],
]

/** Values of a megabyte each, whose bytes are fewer. */
const largeDecoded: readonly Large[] = [
  ['long lists', structured<number[]>(), (n) => new Array(megabyte / 8).fill(n)],
  ['maps', structured(), () => new Map(Array.from({ length: megabyte / 64 }, (_, i) => [i, i]))],
]

/** Commits all that stores changed. */
async function commit(store: RowStore, backend: StateBackend): Promise<void> {
  const changes = store.cut()
  store.known()
  await backend.batch(changes)
  store.written()
}

/** A backend that says which keys it was asked for. */
function listened(backend: StateBackend): { readonly backend: StateBackend; readonly asked: string[] } {
  const asked: string[] = []
  return {
    asked,
    backend: {
      path: backend.path,
      memoryBytes: 0,
      getSync: (key) => {
        asked.push(Buffer.from(key).toString('latin1', 1))
        return backend.getSync(key)
      },
      batch: (mutations) => backend.batch(mutations),
      iterate: (range) => backend.iterate(range),
      close: () => backend.close(),
    },
  }
}

describe('a store of rows', () => {
  it('holds what a map would hold, through commits, aborts and a cache too small for it', async () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('add' as const), key: fc.nat(12), by: fc.integer({ min: -5, max: 5 }) }),
      fc.record({ kind: fc.constant('remove' as const), key: fc.nat(12) }),
      fc.constant({ kind: 'commit' as const }),
      fc.constant({ kind: 'abort' as const }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 120 }), async (steps) => {
        const backend = await open()
        const store = new RowStore('s', backend, int64, small())
        let committed = new Map<string, number>()
        let current = new Map<string, number>()
        for (const one of steps) {
          if (one.kind === 'commit') {
            await commit(store, backend)
            committed = new Map(current)
          } else if (one.kind === 'abort') {
            store.reset()
            current = new Map(committed)
          } else {
            const key = `key${one.key}`
            const row = rowOf(store, key)
            expect(store.rows.valueAt(row)).toBe(current.get(key))
            if (one.kind === 'add') {
              const next = (current.get(key) ?? 0) + one.by
              store.rows.put(row, next, 1)
              current.set(key, next)
            } else {
              store.rows.put(row, undefined, 1)
              current.delete(key)
            }
          }
          for (const key of committed.keys()) expect(store.rows.committed(Buffer.from(key))).toBe(committed.get(key))
        }
        await backend.close()
      }),
      { numRuns: 60 },
    )
  })

  it('decodes a mutable value anew in each transaction, never handing out the committed one', async () => {
    const backend = await open()
    const store = new RowStore('s', backend, structured<{ list: number[] }>(), small())
    const given = { list: [1] }
    store.rows.put(rowOf(store, 'a'), given, 1)
    await commit(store, backend)
    given.list.push(99)
    const second = valueIn(store, 'a') as { list: number[] }
    expect(second).toEqual({ list: [1] })
    second.list.push(2)
    store.reset()
    expect(valueIn(store, 'a')).toEqual({ list: [1] })
    await backend.close()
  })

  it.each([null, undefined, 'text'])(
    'refuses %o that a serde gives for a value: it would be a delete',
    async (given) => {
      const backend = await open()
      const odd = { ...text, serialize: () => given as unknown as Uint8Array }
      const store = new RowStore('words', backend, odd, small())
      store.rows.put(rowOf(store, 'a'), 'value', 1)
      expect(() => store.cut()).toThrow(expect.toSatisfy((error) => hasCode(error, 'RECORD_SERIALIZATION')))
      await backend.close()
    },
  )

  it('keeps the rows it iterates over as they were committed', async () => {
    const backend = await open()
    const store = new RowStore('s', backend, int64, small())
    store.rows.put(rowOf(store, 'b'), 2, 1)
    store.rows.put(rowOf(store, 'a'), 1, 1)
    await commit(store, backend)
    store.rows.put(rowOf(store, 'a'), 5, 1)
    const seen: unknown[] = []
    for await (const { key, value } of store.rows.committedRows()) seen.push([key.toString(), value])
    expect(seen).toEqual([
      ['a', 1],
      ['b', 2],
    ])
    await backend.close()
  })
})

describe('what a store of rows holds', () => {
  it.each([...large, ...largeDecoded])(
    'is full of %s long before they take more than there is',
    async (_name, serde, value) => {
      const memory = new MemoryBudget(32 * megabyte)
      const store = new RowStore('s', await open(), serde, { memory, hashSeed: 1, backendBytes: 0 })
      let rows = 0
      while (!store.isFull && rows < 200) store.rows.put(rowOf(store, `key-${rows++}`), value(rows), 1)
      expect(rows).toBeGreaterThanOrEqual(2)
      expect(rows).toBeLessThanOrEqual(8)
    },
  )

  it.each(large)('of committed %s stays within what there is', async (_name, serde, value) => {
    const memory = new MemoryBudget(32 * megabyte)
    const { backend, asked } = listened(await open())
    const store = new RowStore('s', backend, serde, { memory, hashSeed: 1, backendBytes: 0 })
    for (let n = 0; n < 60; n++) {
      store.rows.put(rowOf(store, `key-${n}`), value(n), 1)
      await commit(store, backend)
      expect(memory.cachedBytes).toBeLessThanOrEqual(memory.cachedBytesMax)
    }
    asked.length = 0
    for (let n = 0; n < 60; n++) rowOf(store, `key-${n}`)
    expect(asked.length).toBeGreaterThan(30)
    expect(asked.length).toBeLessThan(56)
  })

  it('is room for changes, too, until others need it: what a cut gave stays as it is', async () => {
    const memory = new MemoryBudget(megabyte)
    const [kept, other] = [await open(), await open()]
    const store = new RowStore('s', kept, text, { memory, hashSeed: 1, backendBytes: 0 })
    const hungry = new RowStore('t', other, text, { memory, hashSeed: 1, backendBytes: 0 })
    store.rows.put(rowOf(store, 'a'), 'first', 1)
    const rows = store.cut()
    const shown = () =>
      Array.from(
        rows,
        ({ key, value }) => `${key.latin1Slice(1)} ${value && decodeRow(value, 'here').value.toString()}`,
      )
    store.known()
    await kept.batch(rows)
    store.written()
    expect(memory.cachedBytes).toBeGreaterThan(16 * 1024)
    hungry.rows.put(rowOf(hungry, 'long'), 'x'.repeat(megabyte), 1)
    await commit(hungry, other)
    expect(memory.cachedBytes).toBeLessThan(16 * 1024)
    store.rows.put(rowOf(store, 'b'), 'other', 1)
    store.cut()
    expect(shown()).toEqual(['a first'])
    store.reset()
    store.rows.put(rowOf(store, 'c'), 'third', 1)
    const third = store.cut()
    store.reset()
    store.rows.put(rowOf(store, 'd'), 'fourth', 1)
    store.cut()
    expect(Array.from(third, ({ key }) => key.latin1Slice(1))).toEqual(['c'])
    await kept.close()
    await other.close()
  })

  it('is not a value that there is no room for, which is read again each time', async () => {
    const memory = new MemoryBudget(megabyte)
    const { backend, asked } = listened(await open())
    const store = new RowStore('s', backend, text, { memory, hashSeed: 1, backendBytes: 0 })
    const long = 'x'.repeat(2 * megabyte)
    store.rows.put(rowOf(store, 'long'), long, 1)
    await commit(store, backend)
    // Room to note two changes is kept.
    expect([memory.cachedBytes, memory.changedBytes]).toEqual([2 * 24, 0])
    asked.length = 0
    for (let n = 0; n < 3; n++) {
      expect(valueIn(store, 'long') === long).toBe(true)
      await commit(store, backend)
    }
    expect(asked).toEqual(['long', 'long', 'long'])
  })

  it('is what was committed until the backend has it, however small the memory is', async () => {
    const memory = new MemoryBudget(1)
    const { backend, asked } = listened(await open())
    const store = new RowStore('s', backend, int64, { memory, hashSeed: 1, backendBytes: 0 })
    store.rows.put(rowOf(store, 'a'), 1, 1)
    const rows = store.cut()
    const other = new RowStore('other', await open(), int64, { memory, hashSeed: 1, backendBytes: 0 })
    other.rows.put(rowOf(other, 'b'), 1, 1)
    other.cut()
    other.known()
    other.written()
    expect(valueIn(store, 'a')).toBe(1)
    store.rows.put(rowOf(store, 'a'), 2, 1)
    store.known()
    await backend.batch(rows)
    store.written()
    expect(valueIn(store, 'a')).toBe(2)
    expect(asked).toEqual(['a'])
    await commit(store, backend)
    expect(memory.cachedBytes).toBe(0)
    expect(valueIn(store, 'a')).toBe(2)
    expect(asked).toEqual(['a', 'a'])
  })

  it('is noticed when a value grows in place, within one transaction', async () => {
    const memory = new MemoryBudget(16 * megabyte)
    const store = new RowStore('s', await open(), structured<{ all: string[] }>(), {
      memory,
      hashSeed: 1,
      backendBytes: 0,
    })
    const row = rowOf(store, 'a')
    const value: { all: string[] } = { all: [] }
    let records = 0
    while (!store.isFull && records < 100_000) {
      value.all.push(String(records++).padEnd(1000))
      store.rows.put(row, value, 1)
    }
    expect(records).toBeLessThan(8000)
  })

  it('is given back by a reset, and by its close', async () => {
    const memory = new MemoryBudget(megabyte)
    const backend = await open()
    const store = new RowStore('s', backend, text, { memory, hashSeed: 1, backendBytes: 0 })
    store.rows.put(rowOf(store, 'a'), 'x'.repeat(1000), 1)
    const rows = store.cut()
    store.rows.put(rowOf(store, 'b'), 'y'.repeat(1000), 1)
    expect(memory.changedBytes).toBeGreaterThan(6000)
    await backend.batch(rows)
    store.reset()
    expect([memory.cachedBytes, memory.changedBytes]).toEqual([0, 0])
    store.rows.put(rowOf(store, 'b'), 'z', 1)
    store.close()
    store.close()
    expect([memory.cachedBytes, memory.changedBytes]).toEqual([0, 0])
  })

  it('is shared with other stores: all rows are right, and together they keep to their part', async () => {
    const step = fc.record({
      store: fc.nat(4),
      kind: fc.constantFrom('put', 'put', 'put', 'read', 'cut', 'cut', 'write', 'reset'),
      key: fc.nat(30),
      length: fc.nat(400),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 300 }),
        fc.constantFrom(1, 3000, 30_000, 100_000),
        async (steps, limitBytes) => {
          const memory = new MemoryBudget(limitBytes)
          const all = await Promise.all(
            Array.from({ length: 5 }, async (_, n) => {
              const backend = await open()
              const store = new RowStore(`s${n}`, backend, text, { memory, hashSeed: n, backendBytes: 0 })
              const none = new Map<string, string>()
              return { backend, store, committed: none, current: none, rows: null as RowChanges | null }
            }),
          )
          type One = (typeof all)[number]
          const write = async (one: One): Promise<void> => {
            if (one.rows === null) return
            one.store.known()
            await one.backend.batch(one.rows)
            one.rows = null
            one.store.written()
            const isOver = memory.cachedBytes > memory.cachedBytesMax
            // Only what the others have in hand may be more than that.
            if (isOver) expect(memory.changedBytes).toBeGreaterThan(0)
          }
          for (const { store: n, kind, key, length } of steps) {
            const one = all[n] as One
            if (kind === 'cut' || kind === 'reset') await write(one)
            if (kind === 'write') await write(one)
            else if (kind === 'cut') {
              one.rows = one.store.cut()
              one.committed = one.current
            } else if (kind === 'reset') {
              one.store.reset()
              one.current = one.committed
            } else {
              const row = rowOf(one.store, `key${key}`)
              expect(one.store.rows.valueAt(row)).toBe(one.current.get(`key${key}`))
              if (kind === 'read') continue
              const value = 'v'.repeat(length)
              one.store.rows.put(row, value, 1)
              one.current = new Map(one.current).set(`key${key}`, value)
            }
          }
          for (const one of all) {
            await write(one)
            one.rows = one.store.cut()
            await write(one)
          }
          expect(memory.changedBytes).toBe(0)
          expect(memory.cachedBytes).toBeLessThanOrEqual(memory.cachedBytesMax)
          for (const { store } of all) store.close()
          expect(memory.cachedBytes).toBe(0)
        },
      ),
      { numRuns: 60 },
    )
  })
})

describe('the expiry of a row', () => {
  it('stays with it in memory, in the backend and through an abort, until a put gives it another or none', async () => {
    const memory = new MemoryBudget(1)
    const backend = await open()
    const store = new RowStore('s', backend, int64, { memory, hashSeed: 1, backendBytes: 0 })
    const expiry = (key: string) => store.rows.expiryAt(rowOf(store, key))
    store.rows.put(rowOf(store, 'a'), 1, 1, 500)
    store.rows.put(rowOf(store, 'b'), 1, 1)
    expect([expiry('a'), expiry('b')]).toEqual([500, null])
    await commit(store, backend)
    expect([expiry('a'), expiry('b')]).toEqual([500, null])
    store.rows.put(rowOf(store, 'a'), 2, 1)
    store.rows.put(rowOf(store, 'b'), 2, 1, 700)
    store.reset()
    expect([expiry('a'), expiry('b')]).toEqual([500, null])
    store.rows.put(rowOf(store, 'a'), 2, 1)
    await commit(store, backend)
    store.reset()
    expect([valueIn(store, 'a'), expiry('a')]).toEqual([2, null])
    await backend.close()
  })

  it('comes with a row that is copied from the older of the tables', async () => {
    // Room for two tables of one row, and the first is more than half of it.
    const memory = new MemoryBudget(140_000)
    const { backend, asked } = listened(await open())
    const store = new RowStore('s', backend, int64, { memory, hashSeed: 1, backendBytes: 0 })
    store.rows.put(rowOf(store, 'key'), 1, 1, 1000)
    await commit(store, backend)
    const before = memory.cachedBytes
    expect(store.rows.expiryAt(rowOf(store, 'key'))).toBe(1000)
    expect(asked).toEqual(['key'])
    expect(memory.cachedBytes).toBeGreaterThan(before)
    await backend.close()
  })
})

describe('a row of a backend that cannot be read', () => {
  it('is refused with where it is, by every way to it', async () => {
    const backend = await open()
    await backend.batch([{ key: userKey(Buffer.from('a')), value: Buffer.from('no row') }])
    const store = new RowStore('s', backend, int64, small())
    const refusal = expect.objectContaining({ code: 'STORE_CORRUPT', context: { path: '/store' } })
    expect(() => rowOf(store, 'a')).toThrow(refusal)
    expect(() => store.rows.committed(Buffer.from('a'))).toThrow(refusal)
    await expect(store.rows.committedRows()[Symbol.asyncIterator]().next()).rejects.toEqual(refusal)
    await backend.close()
  })
})

describe('reserved rows', () => {
  const reservedOf = (store: RowStore, name: string) => {
    const row = store.reserved.row(Buffer.from(name), 0, name.length)
    const value = store.reserved.valueAt(row) as Uint8Array | undefined
    return value && Buffer.from(value).toString()
  }
  const reserve = (store: RowStore, name: string, value: string | undefined) => {
    const row = store.reserved.row(Buffer.from(name), 0, name.length)
    store.reserved.put(row, value && Buffer.from(value), 3)
  }

  it('go the way of the others: behind them into a commit, away with an abort, and are never a row of a user', async () => {
    const backend = await open()
    const store = new RowStore('s', backend, int64, small())
    reserve(store, 'clock', 'one')
    store.rows.put(rowOf(store, 'clock'), 7, 1)
    const changes = store.cut()
    expect(
      Array.from(changes, ({ key, timestamp }) => [[...key.subarray(0, 1)], key.toString('latin1', 1), timestamp]),
    ).toEqual([
      [[1], 'clock', 1],
      [[0], 'clock', 3],
    ])
    store.known()
    await backend.batch(changes)
    store.written()
    reserve(store, 'clock', 'two')
    reserve(store, 'timer', 'due')
    expect([reservedOf(store, 'clock'), reservedOf(store, 'timer'), valueIn(store, 'clock')]).toEqual(['two', 'due', 7])
    store.reset()
    expect([reservedOf(store, 'clock'), reservedOf(store, 'timer'), valueIn(store, 'clock')]).toEqual([
      'one',
      undefined,
      7,
    ])
    reserve(store, 'clock', undefined)
    await commit(store, backend)
    store.reset()
    expect([reservedOf(store, 'clock'), valueIn(store, 'clock')]).toEqual([undefined, 7])
    await backend.close()
  })

  it('count as changes and in the memory budget, and are given back by a close', async () => {
    const memory = new MemoryBudget(megabyte)
    const store = new RowStore('s', await open(), int64, { memory, hashSeed: 1, backendBytes: 0 })
    expect(store.isFull).toBe(false)
    while (!store.isFull) reserve(store, `timer${memory.changedBytes}`, 'x'.repeat(1000))
    expect(store.cut().length).toBeGreaterThan(10)
    store.close()
    expect([memory.cachedBytes, memory.changedBytes]).toEqual([0, 0])
  })
})
