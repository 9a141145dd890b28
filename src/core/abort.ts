import { setMaxListeners } from 'node:events'

/** An abort that any number may wait for: a job follows hundreds of files, and each waits for its end. */
export function newAbort(): AbortController {
  const abort = new AbortController()
  setMaxListeners(0, abort.signal)
  return abort
}
