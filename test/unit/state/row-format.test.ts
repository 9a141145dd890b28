import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeRow, encodeRow, expiryIn, rowFormat, rowHeaders } from '../../../src/state/row-format.ts'
import { runs } from '../../support/seed.ts'

const time = fc.oneof(fc.integer({ min: -1e12, max: 4e12 }), fc.constantFrom(0, -1, Number.MAX_SAFE_INTEGER))

describe('a row of a backend', () => {
  it('is what was written, whatever it holds', () => {
    fc.assert(
      fc.property(time, fc.option(time), fc.uint8Array({ maxLength: 40 }), (timestamp, expiry, value) => {
        const row = encodeRow(timestamp, value, expiry)
        // Where it lies in a larger buffer is no matter.
        const within = Buffer.concat([Buffer.alloc(3), row, Buffer.alloc(5)]).subarray(3, 3 + row.length)
        const read = decodeRow(within, '/s')
        expect({ ...read, value: [...read.value] }).toEqual({ timestamp, expiry, value: [...value] })
      }),
      runs(200),
    )
  })

  it('has no byte for an expiry that it has not', () => {
    expect(encodeRow(1, Buffer.alloc(0)).length).toBe(9)
    expect(encodeRow(1, Buffer.alloc(0), 2).length).toBe(17)
    expect(rowHeaders(null)).toHaveLength(0)
  })

  it('is refused by name where it is of another format or too short: never a wrong value', () => {
    const rows = [encodeRow(1_700_000_000_000, Buffer.from('value')), encodeRow(5, Buffer.from('value'), 9)]
    for (const row of rows) {
      for (let format = 0; format < 256; format++) {
        if ((format & 0x7f) === rowFormat) continue
        const other = Buffer.concat([Buffer.of(format), row.subarray(1)])
        expect(() => decodeRow(other, '/s')).toThrow(
          expect.objectContaining({ code: 'STORE_CORRUPT', context: { path: '/s' } }),
        )
      }
      const head = row.length - 'value'.length
      for (let length = 0; length < head; length++) {
        expect(() => decodeRow(row.subarray(0, length), '/s')).toThrow(`one of ${length} bytes`)
      }
      expect(decodeRow(row.subarray(0, head), '/s').value).toHaveLength(0)
    }
  })

  it('of the format before, which began with a time, is none', () => {
    fc.assert(
      fc.property(time, (timestamp) => {
        const old = Buffer.alloc(20)
        old.writeDoubleBE(timestamp)
        expect(() => decodeRow(old, '/s')).toThrow(expect.objectContaining({ code: 'STORE_CORRUPT' }))
      }),
      runs(100),
    )
  })
})

describe('the headers of a row in a changelog', () => {
  it('say when it expires, behind others, and nothing where it does not', () => {
    const [own] = rowHeaders(12.5)
    expect(expiryIn([['trace', Buffer.from('x')], own as never])).toBe(12.5)
    expect([expiryIn([]), expiryIn([['trace', null]])]).toEqual([null, null])
  })

  it.each([null, Buffer.alloc(0), Buffer.alloc(7), Buffer.alloc(9)])('are refused with an expiry of %o', (value) => {
    expect(() => expiryIn([['expiry', value]])).toThrow(expect.objectContaining({ code: 'BATCH_CORRUPT' }))
  })
})
