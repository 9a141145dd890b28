import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HeadHash, headBytes } from '../../../../connectors/files/head-hash.ts'
import { runs } from '../../../support/seed.ts'

const hashOf = (...pieces: Uint8Array[]): string => {
  const hash = new HeadHash()
  for (const piece of pieces) hash.update(piece)
  return hash.digest
}

describe('head hash', () => {
  it('is the same however the bytes come in pieces', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat({ max: 200 }), (bytes, cut) => {
        expect(hashOf(bytes.subarray(0, cut), bytes.subarray(cut))).toBe(hashOf(bytes))
      }),
      runs(100),
    )
  })

  it('passes over what lies beyond the head', () => {
    const file = new Uint8Array(headBytes + 1).fill(7)
    const other = Uint8Array.from(file)
    other[headBytes] = 8
    expect(hashOf(other)).toBe(hashOf(file))
    other[headBytes - 1] = 8
    expect(hashOf(other)).not.toBe(hashOf(file))
  })

  it('tells all files of up to two bytes apart, and each byte of a long one', () => {
    const seen = new Set([hashOf()])
    for (let a = 0; a < 256; a++) {
      seen.add(hashOf(Uint8Array.of(a)))
      for (let b = 0; b < 256; b++) seen.add(hashOf(Uint8Array.of(a, b)))
    }
    for (let at = 0; at < headBytes; at++) {
      const file = new Uint8Array(headBytes)
      file[at] = 1
      seen.add(hashOf(file))
    }
    expect(seen.size).toBe(1 + 256 + 256 * 256 + headBytes)
  })

  it('is stored with positions, so it never changes', () => {
    expect(hashOf()).toBe('c3e97da38f9a5fb1')
    expect(hashOf(Buffer.from('the words of a real text\n'))).toBe('c136881d05672383')
  })
})
