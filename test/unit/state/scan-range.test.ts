import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { storeKey } from '../../../src/state/row-format.ts'
import { behind, keyRange } from '../../../src/state/scan-range.ts'
import { runs } from '../../support/seed.ts'

/** Few bytes, the least and the greatest among them, so that keys meet. */
const key = fc.array(fc.constantFrom(0, 1, 254, 255), { maxLength: 3 }).map((bytes) => Buffer.from(bytes))

describe('the range of a scan', () => {
  it('has the keys under its prefix and between its bounds, and no others', () => {
    const bound = fc.option(key, { nil: undefined })
    fc.assert(
      fc.property(bound, bound, bound, key, fc.constantFrom(0, 1), (from, to, prefix, one, own) => {
        const range = keyRange(own, { ...(from && { from }), ...(to && { to }), ...(prefix && { prefix }) })
        const isIn = (storeKey: Buffer) => storeKey.compare(range.from) >= 0 && storeKey.compare(range.to) < 0
        const isWanted =
          (!from || one.compare(from) >= 0) &&
          (!to || one.compare(to) < 0) &&
          (!prefix || one.subarray(0, prefix.length).equals(prefix))
        expect([isIn(storeKey(own, one)), isIn(storeKey(1 - own, one))]).toEqual([isWanted, false])
      }),
      runs(500),
    )
  })

  it('behind a key begins with the very next, or ends with the one before', () => {
    const all = keyRange(1, {})
    expect(behind(storeKey(1, Buffer.from('a')), all)).toEqual({ ...all, from: storeKey(1, Buffer.from('a\0')) })
    const backwards = keyRange(1, { reverse: true })
    expect(behind(storeKey(1, Buffer.from('a')), backwards)).toEqual({
      ...backwards,
      to: storeKey(1, Buffer.from('a')),
    })
  })
})
