/** Cancels what it was returned for; calling it again does nothing. */
export type Cancel = () => void

/**
 * Port 1: time. Nothing else in the engine reads a clock or sets a timer, so that a simulation can own both.
 */
export interface Clock {
  /** Epoch milliseconds. May jump; used for timestamps of records and for what is shown. */
  now(): number
  /** Milliseconds from an arbitrary origin, never backwards. Used for deadlines and intervals. */
  monotonicMs(): number
  /** Calls `fire` once, `delayMs` from now. Keeps the process alive until then, unless it is cancelled. */
  timer(delayMs: number, fire: () => void): Cancel
  /** Resolves `delayMs` from now; rejects with the signal's reason when it aborts first. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>
  /** Resolves in a later macrotask, so that sockets and timers get their turn (X20). */
  yield(): Promise<void>
}

/** A point in monotonic time after which a request is given up. */
export type DeadlineMs = number

/** The sleep of a clock that has timers: see {@link Clock.sleep}. */
export function sleepOn(timer: Clock['timer'], delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const aborted = (): void => {
      cancel()
      reject(signal?.reason)
    }
    const cancel = timer(delayMs, () => {
      signal?.removeEventListener('abort', aborted)
      resolve()
    })
    signal?.addEventListener('abort', aborted, { once: true })
  })
}

/** Waits for work, for so many milliseconds at most. @returns whether it is done @throws what it fails with by then */
export async function within(clock: Clock, milliseconds: number, work: Promise<unknown>): Promise<boolean> {
  let cancel: Cancel = () => {}
  const limit = new Promise<false>((resolve) => {
    cancel = clock.timer(milliseconds, () => resolve(false))
  })
  try {
    return await Promise.race([work.then(() => true), limit])
  } finally {
    // Left alone the timer would keep the process alive.
    cancel()
  }
}

/** @returns milliseconds left until the deadline, at least 0. */
export function remainingMs(clock: Clock, deadline: DeadlineMs): number {
  return Math.max(0, deadline - clock.monotonicMs())
}
