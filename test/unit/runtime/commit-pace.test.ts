import { describe, expect, it } from 'vitest'
import { CommitPace } from '../../../src/runtime/commit-pace.ts'

describe('the pace of commits', () => {
  it('is the interval while they take less than their share of the time', () => {
    const pace = new CommitPace(100, 0.1)
    pace.committed(1000, 1010)
    expect([pace.lastMs, pace.nextMs]).toEqual([1010, 1110])
  })

  it('leaves the rest of the time to the work when they take more, five intervals at the most', () => {
    const pace = new CommitPace(100, 0.1)
    pace.committed(1000, 1020)
    expect(pace.nextMs).toBe(1020 + 180)
    pace.committed(2000, 2500)
    expect(pace.nextMs).toBe(2500 + 500)
  })

  it('is the interval whatever they cost with a share of 1', () => {
    const pace = new CommitPace(100, 1)
    pace.committed(1000, 1900)
    expect(pace.nextMs).toBe(2000)
  })
})
