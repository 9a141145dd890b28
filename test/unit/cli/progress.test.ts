import { describe, expect, it } from 'vitest'
import { committedLine, progressBar } from '../../../src/cli/progress.ts'
import type { JobProgress } from '../../../src/job/job.ts'
import { newThreadMetrics } from '../../../src/runtime/task-metrics.ts'

const progress = (changes: Partial<JobProgress> = {}): JobProgress => ({ ...newThreadMetrics(), atMs: 0, ...changes })
const start = { recordsCommitted: 0, atMs: 0 }

describe('the line of a pipe', () => {
  it('says how many records are committed, and nothing else', () => {
    expect(committedLine({ recordsCommitted: 1234567 })).toBe('committed 1234567 records')
  })
})

describe('the bar of a terminal', () => {
  it('says bytes, records, their pace and the age of the last commit', () => {
    const now = progress({
      recordsCommitted: 3000,
      commits: 4,
      lastCommitMs: 1500,
      sourceBytesRead: 5e6,
      sourceBytesTotal: 10e6,
    })
    expect(progressBar(now, start, 2000, 200)).toBe(
      `[${'#'.repeat(12)}${'.'.repeat(12)}]  5.0 of 10.0 MB  3,000 records  1,500/s  committed 0.5 s ago`,
    )
  })

  it('leaves out what is not known: bytes without a source, a commit before the first', () => {
    expect(progressBar(progress(), start, 1000, 200)).toBe(`[${'.'.repeat(24)}]  0 records  0/s`)
  })

  it('counts the pace from the line before, not from the start', () => {
    const before = { recordsCommitted: 900, atMs: 9000 }
    expect(progressBar(progress({ recordsCommitted: 1000 }), before, 10_000, 200)).toContain('  100/s')
  })

  it('shows a finite pace when no time has passed', () => {
    expect(progressBar(progress({ recordsCommitted: 2 }), start, 0, 200)).toContain('2,000/s')
  })

  it('is never more than full when a file has grown since it was measured', () => {
    const bar = progressBar(progress({ sourceBytesRead: 30, sourceBytesTotal: 10 }), start, 1000, 200)
    expect(bar.startsWith(`[${'#'.repeat(24)}]`)).toBe(true)
  })

  it.each([30, 60, 80])('never wraps in %i columns', (columns) => {
    const now = progress({ recordsCommitted: 1e9, commits: 1, sourceBytesRead: 1e12, sourceBytesTotal: 2e12 })
    expect(progressBar(now, start, 1000, columns).length).toBeLessThan(columns)
  })
})
