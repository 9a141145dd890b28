import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { digestOf } from '../../../src/testing/digest.ts'
import { runs } from '../../support/seed.ts'

const plain = fc.anything({ withBigInt: true, withDate: false, withSparseArray: false })

describe('a digest', () => {
  it('is the same for the same data', () => {
    fc.assert(
      fc.property(plain, (value) => {
        expect(digestOf(structuredClone(value))).toBe(digestOf(value))
      }),
      runs(200),
    )
  })

  it('is another where one value, one byte, one name or the order is another', () => {
    const digests = [
      { a: 1, b: [2, 3] },
      { a: 1, b: [3, 2] },
      { a: 1, c: [2, 3] },
      { a: 2, b: [2, 3] },
      { a: 1.5, b: [2, 3] },
      { a: 2 ** 32 + 1, b: [2, 3] },
      { a: '1', b: [2, 3], c: null },
      { a: Buffer.from('xy') },
      { a: Buffer.from('xz') },
      { a: Buffer.from('x') },
      null,
      undefined,
    ].map(digestOf)
    expect(new Set(digests).size).toBe(digests.length)
  })

  it('is a 32-bit number', () => {
    fc.assert(
      fc.property(plain, (value) => {
        expect(digestOf(value) | 0).toBe(digestOf(value))
      }),
      runs(200),
    )
  })
})
