import { type Clock, sleepOn } from '../../src/core/clock.ts'

/** Watches what waits for a clock from now on. @returns what is set and has neither fired nor been cancelled, by its milliseconds */
export function pendingTimers(clock: Clock): ReadonlySet<{ readonly delayMs: number }> {
  const pending = new Set<{ readonly delayMs: number }>()
  const set = clock.timer.bind(clock)
  const timer: Clock['timer'] = (delayMs, fire) => {
    const one = { delayMs }
    pending.add(one)
    const cancel = set(delayMs, () => {
      pending.delete(one)
      fire()
    })
    return () => {
      pending.delete(one)
      cancel()
    }
  }
  Object.assign(clock, { timer, sleep: (ms: number, signal?: AbortSignal) => sleepOn(timer, ms, signal) })
  return pending
}
