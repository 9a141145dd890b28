import { type Clock, sleepOn } from './clock.ts'

/** The real clock of this process. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  timer(delayMs, fire) {
    const handle = setTimeout(fire, delayMs)
    return () => clearTimeout(handle)
  },
  sleep: (delayMs, signal) => sleepOn(systemClock.timer, delayMs, signal),
  yield: () => new Promise((resolve) => setImmediate(resolve)),
}
