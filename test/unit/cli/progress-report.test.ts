import { Writable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { ProgressReport } from '../../../src/cli/progress-report.ts'
import type { JobProgress } from '../../../src/job/job.ts'
import { newThreadMetrics } from '../../../src/runtime/task-metrics.ts'
import { SteppedClock } from '../../support/stepped-clock.ts'

/** Stands in for stderr: keeps what is written, write by write. */
class Screen extends Writable {
  readonly isTTY: boolean
  readonly columns = 80
  readonly writes: string[] = []

  constructor(isTTY: boolean) {
    super()
    this.isTTY = isTTY
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.writes.push(chunk.toString())
    done()
  }
}

const erase = '\r\u001b[K'

function open(isTTY: boolean) {
  const screen = new Screen(isTTY)
  const clock = new SteppedClock()
  const report = new ProgressReport(screen as unknown as NodeJS.WriteStream, clock)
  const commit = (recordsCommitted: number): void =>
    report.progress({ ...newThreadMetrics(), recordsCommitted, atMs: clock.monotonicMs() } satisfies JobProgress)
  return { screen, clock, report, commit }
}

describe('a report to a pipe', () => {
  it('says the first commit at once', () => {
    const { screen, commit } = open(false)
    commit(5)
    expect(screen.writes).toEqual(['committed 5 records\n'])
  })

  it('says no more than a line in 250 ms, and the latest then, even when no other commit comes', () => {
    const { screen, clock, commit } = open(false)
    commit(1)
    clock.advance(100)
    commit(2)
    commit(3)
    expect(screen.writes).toHaveLength(1)
    clock.advance(149)
    expect(screen.writes).toHaveLength(1)
    clock.advance(1)
    expect(screen.writes).toEqual(['committed 1 records\n', 'committed 3 records\n'])
  })

  it('does not repeat itself when a commit brought no records', () => {
    const { screen, clock, report, commit } = open(false)
    commit(4)
    clock.advance(1000)
    commit(4)
    report.stop()
    expect(screen.writes).toEqual(['committed 4 records\n'])
  })

  it('ends with what was committed last, once, and says nothing behind it', () => {
    const { screen, clock, report, commit } = open(false)
    commit(1)
    commit(9)
    report.stop()
    report.stop()
    commit(10)
    clock.advance(10_000)
    expect(screen.writes).toEqual(['committed 1 records\n', 'committed 9 records\n'])
  })

  it('says other lines as they are', () => {
    const { screen, report } = open(false)
    report.line('resumed app from t-0@4')
    expect(screen.writes).toEqual(['resumed app from t-0@4\n'])
  })
})

describe('a report to a terminal', () => {
  it('redraws its bar ten times a second, over itself, from the first commit on', () => {
    const { screen, clock, commit } = open(true)
    clock.advance(1000)
    expect(screen.writes).toEqual([])
    commit(1)
    expect(screen.writes).toEqual([])
    clock.advance(100)
    clock.advance(100)
    expect(screen.writes).toHaveLength(2)
    expect(screen.writes.every((write) => write.startsWith(erase) && !write.includes('\n'))).toBe(true)
  })

  it('shows a pace over the last second or two, which does not fall to nothing between two commits', () => {
    const { screen, clock, commit } = open(true)
    let records = 0
    for (let tenth = 0; tenth < 50; tenth++) {
      if (tenth % 5 === 0) commit((records += 500))
      clock.advance(100)
    }
    const paces = screen.writes.map((write) => Number(/ ([\d,]+)\/s/.exec(write)?.[1]?.replace(',', '')))
    expect(paces).toHaveLength(50)
    expect(Math.min(...paces.slice(20))).toBeGreaterThan(600)
    expect(Math.max(...paces.slice(20))).toBeLessThan(1400)
  })

  it('draws the latest of several commits', () => {
    const { screen, clock, commit } = open(true)
    commit(1)
    commit(77)
    clock.advance(100)
    expect(screen.writes.join('')).toContain('77 records')
  })

  it('makes room for a line', () => {
    const { screen, report } = open(true)
    report.line('warning: late')
    expect(screen.writes).toEqual([`${erase}warning: late\n`])
  })

  it('erases its bar at the end and draws nothing behind it', () => {
    const { screen, clock, report, commit } = open(true)
    commit(1)
    clock.advance(100)
    report.stop()
    clock.advance(1000)
    commit(2)
    clock.advance(1000)
    expect(screen.writes).toHaveLength(2)
    expect(screen.writes[1]).toBe(erase)
  })
})

describe('any report', () => {
  it('outlives a reader that goes away', () => {
    const { screen, report } = open(false)
    expect(() => screen.emit('error', new Error('EPIPE'))).not.toThrow()
    report.line('still here')
    expect(screen.writes).toEqual(['still here\n'])
  })
})
