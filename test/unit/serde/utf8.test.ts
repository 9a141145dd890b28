import { isUtf8 } from 'node:buffer'
import { describe, expect, it } from 'vitest'
import { isUtf8Range } from '../../../src/serde/utf8.ts'

/** What stands in the middle of ASCII: whole characters of two to four bytes, and the ways in which one can be broken. */
const pieces = ['é', '€', '😀'].map((whole) => Buffer.from(whole))
const broken = ['80', 'c3', 'e282', 'f09f98', 'c0af', 'eda080', 'ff'].map((bytes) => Buffer.from(bytes, 'hex'))

describe('isUtf8Range', () => {
  it('says what Node says, wherever in a range of any length the piece stands', () => {
    const wrong: string[] = []
    for (const length of [...Array(41).keys(), ...Array.from({ length: 20 }, (_, i) => 246 + i)]) {
      for (const piece of [...pieces, ...broken]) {
        for (let at = 0; at + piece.length <= length; at++) {
          // What is around the range is not ASCII: none of it may be looked at.
          const buffer = Buffer.alloc(length + 16, 0xff).fill('a', 8, 8 + length)
          piece.copy(buffer, 8 + at)
          const expected = isUtf8(buffer.subarray(8, 8 + length))
          if (isUtf8Range(buffer, 8, 8 + length) !== expected) wrong.push(`${piece.toString('hex')}@${at} of ${length}`)
        }
      }
    }
    expect(wrong).toEqual([])
  })

  it('takes ASCII of any length', () => {
    const buffer = Buffer.alloc(600, 0xff).fill('a', 1, 599)
    for (let end = 1; end <= 599; end++) expect(isUtf8Range(buffer, 1, end)).toBe(true)
    expect(isUtf8Range(buffer, 1, 600)).toBe(false)
  })
})
