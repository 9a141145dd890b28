import { hasCode, StreamError } from '../core/errors.ts'
import { levelBackends } from './level-backend.ts'
import { nameHolder } from './locked-store.ts'
import type { StateBackend, StateBackends } from './state-backend.ts'

/** A directory that nobody else can lock until it is released. */
export interface DirectoryLock {
  /** Lets the next one in. Idempotent. */
  release(): Promise<void>
}

/** Who locks, and with what. */
export interface DirectoryLockOptions {
  /** This process's id: what a second one is told. */
  readonly pid: number
  /** Where the small database is opened. Default: on disk. */
  readonly backends?: StateBackends
}

/**
 * Takes a directory for this process alone, creating it where it is not there.
 *
 *     <directory>/lock/       a LevelDB database without contents; its own lock is the lock
 *     <directory>/lock.pid    the holder's process id, for the message that others get
 *
 * The system frees the lock when the process ends, by kill -9 too, so there is no stale lock to clear away.
 *
 * @throws {StreamError} `DATA_DIRECTORY_LOCKED` with the directory and the holder's pid, `DATA_DIRECTORY_UNUSABLE`, `DISK_FULL`
 */
export async function lockDirectory(directory: string, options: DirectoryLockOptions): Promise<DirectoryLock> {
  const { pid, backends = levelBackends({ pid, memoryBytes: 0 }) } = options
  const path = `${directory}/lock`
  let database: StateBackend
  try {
    database = await backends.open(path).catch((error) => reopenDamaged(error, backends, path))
  } catch (error) {
    throw hasCode(error, 'DATA_DIRECTORY_LOCKED') ? inUse(directory, error, pid) : error
  }
  return { release: () => database.close() }
}

/** A damaged lock has nothing to lose, so it keeps nobody out: it is made anew. */
async function reopenDamaged(error: unknown, backends: StateBackends, path: string): Promise<StateBackend> {
  if (!hasCode(error, 'STORE_CORRUPT')) throw error
  await backends.destroy(path)
  return backends.open(path)
}

function inUse(directory: string, error: StreamError, pid: number): StreamError {
  const holder = error.context.pid ?? null
  return new StreamError(
    'DATA_DIRECTORY_LOCKED',
    `the data directory ${directory} is in use by ${nameHolder(holder, pid)}; stop that process, or choose another directory with --data-dir`,
    { ...error.context, path: directory, cause: error },
  )
}
