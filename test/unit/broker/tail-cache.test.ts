import { describe, expect, it } from 'vitest'
import { LogTail, TailBudget } from '../../../src/broker/log/tail-cache.ts'

const batch = (baseOffset: number, lastOffset: number, bytes = 10) => ({
  baseOffset,
  lastOffset,
  bytes: Buffer.alloc(bytes, baseOffset),
})

function tailOf(bytesMax: number, ...batches: readonly ReturnType<typeof batch>[]): LogTail {
  const tail = new LogTail(new TailBudget(bytesMax))
  for (const one of batches) tail.add(one)
  return tail
}

describe('the tail of a log in memory', () => {
  it('gives nothing at or past the offset up to which a reader may see', () => {
    const [first, second, third] = [batch(0, 4), batch(5, 9), batch(10, 10)]
    const tail = tailOf(1000, first, second, third)
    expect(tail.read(0, 5, 1000, true)).toEqual([first.bytes])
    expect(tail.read(3, 10, 1000, true)).toEqual([first.bytes, second.bytes])
    expect(tail.read(5, 11, 1000, true)).toEqual([second.bytes, third.bytes])
    expect(tail.read(5, 5, 1000, true)).toEqual([])
  })

  it('gives as many bytes as were asked for, and the first batch whatever its size', () => {
    const [first, second] = [batch(0, 0), batch(1, 1)]
    const tail = tailOf(1000, first, second)
    expect(tail.read(0, 2, 19, false)).toEqual([first.bytes])
    expect(tail.read(0, 2, 5, true)).toEqual([first.bytes])
    expect(tail.read(0, 2, 5, false)).toEqual([])
  })

  it('says when what is asked for is not held any more', () => {
    const [, second, third] = [batch(0, 0), batch(1, 1), batch(2, 2)]
    const tail = tailOf(20, batch(0, 0), second, third)
    expect(tail.read(0, 3, 1000, true)).toBeNull()
    expect(tail.read(1, 3, 1000, true)).toEqual([second.bytes, third.bytes])
  })
})
