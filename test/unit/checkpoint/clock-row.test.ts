import { describe, expect, it } from 'vitest'
import { clockKey, decodeClock, encodeClock } from '../../../src/checkpoint/clock-row.ts'

describe('the clock row', () => {
  it('is read as it was written, under a key that no user key has', () => {
    const row = { streamTime: 1_700_000_000_000, wallTime: -1 }
    expect(decodeClock(encodeClock(row))).toEqual(row)
    expect(clockKey[0]).toBe(0)
  })

  it.each(['', '{', '{}', '{"streamTime":1}', '{"streamTime":1,"wallTime":"2"}', 'null'])(
    'refuses what no commit wrote: %j',
    (bytes) => {
      expect(() => decodeClock(Buffer.from(bytes))).toThrow()
    },
  )
})
