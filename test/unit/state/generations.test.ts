import { describe, expect, it } from 'vitest'
import { positionsKey } from '../../../src/checkpoint/positions-row.ts'
import { MemoryBudget } from '../../../src/core/memory-budget.ts'
import { seededRandom } from '../../../src/core/random.ts'
import { text } from '../../../src/serde/text.ts'
import { MemoryDisk } from '../../../src/state/memory-disk.ts'
import { userKey } from '../../../src/state/row-format.ts'
import { RowStore } from '../../../src/state/row-store.ts'
import { RowTable } from '../../../src/state/row-table.ts'

/** A store that caches nothing beyond what it must. */
async function open(memoryBytes = 1) {
  const backend = await new MemoryDisk(seededRandom(1)).backends(1).open('/store')
  const store = new RowStore('s', backend, text, {
    memory: new MemoryBudget(memoryBytes),
    hashSeed: 1,
    backendBytes: 0,
  })
  const row = (key: string): number => store.rows.row(Buffer.from(key), 0, key.length)
  return {
    backend,
    store,
    put: (key: string, value: string): void => store.rows.put(row(key), value, 1),
    get: (key: string): unknown => store.rows.valueAt(row(key)),
  }
}

describe('rows of a commit that is not stored yet', () => {
  it('are read from memory, however small the cache, until they are', async () => {
    const { store, put, get, backend } = await open()
    put('a', '1')
    const first = store.cut()
    // The transaction is committed, its rows are on their way; the next has begun.
    expect(get('a')).toBe('1')
    put('b', '2')
    expect([get('a'), get('b')]).toEqual(['1', '2'])
    await backend.batch(first)
    store.written()
    await backend.batch(store.cut())
    store.written()
    expect([get('a'), get('b')]).toEqual(['1', '2'])
  })

  it.each([1, 1e6])(
    'hold each row once, and a row that changes again is in the next, with %i bytes of memory',
    async (memoryBytes) => {
      const { store, put } = await open(memoryBytes)
      put('a', '1')
      put('a', '2')
      put('b', '3')
      expect(Array.from(store.cut(), ({ key }) => key.toString('latin1'))).toEqual(['\u0001a', '\u0001b'])
      put('a', '4')
      expect(store.cut()).toHaveLength(1)
      expect(store.cut()).toHaveLength(0)
    },
  )
})

describe('a table of rows', () => {
  it('keeps keys apart whose hashes are the same', () => {
    // Of so many random keys about ten pairs share their 32 bits.
    const count = 300_000
    const random = seededRandom(8)
    const table = new RowTable(3, false)
    for (let n = 0; n < count; n++) {
      const key = Buffer.from(`${random.next()} ${random.next()}`.padEnd(42, '0').slice(0, 42))
      expect(table.find(key, 0, key.length)).toBe(-1)
      table.add(key, 0, key.length, n, 1, null)
    }
    expect(table.size).toBe(count)
  })
})

describe('the row of a user', () => {
  it('is never a reserved one, whatever its key', () => {
    expect(userKey(positionsKey.subarray(1))).not.toEqual(positionsKey)
    expect(userKey(positionsKey)).not.toEqual(positionsKey)
  })
})
