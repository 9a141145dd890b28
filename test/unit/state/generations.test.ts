import { describe, expect, it } from 'vitest'
import { positionsKey } from '../../../src/checkpoint/positions-row.ts'
import { MemoryBudget } from '../../../src/core/memory-budget.ts'
import { seededRandom } from '../../../src/core/random.ts'
import { text } from '../../../src/serde/text.ts'
import { MemoryDisk } from '../../../src/state/memory-disk.ts'
import type { RowChanges } from '../../../src/state/row-changes.ts'
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
    store.known()
    await backend.batch(first)
    store.written()
    const second = store.cut()
    store.known()
    await backend.batch(second)
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
      const keys = () => {
        const changes = Array.from(store.cut(), ({ key }) => key.toString('latin1'))
        store.known()
        store.written()
        return changes
      }
      expect(keys()).toEqual(['\u0001a', '\u0001b'])
      put('a', '4')
      expect(keys()).toEqual(['\u0001a'])
      expect(keys()).toEqual([])
    },
  )
})

/** What a store of one row is to be: the value of each generation, undefined where it has none. */
class Model {
  open: string | undefined
  inFlight: string | undefined
  state: 'none' | 'committing' | 'stored' = 'none'
  backend: string | undefined

  get value(): string | undefined {
    return this.open ?? this.inFlight ?? this.backend
  }

  /** @returns whether the store may do it now */
  take(step: Step, value: string): boolean {
    switch (step) {
      case 'put':
        this.open = value
        return true
      case 'cut':
        if (this.state !== 'none') return false
        this.inFlight = this.open
        this.open = undefined
        this.state = 'committing'
        return true
      case 'known':
        if (this.state !== 'committing') return false
        this.state = 'stored'
        return true
      case 'written':
        if (this.state !== 'stored') return false
        this.backend = this.inFlight ?? this.backend
        this.inFlight = undefined
        this.state = 'none'
        return true
      case 'reset':
        if (this.state === 'stored') return false
        this.open = undefined
        this.inFlight = undefined
        this.state = 'none'
        return true
    }
  }
}

const steps = ['put', 'cut', 'known', 'written', 'reset'] as const
type Step = (typeof steps)[number]

describe('the generations of a store', () => {
  it('go from open over committing and stored into the backend, in no other order, and are dropped whole', async () => {
    const disk = new MemoryDisk(seededRandom(1))
    const length = 5
    const memory = new MemoryBudget(1e6)
    for (let sequence = 0; sequence < steps.length ** length; sequence++) {
      const backend = await disk.backends(1).open(`/${sequence}`)
      const store = new RowStore('s', backend, text, { memory, hashSeed: 1, backendBytes: 0 })
      const model = new Model()
      const taken: string[] = []
      const row = () => store.rows.row(Buffer.from('key'), 0, 3)
      let changes: RowChanges | null = null
      for (let at = 0, rest = sequence; at < length; at++, rest = Math.floor(rest / steps.length)) {
        const step = steps[rest % steps.length] as Step
        const value = `value ${at}`
        taken.push(step)
        const isRefused = !model.take(step, value)
        try {
          if (step === 'put') store.rows.put(row(), value, 1)
          else if (step === 'cut') changes = store.cut()
          // What is written is what was frozen, whatever came behind it.
          else if (step === 'written' && !isRefused && changes) await backend.batch(changes)
          if (step !== 'put' && step !== 'cut') store[step]()
          expect([taken, isRefused]).toEqual([taken, false])
        } catch (error) {
          expect([taken, isRefused]).toEqual([taken, true])
          expect(error).toMatchObject({ name: 'AssertionError', message: expect.stringContaining('the store s') })
        }
        if (store.rows.valueAt(row()) !== model.value)
          expect([taken, store.rows.valueAt(row())]).toEqual([taken, model.value])
      }
      store.close()
    }
    expect([memory.cachedBytes, memory.changedBytes]).toEqual([0, 0])
  })

  it('are all gone with a close, whatever is in flight, and nothing is told of them any more', async () => {
    for (const last of ['put', 'cut', 'known'] as const) {
      const { store, put } = await open()
      put('a', '1')
      if (last !== 'put') store.cut()
      if (last === 'known') store.known()
      store.close()
      store.close()
      expect(() => (last === 'put' ? store.cut() : last === 'cut' ? store.known() : store.written())).toThrow(
        'before it is closed',
      )
    }
  })

  it('cannot go on behind a cut that failed: they are dropped', async () => {
    const backend = await new MemoryDisk(seededRandom(1)).backends(1).open('/store')
    const store = new RowStore('s', backend, text, { memory: new MemoryBudget(1e6), hashSeed: 1, backendBytes: 0 })
    store.rows.put(store.rows.row(Buffer.from('a'), 0, 1), 5, 1)
    expect(() => store.cut()).toThrow(expect.objectContaining({ code: 'RECORD_SERIALIZATION' }))
    expect(() => store.cut()).toThrow('committing')
    store.reset()
    expect(store.cut()).toHaveLength(0)
  })
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
