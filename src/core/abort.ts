import { setMaxListeners } from 'node:events'

/** An abort that any number may wait for: a job follows hundreds of files, and each waits for its end. */
export function newAbort(): AbortController {
  const abort = new AbortController()
  setMaxListeners(0, abort.signal)
  return abort
}

/**
 * Waits for work whose outcome nobody needs any more once a signal aborts; the work itself goes on.
 * @param reason what is thrown then, by default the signal's reason
 * @throws that, or what the work fails with
 */
export async function unlessAborted<T>(
  work: Promise<T>,
  signal: AbortSignal,
  reason: () => unknown = () => signal.reason,
): Promise<T> {
  let stop = (): void => {}
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(reason())
  })
  if (signal.aborted) stop()
  signal.addEventListener('abort', stop, { once: true })
  try {
    return await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
