import { describe, expect, it } from 'vitest'
import { CommitPace } from '../../../src/runtime/commit-pace.ts'

const limits = { intervalMs: 100, minIntervalMs: 10, shareMax: 0.1 }

/** A pace whose commits took so long, one after the other, the last ending at 1,000; something is uncommitted since then. */
function paceAfter(tookMs: readonly number[], given: Partial<typeof limits> = {}): CommitPace {
  const pace = new CommitPace({ ...limits, ...given })
  for (const [n, took] of tookMs.entries()) {
    const endedMs = 1000 - 100 * (tookMs.length - 1 - n)
    // Work of 0.1 ms a record.
    pace.worked(50)
    pace.cut(endedMs - took, 500)
    pace.known(endedMs)
  }
  pace.uncommitted(1000)
  return pace
}

/** So many records are 90 and 110 ms of work. */
const [lessThanAnInterval, moreThanAnInterval] = [900, 1100]

describe('the pace of commits', () => {
  it('is none while nothing is uncommitted', () => {
    const pace = new CommitPace(limits)
    expect(pace.dueMs(0)).toBe(Number.POSITIVE_INFINITY)
    pace.uncommitted(5000)
    expect(pace.dueMs(0)).toBeLessThan(5000)
    pace.cut(5000, 1)
    expect(pace.dueMs(0)).toBe(Number.POSITIVE_INFINITY)
    pace.uncommitted(6000)
    pace.begin()
    expect(pace.dueMs(0)).toBe(Number.POSITIVE_INFINITY)
  })

  it('of a thread that has caught up is at once, but never closer than the least interval', () => {
    const pace = paceAfter([4])
    expect(pace.dueMs(0)).toBe(996 + 10)
    pace.uncommitted(5000)
    expect(pace.dueMs(0)).toBeLessThan(5000)
    expect(paceAfter([4], { minIntervalMs: 0 }).dueMs(0)).toBe(996 + 8)
  })

  it('of a thread that has caught up leaves half of the time to work, and is the interval at the most', () => {
    expect(paceAfter([30]).dueMs(0)).toBe(970 + 60)
    expect(paceAfter([400]).dueMs(0)).toBe(1000 + 100)
    // Never five intervals: nothing waits that would be worth it.
    expect(paceAfter([400, 400, 400]).dueMs(0)).toBe(1000 + 100)
  })

  it('goes by the mean of what commits take', () => {
    // 20, then a quarter of the way to 40.
    expect(paceAfter([20, 40]).dueMs(0)).toBe(960 + 50)
  })

  it('is the interval from the first uncommitted work on while more waits', () => {
    const pace = paceAfter([4])
    expect(pace.dueMs(1)).toBe(1100)
    pace.uncommitted(1050)
    expect(pace.dueMs(1)).toBe(1100)
    pace.cut(1100, 1)
    pace.known(1104)
    pace.uncommitted(3000)
    expect(pace.dueMs(1)).toBe(3100)
  })

  it('of a thread that is behind leaves commits no more than their share, five intervals apart at the most', () => {
    expect(paceAfter([4]).dueMs(moreThanAnInterval)).toBe(1100)
    expect(paceAfter([20]).dueMs(moreThanAnInterval)).toBe(1000 + 180)
    expect(paceAfter([500]).dueMs(moreThanAnInterval)).toBe(1000 + 500)
    expect(paceAfter([500]).dueMs(Number.POSITIVE_INFINITY)).toBe(1000 + 500)
  })

  it('stretches for no thread that has less than an interval of work before it', () => {
    expect(paceAfter([500]).dueMs(lessThanAnInterval)).toBe(1100)
  })

  it('is the interval whatever commits cost with a share of 1', () => {
    expect(paceAfter([500], { shareMax: 1 }).dueMs(moreThanAnInterval)).toBe(1100)
  })

  it('takes a thread of which nothing is known yet for one that is not behind, unless its inputs have no end', () => {
    const pace = new CommitPace(limits)
    pace.uncommitted(1000)
    expect(pace.dueMs(1_000_000)).toBe(1100)
    expect(pace.dueMs(Number.POSITIVE_INFINITY)).toBe(1100)
  })

  it('measures work by records alone: a commit without any changes nothing', () => {
    const pace = paceAfter([20])
    pace.worked(1_000_000)
    pace.cut(1000, 0)
    pace.known(1020)
    pace.uncommitted(1020)
    expect(pace.dueMs(lessThanAnInterval)).toBe(1120)
  })

  it('counts what is done while a commit is under way from when it was done', () => {
    const pace = new CommitPace(limits)
    pace.uncommitted(990)
    pace.cut(1000, 1)
    pace.uncommitted(1001)
    pace.known(1090)
    expect(pace.dueMs(1)).toBe(1101)
  })
})
