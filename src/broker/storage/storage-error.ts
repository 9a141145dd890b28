import { StreamError, systemCodeOf } from '../../core/errors.ts'

/** Turns an error of the system into a named one. Errors that are named already pass through. */
export function storageError(directory: string, error: unknown): unknown {
  const code = systemCodeOf(error)
  if (error instanceof StreamError || code === undefined) return error
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new StreamError(
      'DISK_FULL',
      `the disk of the embedded broker's directory ${directory} is full; free space and start again: nothing acknowledged is lost`,
      { path: directory, cause: error },
    )
  }
  return new StreamError(
    'DATA_DIRECTORY_UNUSABLE',
    `the embedded broker cannot use its directory ${directory} (${(error as Error).message}); give it a directory that this user may read and write`,
    { path: directory, cause: error },
  )
}
