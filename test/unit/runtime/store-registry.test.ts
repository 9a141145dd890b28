import { describe, expect, it } from 'vitest'
import { positionsKey } from '../../../src/checkpoint/positions-row.ts'
import { MemoryBudget } from '../../../src/core/memory-budget.ts'
import { seededRandom } from '../../../src/core/random.ts'
import { StoreRegistry } from '../../../src/runtime/store-registry.ts'
import { int64 } from '../../../src/serde/number.ts'
import { MemoryDisk } from '../../../src/state/memory-disk.ts'
import type { RowChange } from '../../../src/state/row-changes.ts'
import { userKey } from '../../../src/state/row-format.ts'
import { RowStore } from '../../../src/state/row-store.ts'

const disk = new MemoryDisk(seededRandom(1))
let opened = 0
const storeOf = async (name: string): Promise<RowStore> =>
  new RowStore(name, await disk.backends(1).open(`/${name}${opened++}`), int64, {
    memory: new MemoryBudget(1),
    hashSeed: 1,
    backendBytes: 0,
  })
const task = (partition: number, subtopology = '0') => ({ subtopology, partition })
const changes = (...keys: string[]): RowChange[] =>
  keys.map((key) => ({ key: userKey(Buffer.from(key, 'latin1')), value: Buffer.alloc(16), timestamp: 1 }))

describe('the open stores', () => {
  it('are known by name, in order of partition', async () => {
    const registry = new StoreRegistry()
    const [a, b, other] = [await storeOf('counts'), await storeOf('counts'), await storeOf('sums')]
    registry.add(task(10), a)
    registry.add(task(2), b)
    registry.add(task(0), other)
    expect(registry.open('counts')).toEqual([
      [2, b],
      [10, a],
    ])
    expect(registry.open('unknown')).toEqual([])
  })

  it('are no more known once their task has closed them', async () => {
    const registry = new StoreRegistry()
    const store = await storeOf('counts')
    registry.add(task(1), store)
    registry.remove(task(1), store)
    registry.remove(task(1), store)
    expect(registry.open('counts')).toEqual([])
  })

  it('stay when an earlier attempt of their task closes late', async () => {
    const registry = new StoreRegistry()
    const [before, after] = [await storeOf('counts'), await storeOf('counts')]
    registry.add(task(1), before)
    registry.add(task(1), after)
    registry.remove(task(1), before)
    expect(registry.open('counts')).toEqual([[1, after]])
  })
})

describe('a watcher', () => {
  it('hears of each commit that changed its key, and of no other', () => {
    const registry = new StoreRegistry()
    const heard: string[] = []
    registry.watch('counts', 'a', (event) => heard.push(event))
    registry.publish('counts', changes('a', 'b'))
    registry.publish('counts', changes('b'))
    registry.publish('sums', changes('a'))
    registry.publish('counts', changes('a'))
    expect(heard).toEqual(['changed', 'changed'])
  })

  it('hears of a delete', () => {
    const registry = new StoreRegistry()
    const heard: string[] = []
    registry.watch('counts', 'a', (event) => heard.push(event))
    registry.publish('counts', [{ key: userKey(Buffer.from('a')), value: null, timestamp: 1 }])
    expect(heard).toEqual(['changed'])
  })

  it('of a key does not hear of a reserved row of the same name', () => {
    const registry = new StoreRegistry()
    const heard: string[] = []
    registry.watch('counts', 'positions', (event) => heard.push(event))
    registry.publish('counts', [{ key: positionsKey, value: Buffer.alloc(16), timestamp: 1 }])
    expect(heard).toEqual([])
  })

  it('hears nothing once it is taken off, the others of its key still do', () => {
    const registry = new StoreRegistry()
    const heard: string[] = []
    const off = registry.watch('counts', 'a', () => heard.push('first'))
    registry.watch('counts', 'a', () => heard.push('second'))
    off()
    off()
    registry.publish('counts', changes('a'))
    expect(heard).toEqual(['second'])
  })

  it('may take itself off while it hears', () => {
    const registry = new StoreRegistry()
    const heard: string[] = []
    const off = registry.watch('counts', 'a', () => {
      heard.push('once')
      off()
    })
    registry.watch('counts', 'a', () => heard.push('always'))
    registry.publish('counts', changes('a'))
    registry.publish('counts', changes('a'))
    expect(heard).toEqual(['once', 'always', 'always'])
  })

  it('compares keys by their bytes', () => {
    const registry = new StoreRegistry()
    const heard: string[] = []
    registry.watch('counts', '\u00e9', (event) => heard.push(event))
    registry.publish('counts', changes('\u00c3\u00a9', '\u00e9'))
    expect(heard).toEqual(['changed'])
  })

  it('leaves a later watcher of the key alone when one takes itself off twice', () => {
    const registry = new StoreRegistry()
    const heard: string[] = []
    const off = registry.watch('s', 'a', () => heard.push('first'))
    off()
    registry.watch('s', 'a', () => heard.push('second'))
    off()
    registry.publish('s', [{ key: userKey(Buffer.from('a')), value: null, timestamp: 1 }])
    expect(heard).toEqual(['second'])
  })

  it('hears when a partition of its store is opened', async () => {
    const registry = new StoreRegistry()
    const heard: string[] = []
    registry.watch('counts', 'a', (event) => heard.push(event))
    registry.add(task(0), await storeOf('counts'))
    registry.add(task(0), await storeOf('sums'))
    expect(heard).toEqual(['opened'])
  })
})
