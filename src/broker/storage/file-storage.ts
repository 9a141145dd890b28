import { constants } from 'node:fs'
import { access, mkdir, readdir, rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { StreamError, systemCodeOf } from '../../core/errors.ts'
import type { BrokerStorage } from './broker-storage.ts'
import { openFactStore } from './fact-store.ts'
import { FileSegment, OpenFiles } from './file-segment.ts'
import { storageError } from './storage-error.ts'

/**
 * The broker's storage in a directory, created where there is none:
 *
 *     <directory>/facts/                                    LevelDB: topics, groups, offsets, transaction states
 *     <directory>/facts.holder                              the pid of the process that has them open
 *     <directory>/logs/<topic id>/<partition>/<first offset, 20 digits>.log     record batches, one behind the other
 *
 * LevelDB's own lock on `facts` guards all of it; the system frees it when the process dies, however it dies.
 *
 * @throws {StreamError} `DATA_DIRECTORY_LOCKED` when another process holds it, `DATA_DIRECTORY_UNUSABLE` when it cannot
 * be created or written, `BROKER_STORAGE_CORRUPT` when the facts cannot be read, `DISK_FULL`
 */
export async function openFileStorage(directory: string, pid: number): Promise<BrokerStorage> {
  const logsPath = join(directory, 'logs')
  try {
    await mkdir(logsPath, { recursive: true, mode: 0o700 })
    await access(directory, constants.W_OK)
    await access(logsPath, constants.W_OK)
  } catch (error) {
    throw storageError(directory, error)
  }
  const facts = await openFactStore(directory, pid)
  const files = new OpenFiles(directory)
  const guarded = async <T>(effect: () => Promise<T>): Promise<T> => {
    try {
      return await effect()
    } catch (error) {
      throw storageError(directory, error)
    }
  }
  const logs = () =>
    guarded(async () => {
      const found: string[] = []
      for (const topicId of await foldersIn(logsPath, /^[0-9a-f]{32}$/))
        for (const partition of await foldersIn(join(logsPath, topicId), /^\d+$/)) found.push(`${topicId}/${partition}`)
      return found
    })
  try {
    if (facts.isNew && (await logs()).length > 0) throw factsMissing(directory)
  } catch (error) {
    await facts.close()
    throw error
  }
  return {
    location: directory,
    facts: () => facts.load(),
    writeFacts: (changes, options) => facts.write(changes, options?.sync ?? false),
    logs,
    segments: (log) =>
      guarded(async () => {
        const names = await ifThere(readdir(join(logsPath, log)), [])
        return names
          .filter((name) => /^\d{20}\.log$/.test(name))
          .map((name) => Number(name.slice(0, 20)))
          .sort((a, b) => a - b)
      }),
    openSegment: (log, baseOffset) =>
      guarded(async () => {
        const folder = join(logsPath, log)
        await mkdir(folder, { recursive: true, mode: 0o700 })
        return FileSegment.open(files, folder, segmentName(baseOffset))
      }),
    removeSegment: (log, baseOffset) => guarded(() => files.remove(join(logsPath, log, segmentName(baseOffset)))),
    removeLog: (log) =>
      guarded(async () => {
        const folder = join(logsPath, log)
        for (const name of await ifThere(readdir(folder), [])) await files.remove(join(folder, name))
        await rm(folder, { recursive: true, force: true })
        // The topic's folder goes with its last partition.
        await rmdir(join(folder, '..')).catch(() => {})
      }),
    close: async () => {
      await files.closeAll()
      await facts.close()
    },
  }
}

const segmentName = (baseOffset: number): string => `${String(baseOffset).padStart(20, '0')}.log`

/** Folders with a name of our own making: what else lies there must neither keep the broker from starting nor be removed. */
async function foldersIn(path: string, names: RegExp): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true })
  return entries.filter((entry) => entry.isDirectory() && names.test(entry.name)).map(({ name }) => name)
}

async function ifThere<T>(found: Promise<T>, otherwise: T): Promise<T> {
  try {
    return await found
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return otherwise
    throw error
  }
}

function factsMissing(directory: string): StreamError {
  return new StreamError(
    'BROKER_STORAGE_CORRUPT',
    `the embedded broker's directory ${directory} holds logs, but its facts (topics, offsets) are gone; restore the directory from a backup, or move it away to begin anew`,
    { path: directory },
  )
}
