import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../../src/core/random.ts'
import { int64 } from '../../../src/serde/number.ts'
import { structured } from '../../../src/serde/structured.ts'
import { KeyValueStore } from '../../../src/state/key-value-store.ts'
import { MemoryDisk } from '../../../src/state/memory-disk.ts'

const open = () => new MemoryDisk(seededRandom(1)).backends(1).open('/store')
const small = { cacheBytes: 1200, overlayBytes: 1e6, hashSeed: 1 }

const rowOf = (store: KeyValueStore, key: string) => store.row(Buffer.from(key), 0, key.length)
const valueIn = (store: KeyValueStore, key: string) => store.valueAt(rowOf(store, key))

describe('a key-value store', () => {
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
        const store = new KeyValueStore('s', backend, int64, small)
        let committed = new Map<string, number>()
        let current = new Map<string, number>()
        for (const one of steps) {
          if (one.kind === 'commit') {
            await backend.batch(store.cut())
            committed = new Map(current)
          } else if (one.kind === 'abort') {
            store.reset()
            current = new Map(committed)
          } else {
            const key = `key${one.key}`
            const row = rowOf(store, key)
            expect(store.valueAt(row)).toBe(current.get(key))
            if (one.kind === 'add') {
              const next = (current.get(key) ?? 0) + one.by
              store.put(row, next, 1)
              current.set(key, next)
            } else {
              store.put(row, undefined, 1)
              current.delete(key)
            }
          }
          for (const key of committed.keys()) expect(store.committed(Buffer.from(key))).toBe(committed.get(key))
        }
        await backend.close()
      }),
      { numRuns: 60 },
    )
  })

  it('decodes a mutable value anew in each transaction, never handing out the committed one', async () => {
    const backend = await open()
    const store = new KeyValueStore('s', backend, structured<{ list: number[] }>(), small)
    const given = { list: [1] }
    store.put(rowOf(store, 'a'), given, 1)
    await backend.batch(store.cut())
    given.list.push(99)
    const second = valueIn(store, 'a') as { list: number[] }
    expect(second).toEqual({ list: [1] })
    second.list.push(2)
    store.reset()
    expect(valueIn(store, 'a')).toEqual({ list: [1] })
    await backend.close()
  })

  it('keeps the rows it iterates over as they were committed', async () => {
    const backend = await open()
    const store = new KeyValueStore('s', backend, int64, small)
    store.put(rowOf(store, 'b'), 2, 1)
    store.put(rowOf(store, 'a'), 1, 1)
    await backend.batch(store.cut())
    store.put(rowOf(store, 'a'), 5, 1)
    const seen: unknown[] = []
    for await (const [key, value] of store.committedRows()) seen.push([key.toString(), value])
    expect(seen).toEqual([
      ['a', 1],
      ['b', 2],
    ])
    await backend.close()
  })
})
