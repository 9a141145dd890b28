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
  .array(fc.record({ key: bytes, value: fc.option(bytes), timestamp: fc.integer() }), { maxLength: 100 })
  .map((all) => all.map((row, i) => ({ ...row, key: Buffer.concat([Buffer.from(`${i}.`), row.key]) })))

/** Compared as text: bytes are compared one by one, which takes a thousand times as long. */
const shown = (key: Uint8Array, value: Uint8Array | null, timestamp: number): string =>
  `${Buffer.from(key).toString('hex')} ${value && Buffer.from(value).toString('hex')} ${timestamp}`

describe('the changes of a commit', () => {
  it('are the rows in their order, as the backend and as the changelog take them, however often they are walked', () => {
    fc.assert(
      fc.property(rows, (all) => {
        const table = new RowTable(1, false)
        const changes = new RowChanges(all.length)
        for (const { key, value, timestamp } of all) {
          changes.add(table, table.add(key, 0, key.length, value, timestamp, null), value)
        }
        expect(changes.length).toBe(all.length)
        const expected = all.map(({ key, value, timestamp }) =>
          shown(userKey(key), value && encodeRow(timestamp, value), timestamp),
        )
        for (let walk = 0; walk < 2; walk++) {
          expect([...changes].map(({ key, value, timestamp }) => shown(key, value, timestamp))).toEqual(expected)
        }
        const logged: string[] = []
        changes.forEach((page, keyAt, keyLength, valueAt, valueLength, timestamp) => {
          const value = valueLength < 0 ? null : page.subarray(valueAt, valueAt + valueLength)
          logged.push(shown(page.subarray(keyAt, keyAt + keyLength), value, timestamp))
        })
        expect(logged).toEqual(all.map(({ key, value, timestamp }) => shown(userKey(key), value, timestamp)))
      }),
    )
  })

  it('stay as they are when their rows change again', () => {
    const table = new RowTable(1, false)
    const key = Buffer.from('key')
    const row = table.add(key, 0, key.length, 'a', 5, null)
    const changes = new RowChanges(1)
    const value = Buffer.from('first')
    changes.add(table, row, value)
    value.write('other')
    table.mark(row, 9)
    expect([...changes]).toEqual([{ key: userKey(key), value: encodeRow(5, Buffer.from('first')), timestamp: 5 }])
  })

  it('may be none', () => {
    expect([...new RowChanges(0)]).toEqual([])
  })
})
