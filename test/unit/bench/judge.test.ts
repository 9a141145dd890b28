import { describe, expect, test } from 'vitest'
import { type Expected, faultOf, together } from '../../bench/judge.ts'

const expected: Expected = { records: 10, pairs: 1n, keys: -2n, others: 3n }

describe('an output', () => {
  test('is right with as many records as went in, and the digest of those', () => {
    expect(faultOf({ total: 10, digest: 1n }, expected, 'pairs')).toBeNull()
    expect(faultOf({ total: 10, digest: 3n }, expected, 'others')).toBeNull()
  })

  test('with records missing or doubled is wrong', () => {
    expect(faultOf({ total: 9, digest: 1n }, expected, 'pairs')).toBe('9 of 10 records')
    expect(faultOf({ total: 11, digest: 1n }, expected, 'pairs')).toBe('11 of 10 records')
  })

  test('with as many, but others, is wrong', () => {
    expect(faultOf({ total: 10, digest: 4n }, expected, 'pairs')).toBe('10 records, but not the right ones')
  })

  test('is judged modulo 2^64, whatever the sign', () => {
    expect(faultOf({ total: 10, digest: 2n ** 64n - 2n }, expected, 'keys')).toBeNull()
  })
})

test('what is loaded in parts comes to the sum of the parts', () => {
  const whole = together(expected, { records: 5, pairs: -1n, keys: 2n ** 63n, others: 1n })
  expect(whole.records).toBe(15)
  expect(faultOf({ total: 15, digest: 0n }, whole, 'pairs')).toBeNull()
  expect(faultOf({ total: 15, digest: 2n ** 63n - 2n }, whole, 'keys')).toBeNull()
  expect(faultOf({ total: 15, digest: 4n }, whole, 'others')).toBeNull()
})
