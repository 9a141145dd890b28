import type { Clock } from './clock.ts'

/** The real clock of this process. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  timer(delayMs, fire) {
    const handle = setTimeout(fire, delayMs)
    return () => clearTimeout(handle)
  },
  sleep(delayMs, signal) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const aborted = () => {
        clearTimeout(handle)
        reject(signal?.reason)
      }
      const handle = setTimeout(() => {
        signal?.removeEventListener('abort', aborted)
        resolve()
      }, delayMs)
      signal?.addEventListener('abort', aborted, { once: true })
    })
  },
  yield: () => new Promise((resolve) => setImmediate(resolve)),
}
