import { describe, expect, it } from 'vitest'
import { murmur2, partitionOf } from '../../../src/kafka/partitioner.ts'

/** Hashes that the Java client computes for these keys. */
const known: readonly (readonly [string, number])[] = [
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
]

describe('the partitioner', () => {
  it('hashes as the Java client does', () => {
    for (const [key, hash] of known) expect(murmur2(Buffer.from(key)), key).toBe(hash)
  })

  it('hashes a range as it hashes a copy of it', () => {
    for (const [key, hash] of known) expect(murmur2(Buffer.from(`##${key}##`), 2, key.length), key).toBe(hash)
  })

  it('never gives a partition that is not there', () => {
    for (const [key, hash] of known) expect(partitionOf(Buffer.from(key), 7)).toBe((hash & 0x7fffffff) % 7)
  })
})
