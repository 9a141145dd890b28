import { messageOf, StreamError, systemCodeOf } from '../core/errors.ts'
import type { FileSystem } from '../core/file-system.ts'
import type { Logger } from '../core/logger.ts'
import type { Random } from '../core/random.ts'
import { type DirectoryLock, lockDirectory } from '../state/directory-lock.ts'
import type { StateBackends } from '../state/state-backend.ts'

/**
 * An application's part of the data directory, taken by this process:
 *
 *     <data-dir>/<app-id>/lock          the lock, with the holder's pid beside it
 *     <data-dir>/<app-id>/instance-id   who this process is to its group, over restarts (X12)
 *     <data-dir>/<app-id>/stores/       <store>/<partition>: a directory each
 */
export interface AppDirectory {
  readonly instanceId: string
  readonly stateDirectory: string
  /** Lets the next process in. Idempotent. */
  release(): Promise<void>
}

/** What an application's directory is opened with. */
export interface AppDirectoryParts {
  readonly dataDirectory: string
  readonly appId: string
  /** Given by the user; else read from the directory, or made. */
  readonly instanceId?: string | undefined
  readonly files: FileSystem
  readonly logger: Logger
  readonly random: Random
  readonly pid: number
  readonly backends: StateBackends
}

/**
 * Takes an application's directory.
 * @throws {StreamError} `DATA_DIRECTORY_LOCKED` naming the directory and the holder, `DATA_DIRECTORY_UNUSABLE`, `DISK_FULL`
 */
export async function openAppDirectory(parts: AppDirectoryParts): Promise<AppDirectory> {
  const { files, dataDirectory, appId, pid, backends } = parts
  const path = `${await files.resolve(dataDirectory)}/${appId}`
  let lock: DirectoryLock | null = null
  try {
    await files.makeDirectory(path)
    lock = await lockDirectory(path, { pid, backends })
    const instanceId = parts.instanceId ?? (await ownInstanceId(parts, path))
    const held = lock
    return { instanceId, stateDirectory: `${path}/stores`, release: () => held.release() }
  } catch (error) {
    await lock?.release()
    throw unusable(path, error)
  }
}

async function ownInstanceId({ files, random }: AppDirectoryParts, path: string): Promise<string> {
  const file = `${path}/instance-id`
  if (await files.stat(file)) {
    const known = (await files.readText(file)).trim()
    if (known !== '') return known
  }
  const fresh = random.uuid()
  await files.writeText(file, `${fresh}\n`)
  return fresh
}

function unusable(path: string, error: unknown): unknown {
  const code = systemCodeOf(error)
  if (error instanceof StreamError || code === undefined) return error
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new StreamError(
      'DISK_FULL',
      `the disk of ${path} is full; free some space, or choose another directory with --data-dir`,
      {
        path,
        cause: error,
      },
    )
  }
  const isForbidden = code === 'EACCES' || code === 'EPERM'
  const remedy = isForbidden ? 'give this user the right to write there, or choose another' : 'choose another'
  return new StreamError(
    'DATA_DIRECTORY_UNUSABLE',
    `the data directory ${path} cannot be used (${messageOf(error)}); ${remedy} with --data-dir`,
    { path, cause: error },
  )
}
