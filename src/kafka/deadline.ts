import { type Clock, type DeadlineMs, remainingMs } from '../core/clock.ts'
import { StreamError } from '../core/errors.ts'

/**
 * Settles as `work` does, unless the deadline comes first.
 *
 * @param onTimeout told once, before the rejection: the place to break what is still under way
 * @throws {StreamError} `REQUEST_TIMED_OUT`, action `retry`
 */
export function withDeadline<T>(
  clock: Clock,
  deadline: DeadlineMs,
  what: string,
  work: Promise<T>,
  onTimeout?: () => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.timer(remainingMs(clock, deadline), () => {
      reject(timedOut(what))
      onTimeout?.()
    })
    work.then(
      (value) => {
        cancel()
        resolve(value)
      },
      (error: unknown) => {
        cancel()
        reject(error)
      },
    )
  })
}

/** What a request fails with when its deadline has passed. */
export function timedOut(what: string): StreamError {
  return new StreamError('REQUEST_TIMED_OUT', `${what} was not answered in time; check the broker and the network`, {
    action: 'retry',
    api: what,
  })
}
