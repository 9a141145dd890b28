import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Level } from 'level'
import { type StreamError, systemCodeOf } from '../core/errors.ts'
import { checkDatabase, type DatabaseCheck, markDamaged, tableFileDamage, unmarkDamaged } from './database-check.ts'
import { corruptStore, levelError } from './level-error.ts'
import type { Mutation, Range, StateBackend, StateBackends } from './state-backend.ts'

type Database = Level<Uint8Array, Uint8Array>

/** How LevelDB is opened. */
export interface LevelOptions {
  /** Written beside each open database, for the message that a second process gets. Default: this process's id. */
  readonly pid?: number
  /** What a database may hold where its opener does not say, bytes; see {@link StateBackends.open}. Default 10 MB. */
  readonly memoryBytes?: number
  /** Bytes of table files, newest first, whose checksums are looked at before the database is opened; the others follow while it is. Default 256 MB. */
  readonly verifyBytes?: number
}

/** On the class in Node, but not in the types of `level`, which also stand for browsers. */
const removeDatabase = (path: string): Promise<void> =>
  (Level as unknown as { destroy(location: string): Promise<void> }).destroy(path)

const megabyte = 1024 * 1024

/** LevelDB takes no smaller write buffer, and there are two of them while one is being written. */
const writeBufferMin = 64 * 1024

/** Entries and bytes that one trip to LevelDB's thread brings back: scans cost by the trip, memory by the bytes. */
const scan = { entries: 1000, highWaterMarkBytes: 256 * 1024 }

/**
 * State on disk in LevelDB, a directory a database. The directory is created when it is not there.
 *
 * LevelDB's own lock on the directory admits one holder; the system frees it when the process dies, however it dies.
 */
export function levelBackends(options: LevelOptions = {}): StateBackends {
  const { pid = process.pid, memoryBytes: memoryBytesDefault = 10 * megabyte, verifyBytes = 256 * megabyte } = options
  const blame = async (error: unknown, path: string) => levelError(error, path, await holderOf(path), pid)

  return {
    async open(path, memoryBytes = memoryBytesDefault) {
      let database: Database
      let check: DatabaseCheck
      try {
        // State is what users told the pipeline: other users of the machine have no business there.
        await mkdir(path, { recursive: true, mode: 0o700 })
        check = await checkDatabase(path, verifyBytes)
        if (check.damage !== null) {
          if (check.isHeadless) throw corruptStore(path, check.damage, null)
          await markDamaged(path, check.damage)
        }
        // Opened in the turn in which it is made: left alone, it opens itself a microtask later, with other sizes.
        database = new Level(path, { keyEncoding: 'view', valueEncoding: 'view' })
        await database.open({ cacheSize: blocksOf(memoryBytes), writeBufferSize: writeBufferOf(memoryBytes) })
      } catch (error) {
        const blamed = await blame(error, path)
        if (blamed.code === 'DATA_DIRECTORY_LOCKED') await unmarkDamaged(path).catch(() => undefined)
        throw blamed
      }
      try {
        await writeFile(pidFile(path), `${pid}\n`)
        // Said only now: of a database that another process writes, nothing that was found means anything.
        if (check.damage !== null) throw corruptStore(path, check.damage, null)
      } catch (error) {
        await rm(pidFile(path), { force: true })
        await database.close()
        throw await blame(error, path)
      }
      return new LevelBackend(database, path, pid, heldBy(memoryBytes), check.unchecked)
    },

    async move(from, to) {
      try {
        await mkdir(dirname(to), { recursive: true })
        await rename(from, to)
        await rm(pidFile(from), { force: true })
      } catch (error) {
        if (systemCodeOf(error) !== 'ENOENT') throw await blame(error, from)
      }
    },

    async destroy(path) {
      try {
        // LevelDB's own removal first: it takes the lock, so that what somebody has open stays.
        await removeDatabase(path)
        await rm(path, { recursive: true, force: true })
        await rm(pidFile(path), { force: true })
      } catch (error) {
        throw await blame(error, path)
      }
    },
  }
}

/**
 * A fifth for blocks of tables, uncompressed, the rest for writes that are not in a table yet: what is read often is among the
 * committed rows that the store keeps, so a larger cache of blocks would hold them twice.
 */
const blocksOf = (memoryBytes: number): number => Math.floor(memoryBytes / 5)
const writeBufferOf = (memoryBytes: number): number => Math.max(writeBufferMin, Math.floor((2 * memoryBytes) / 5))
const heldBy = (memoryBytes: number): number => blocksOf(memoryBytes) + 2 * writeBufferOf(memoryBytes)

class LevelBackend implements StateBackend {
  readonly memoryBytes: number
  private readonly database: Database
  readonly path: string
  private readonly pid: number
  /** What broke a write. Set once, never cleared: see `batch`. */
  private broken: StreamError | null = null
  /** What was found in the files since the opening. Set once, never cleared. */
  private damaged: StreamError | null = null
  private closing: Promise<void> | null = null

  /** @param unchecked table files whose checksums are still to be looked at */
  constructor(database: Database, path: string, pid: number, memoryBytes: number, unchecked: readonly string[]) {
    this.database = database
    this.path = path
    this.pid = pid
    this.memoryBytes = memoryBytes
    // What cannot be read now is told by whoever reads it next.
    this.checkRest(unchecked).catch(() => undefined)
  }

  private async checkRest(unchecked: readonly string[]): Promise<void> {
    for (const name of unchecked) {
      if (this.closing) return
      const damage = await tableFileDamage(this.path, name)
      if (damage !== null) {
        this.damaged = corruptStore(this.path, damage, null)
        return markDamaged(this.path, damage)
      }
    }
  }

  getSync(key: Uint8Array): Uint8Array | undefined {
    if (this.damaged) throw this.damaged
    try {
      return this.database.getSync(key)
    } catch (error) {
      throw this.blame(error)
    }
  }

  /**
   * A failed write may leave half a record in LevelDB's log. What a later write puts behind it could be dropped when
   * the log is read again: a hole in the middle, where only a missing end is allowed. So the first failure is the last
   * write; opening the store again cuts the log there.
   */
  async batch(mutations: Iterable<Mutation>, options: { readonly sync?: boolean } = {}): Promise<void> {
    if (this.broken ?? this.damaged) throw this.broken ?? this.damaged
    try {
      // A chained batch: an array of operations costs 5 us an entry with options and 1 us without, this 0.7 us.
      const batch = this.database.batch()
      for (const { key, value } of mutations) {
        if (value === null) batch.del(key)
        else batch.put(key, value)
      }
      await batch.write({ sync: options.sync === true })
    } catch (error) {
      const blamed = this.blame(error)
      if (blamed.code !== 'ILLEGAL_STATE') this.broken = blamed
      throw blamed
    }
  }

  async *iterate(range: Range = {}): AsyncGenerator<readonly [key: Uint8Array, value: Uint8Array]> {
    if (this.damaged) throw this.damaged
    try {
      const iterator = this.database.iterator({
        ...(range.from ? { gte: range.from } : {}),
        ...(range.to ? { lt: range.to } : {}),
        reverse: range.reverse === true,
        highWaterMarkBytes: scan.highWaterMarkBytes,
      })
      try {
        for (;;) {
          const entries = await iterator.nextv(scan.entries)
          if (entries.length === 0) return
          yield* entries
        }
      } finally {
        await iterator.close()
      }
    } catch (error) {
      throw this.blame(error)
    }
  }

  close(): Promise<void> {
    this.closing ??= this.release()
    return this.closing
  }

  /** The pid goes first: once the lock is free, the file is the next holder's. */
  private async release(): Promise<void> {
    try {
      await rm(pidFile(this.path), { force: true })
    } finally {
      await this.database.close()
    }
  }

  private blame(error: unknown): StreamError {
    return levelError(error, this.path, null, this.pid)
  }
}

function pidFile(path: string): string {
  return `${path}.pid`
}

/**
 * The process that says it holds the database, or null. A file left by a process that is gone says nothing: its
 * successor has the lock and is about to write its own.
 */
async function holderOf(path: string): Promise<number | null> {
  const text = await readFile(pidFile(path), 'utf8').catch(() => '')
  const pid = Number.parseInt(text, 10)
  if (!(pid > 0)) return null
  try {
    process.kill(pid, 0)
  } catch (error) {
    if (systemCodeOf(error) === 'ESRCH') return null
  }
  return pid
}
