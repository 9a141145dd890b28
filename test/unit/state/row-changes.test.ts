import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RowChanges } from '../../../src/state/row-changes.ts'
import { encodeRow, userKey } from '../../../src/state/row-format.ts'
import { RowTable } from '../../../src/state/row-table.ts'

const bytes = fc.oneof(
  { weight: 9, arbitrary: fc.uint8Array({ maxLength: 60 }) },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 16_000, max: 40_000 }).map((length) => new Uint8Array(length).fill(length)),
  },
)

/** Rows with keys of their own, whatever else is drawn. */
const rows = fc
  .array(fc.record({ key: bytes, value: fc.option(bytes), timestamp: fc.integer(), expiry: fc.option(fc.nat()) }), {
    maxLength: 100,
  })
  .map((all) => all.map((row, i) => ({ ...row, key: Buffer.concat([Buffer.from(`${i}.`), row.key]) })))

/** Compared as text: bytes are compared one by one, which takes a thousand times as long. */
const shown = (key: Uint8Array, value: Uint8Array | null, timestamp: number, expiry: number | null = null): string =>
  `${Buffer.from(key).toString('hex')} ${value && Buffer.from(value).toString('hex')} ${timestamp} ${expiry}`

const changesFor = (rowsMax: number): RowChanges => {
  const changes = new RowChanges()
  changes.begin(rowsMax)
  return changes
}

describe('the changes of a commit', () => {
  it('are the rows in their order, as the backend and as the changelog take them, however often they are walked', () => {
    fc.assert(
      fc.property(rows, (all) => {
        const table = new RowTable(1, false)
        const changes = changesFor(all.length)
        for (const { key, value, timestamp, expiry } of all) {
          const row = table.add(key, 0, key.length, value, timestamp, null)
          table.setExpiry(row, expiry)
          changes.add(table, row, value)
        }
        expect(changes.length).toBe(all.length)
        const expected = all.map(({ key, value, timestamp, expiry }) =>
          shown(userKey(key), value && encodeRow(timestamp, value, expiry), timestamp),
        )
        for (let walk = 0; walk < 2; walk++) {
          expect(Array.from(changes, ({ key, value, timestamp }) => shown(key, value, timestamp))).toEqual(expected)
        }
        const logged: string[] = []
        changes.forEach((page, keyAt, keyLength, valueAt, valueLength, timestamp, expiry) => {
          const value = valueLength < 0 ? null : page.subarray(valueAt, valueAt + valueLength)
          logged.push(shown(page.subarray(keyAt, keyAt + keyLength), value, timestamp, expiry))
        })
        expect(logged).toEqual(
          all.map(({ key, value, timestamp, expiry }) => shown(userKey(key), value, timestamp, expiry)),
        )
      }),
    )
  })

  it('stay as they are when their rows change again', () => {
    const table = new RowTable(1, false)
    const key = Buffer.from('key')
    const row = table.add(key, 0, key.length, 'a', 5, null)
    const changes = changesFor(1)
    const value = Buffer.from('first')
    changes.add(table, row, value)
    value.write('other')
    table.mark(row, 9)
    expect([...changes]).toEqual([{ key: userKey(key), value: encodeRow(5, Buffer.from('first')), timestamp: 5 }])
  })

  it('are those of the last beginning, whatever was there before, in room that is kept where it is small', () => {
    const table = new RowTable(1, false)
    const changes = new RowChanges()
    for (const [count, length] of [
      [10, 20],
      [2, 40_000],
      [5000, 100],
      [0, 0],
      [4096, 100],
      [7, 16_000],
    ] as const) {
      changes.begin(count)
      const expected: string[] = []
      for (let i = 0; i < count; i++) {
        const key = Buffer.from(`${count} ${i}`)
        const value = Buffer.alloc(length, i)
        changes.add(table, table.add(key, 0, key.length, value, i, null), value)
        expected.push(shown(userKey(key), encodeRow(i, value), i))
      }
      expect(Array.from(changes, ({ key, value, timestamp }) => shown(key, value, timestamp))).toEqual(expected)
      expect(changes.keptBytes).toBeLessThanOrEqual(8 * 16_384 + 4096 * 24)
    }
    changes.begin(0)
    expect(changes.keptBytes).toBe(8 * 16_384 + 4096 * 24)
  })

  it('may be none', () => {
    expect([...new RowChanges()]).toEqual([])
  })
})
