import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RowTable } from '../../../src/state/row-table.ts'

/** The row of a key, which stands somewhere within a buffer as it does in a fetched batch; it is added where it is new. */
function rowOf(table: RowTable, key: Uint8Array, value: unknown = null): number {
  const fetched = Buffer.concat([Buffer.from('before'), key, Buffer.from('behind')])
  const found = table.find(fetched, 6, key.length)
  return found >= 0 ? found : table.add(fetched, 6, key.length, value, 1, null)
}

/** The key of a row as the store writes it. */
function storeKeyOf(table: RowTable, row: number): Buffer {
  const start = table.keyStart(row)
  return Buffer.from(table.keyPage(row).subarray(start, start + table.storeKeyLength(row)))
}

describe('a table of rows', () => {
  it('finds each key again by its bytes, whatever they are and however it is seeded', () => {
    const keys = fc.array(fc.uint8Array({ maxLength: 5, max: 3 }), { maxLength: 400 })
    fc.assert(
      fc.property(keys, fc.integer(), (all, seed) => {
        const table = new RowTable(seed, false)
        const model = new Map<string, number>()
        for (const key of all) {
          const name = Buffer.from(key).toString('hex')
          const known = model.get(name)
          expect(table.find(Buffer.from(key), 0, key.length)).toBe(known ?? -1)
          const row = rowOf(table, key, name)
          expect(row).toBe(known ?? model.size)
          model.set(name, row)
        }
        expect(table.size).toBe(model.size)
        for (const [name, row] of model) {
          expect(table.values[row]).toBe(name)
          expect(storeKeyOf(table, row).toString('hex')).toBe(`01${name}`)
        }
      }),
    )
  })

  it('keeps all of a row while it grows', () => {
    const table = new RowTable(7, true)
    for (let i = 0; i < 5000; i++) {
      const row = rowOf(table, Buffer.from(`key ${i}`), i)
      expect(table.handOut(row, i + 1)).toBe(true)
      expect(table.mark(row, i * 1e9)).toBe(true)
      if (i % 2 === 0) table.unmark(row)
    }
    for (let i = 0; i < 5000; i++) {
      const row = rowOf(table, Buffer.from(`key ${i}`))
      expect([table.values[row], table.timestamp(row)]).toEqual([i, i * 1e9])
      expect([table.handOut(row, i + 1), table.mark(row, i * 1e9)]).toEqual([false, i % 2 === 0])
      table.unmark(row)
      expect([table.mark(row, 0), table.handOut(row, i + 2)]).toEqual([true, true])
    }
  })

  it('tells keys apart that begin alike, and the empty one from all', () => {
    const table = new RowTable(1, false)
    const long = Buffer.alloc(100_000, 'a')
    const rows = [Buffer.alloc(0), Buffer.of(0), Buffer.of(0, 0), long, long.subarray(1)].map((key) =>
      rowOf(table, key),
    )
    expect(new Set(rows).size).toBe(5)
    expect(table.find(Buffer.from('anything'), 3, 0)).toBe(rows[0])
  })

  it('gives keys as the store writes them, long ones among short ones', () => {
    const table = new RowTable(3, false)
    const keys = Array.from({ length: 3000 }, (_, i) => `key ${i}${'.'.repeat(i % 500 === 7 ? 20_000 : i % 50)}`)
    const rows = keys.map((key) => rowOf(table, Buffer.from(key)))
    for (const [i, key] of keys.entries()) {
      expect(storeKeyOf(table, rows[i] as number).toString('latin1')).toBe(`\u0001${key}`)
      expect(rowOf(table, Buffer.from(key))).toBe(rows[i])
    }
    expect(table.size).toBe(keys.length)
  })

  it('counts its columns, what they have room for, and the values as it is told', () => {
    const table = new RowTable(3, false)
    expect(table.bytes).toBe(0)
    for (let i = 0; i < 5000; i++) rowOf(table, Buffer.from(String(i).padStart(20)))
    const { bytes } = table
    expect(bytes / 5000).toBeGreaterThan(20 + 24 + 8)
    expect(bytes / 5000).toBeLessThan(21 + 24 + 10 + 16 + 10)
    expect(table.setValueBytes(7, 1000)).toBe(1000)
    expect(table.setValueBytes(8, 50)).toBe(50)
    expect(table.setValueBytes(7, 400)).toBe(-600)
    expect([table.valueBytes(7), table.bytes - bytes]).toEqual([400, 450])
  })
})

describe('the expiries of a table', () => {
  it('are those that rows were given last, take nothing where there are none, and little where there are few', () => {
    const table = new RowTable(1, false)
    for (let n = 0; n < 3000; n++) {
      const key = Buffer.from(String(n))
      table.setExpiry(table.add(key, 0, key.length, n, 1, null), null)
    }
    const before = table.bytes
    table.setExpiry(1024, 5)
    table.setExpiry(1025, -3)
    table.setExpiry(1025, null)
    expect([1023, 1024, 1025, 2999].map((row) => table.expiry(row))).toEqual([null, 5, null, null])
    expect(table.bytes - before).toBe(8 * 1024)
  })
})
