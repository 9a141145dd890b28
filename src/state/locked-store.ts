import { StreamError } from '../core/errors.ts'

/**
 * A database that is open elsewhere.
 *
 * @param holder the process that has it open, null where that is not known
 * @param pid this process
 */
export function lockedStore(path: string, holder: number | null, pid: number, cause?: unknown): StreamError {
  const by = nameHolder(holder, pid)
  return new StreamError(
    'DATA_DIRECTORY_LOCKED',
    `the store at ${path} is already open in ${by}; stop that process, or give this one another data directory`,
    { path, ...(cause === undefined ? {} : { cause }), ...(holder === null ? {} : { pid: holder }) },
  )
}

/** The holder of a lock, for a sentence. */
export function nameHolder(holder: number | null, pid: number): string {
  if (holder === null) return 'another process'
  return holder === pid ? `this very process (pid ${pid})` : `process ${holder}`
}
