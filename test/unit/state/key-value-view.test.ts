import { describe, expect, it } from 'vitest'
import { MemoryBudget } from '../../../src/core/memory-budget.ts'
import { seededRandom } from '../../../src/core/random.ts'
import { int32 } from '../../../src/serde/number.ts'
import { structured } from '../../../src/serde/structured.ts'
import { text } from '../../../src/serde/text.ts'
import { KeyValueView } from '../../../src/state/key-value-view.ts'
import { MemoryDisk } from '../../../src/state/memory-disk.ts'
import { RowStore } from '../../../src/state/row-store.ts'

const options = () => ({ memory: new MemoryBudget(1e6), hashSeed: 1, backendBytes: 0 })

async function open() {
  const backend = await new MemoryDisk(seededRandom(1)).backends(1).open('/store')
  const store = new RowStore('s', backend, structured<{ list: number[] }>(), options())
  const view = new KeyValueView<number, { list: number[] }>(store.rows, int32)
  const commit = async () => {
    const changes = store.cut()
    store.known()
    await backend.batch(changes)
    store.written()
  }
  return { backend, store, view, commit }
}

describe('a store as a map', () => {
  it('has what was put until it is deleted, and shows queries what is committed', async () => {
    const { view, commit } = await open()
    view.put(1, { list: [1] }, 5)
    expect([view.get(1), view.get(2), view.committed(1)]).toEqual([{ list: [1] }, undefined, undefined])
    await commit()
    view.delete(1, 6)
    expect([view.get(1), view.committed(1)]).toEqual([undefined, { list: [1] }])
    await commit()
    expect(view.committed(1)).toBeUndefined()
  })

  it('hands out copies of what is committed, and in each generation one of its own', async () => {
    const { view, store, commit } = await open()
    view.put(1, { list: [1] }, 5)
    await commit()
    view.get(1)?.list.push(2)
    view.committed(1)?.list.push(3)
    expect([view.get(1)?.list, view.committed(1)?.list]).toEqual([[1, 2], [1]])
    store.reset()
    expect(view.get(1)?.list).toEqual([1])
  })

  it('gives a row its time and its expiry', async () => {
    const { view, store } = await open()
    view.put(7, { list: [] }, 5, 50)
    view.put(8, { list: [] }, 6)
    const rows = [7, 8].map((key) => store.rows.row(Buffer.from(int32.serialize(key)), 0, 4))
    expect(rows.map((row) => [store.rows.timestampAt(row), store.rows.expiryAt(row)])).toEqual([
      [5, 50],
      [6, null],
    ])
  })

  it('lists committed rows in the byte order of their keys', async () => {
    const { view, commit } = await open()
    for (const key of [3, -1, 200, 0]) view.put(key, { list: [key] }, 5)
    await commit()
    view.put(4, { list: [] }, 5)
    const keys: number[] = []
    for await (const [key, { list }] of view.committedEntries()) {
      expect(list).toEqual([key])
      keys.push(key)
    }
    expect(keys).toEqual([0, 3, 200, -1])
  })

  it('says which key cannot be written', async () => {
    const { store } = await open()
    const view = new KeyValueView(store.rows, text)
    expect(() => view.get(5 as never)).toThrow(expect.objectContaining({ code: 'RECORD_SERIALIZATION' }))
  })
})
