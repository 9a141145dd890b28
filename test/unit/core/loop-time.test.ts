import { describe, expect, it } from 'vitest'
import { LoopTime } from '../../../src/core/loop-time.ts'
import { pendingTimers } from '../../support/pending-timers.ts'
import { SteppedClock } from '../../support/stepped-clock.ts'

function loopTime() {
  const clock = new SteppedClock()
  const pending = pendingTimers(clock)
  const fired: string[] = []
  const time = new LoopTime(clock)
  const run = (ms: number): void => {
    for (let gone = 0; gone < ms; gone += 100) clock.advance(100)
  }
  return { clock, pending, fired, time, run }
}

describe('the time of a broker', () => {
  it('fires once, when the process has run for that long', () => {
    const { time, fired, run, pending } = loopTime()
    time.timer(1000, () => fired.push('a'))
    run(900)
    expect(fired).toEqual([])
    run(5000)
    expect(fired).toEqual(['a'])
    expect([...pending]).toEqual([])
  })

  it('leaves out what the process stood still for', () => {
    const { clock, time, fired, run } = loopTime()
    time.timer(1000, () => fired.push('a'))
    run(500)
    clock.oversleep(60_000)
    expect(fired).toEqual([])
    run(1000)
    expect(fired).toEqual(['a'])
  })

  it('fires nothing that was cancelled, and holds no timer for it', () => {
    const { time, fired, run, pending } = loopTime()
    time.timer(1000, () => fired.push('a'))()
    run(2000)
    expect(fired).toEqual([])
    expect([...pending]).toEqual([])
  })

  it('fires nothing and holds no timer once it is closed, nor for what is set after that', () => {
    const { time, fired, run, pending } = loopTime()
    const cancel = time.timer(1000, () => fired.push('a'))
    time.close()
    expect([...pending]).toEqual([])
    time.timer(1000, () => fired.push('b'))()
    time.timer(1000, () => fired.push('c'))
    expect([...pending]).toEqual([])
    run(5000)
    cancel()
    time.close()
    expect(fired).toEqual([])
  })
})
