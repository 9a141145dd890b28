import { describe, expect, it } from 'vitest'
import { logRecords } from '../../../src/state/level-log.ts'
import { LogCheck } from '../../../src/state/log-check.ts'
import { levelBatch, levelLog } from '../../support/level-files.ts'

const batch = (sequence: number, valueBytes = 10): Buffer =>
  levelBatch(sequence, Buffer.from(`key ${sequence}`), Buffer.alloc(valueBytes, sequence))
const batches = (from: number, to: number, valueBytes?: number): Buffer[] =>
  Array.from({ length: to - from }, (_, n) => batch(from + n, valueBytes))

/** What is found in logs that follow each other. */
function damage(...logs: Buffer[]): string | null {
  const check = new LogCheck()
  for (const [index, bytes] of logs.entries()) {
    const found = check.add(`${index}.log`, bytes)
    if (found !== null) return found
  }
  return null
}

function flipped(bytes: Buffer, at: number, bit = 1): Buffer {
  const copy = Buffer.from(bytes)
  copy[at] = (copy[at] as number) ^ bit
  return copy
}

describe('the records of a log', () => {
  it.each([
    ['short ones', [0, 1, 5, 100]],
    ['one that ends with a block', [32 * 1024 - 7, 3]],
    ['one that leaves no room for a header', [32 * 1024 - 7 - 7 - 3, 50]],
    ['one that leaves room for a header alone', [32 * 1024 - 7 - 7, 50]],
    ['one of several blocks', [10, 100_000, 10]],
  ])('are read as they were written: %s', (_what, sizes) => {
    const written = sizes.map((size, n) => Buffer.alloc(size, n + 1))
    const read = [...logRecords(levelLog(written))].map(({ content }) => content)
    expect(read.map((content) => content?.length)).toEqual(sizes)
    expect(read).toEqual(written)
  })

  it('are none in room that was made and never written', () => {
    const log = Buffer.concat([levelLog([Buffer.of(1, 2)]), Buffer.alloc(100_000)])
    expect([...logRecords(log)].map(({ content }) => content)).toEqual([Buffer.of(1, 2)])
  })

  it('are said to be bad where a continuation has no beginning, or a beginning no continuation', () => {
    const log = levelLog([Buffer.alloc(100_000)])
    const [second] = [...logRecords(log.subarray(32 * 1024))]
    expect(second?.content).toBeNull()
    expect([...logRecords(log.subarray(0, 40_000))]).toEqual([{ at: 0, content: null }])
  })
})

describe('the check of logs', () => {
  it('finds nothing wrong with logs that follow each other', () => {
    expect(damage(levelLog(batches(1, 50, 2000)), levelLog(batches(50, 60)), levelLog([]))).toBeNull()
  })

  it('takes a bad end of the last log for what a crash leaves', () => {
    const last = levelLog(batches(10, 20))
    for (let length = last.length - 1; length > 0; length -= 7) {
      expect(damage(levelLog(batches(1, 10)), last.subarray(0, length)), `${length} bytes`).toBeNull()
    }
    expect(damage(levelLog(batches(1, 10)), flipped(last, last.length - 3))).toBeNull()
  })

  it('finds a bad record with good ones in a later block', () => {
    const log = levelLog(batches(1, 50, 2000))
    expect(damage(flipped(log, 40_000))).toMatch(/^0\.log: its record at \d+ is damaged$/)
  })

  it('finds a bad end of a log with good records in the next one', () => {
    const log = levelLog(batches(1, 10))
    expect(damage(flipped(log, log.length - 3), levelLog(batches(10, 20)))).toMatch(/^0\.log: .* is damaged$/)
    expect(damage(log.subarray(0, log.length - 3), levelLog(batches(10, 20)))).toMatch(/^0\.log: .* is damaged$/)
  })

  it('finds a gap that no checksum shows: a log cut off between two records, or one that is not there', () => {
    const log = levelLog(batches(1, 10))
    const whole = levelLog(batches(1, 9)).length
    expect(damage(log.subarray(0, whole), levelLog(batches(10, 20)))).toBe(
      '1.log: its record at 0 does not follow the one before it',
    )
    expect(damage(log, levelLog(batches(20, 30)))).toMatch(/does not follow/)
  })
})
