import { messageOf, StreamError, systemCodeOf } from '../core/errors.ts'
import { lockedStore } from './locked-store.ts'

/**
 * What LevelDB or the system said about the database at `path`, as an error of the engine.
 *
 * @param holder the process that has the database open, where it is known
 * @param pid this process
 */
export function levelError(error: unknown, path: string, holder: number | null, pid: number): StreamError {
  if (error instanceof StreamError) return error
  const { code, said } = rootOf(error)
  if (code === 'LEVEL_LOCKED') return lockedStore(path, holder, pid, error)
  if (code === 'LEVEL_CORRUPTION') return corruptStore(path, said, error)
  if (code === 'LEVEL_DATABASE_NOT_OPEN' || code === 'LEVEL_ITERATOR_NOT_OPEN') {
    return new StreamError('ILLEGAL_STATE', `the store at ${path} is closed: it takes no more calls`, {
      path,
      cause: error,
    })
  }
  if (code === 'ENOSPC' || code === 'EDQUOT' || /No space left|Disk quota/i.test(said)) {
    return new StreamError(
      'DISK_FULL',
      `the disk is full: the store at ${path} cannot be written; free some space and start again, nothing is lost (${said})`,
      { path, cause: error },
    )
  }
  // LevelDB says of a file that its own books name, and that is gone, what it says of any failed call.
  if (code === 'LEVEL_IO_ERROR' && /No such file/i.test(said)) return corruptStore(path, said, error)
  return new StreamError(
    'DATA_DIRECTORY_UNUSABLE',
    `the store at ${path} cannot be used: this process must be able to create, read and write files there; ` +
      `check who owns the directory and its permissions, or choose another one (${said})`,
    { path, cause: error },
  )
}

/** A store whose files contradict each other. */
export function corruptStore(path: string, said: string, cause: unknown): StreamError {
  return new StreamError(
    'STORE_CORRUPT',
    `the store at ${path} is damaged and cannot be read (${said}); move the directory away, its contents can be restored`,
    { path, ...(cause === null ? {} : { cause }) },
  )
}

/** `level` wraps what went wrong in opening into an error that only says so. */
function rootOf(error: unknown): { code: string | undefined; said: string } {
  const cause = error instanceof Error ? error.cause : undefined
  const root = cause ?? error
  return { code: systemCodeOf(root), said: messageOf(root) }
}
