import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Level } from 'level'
import { messageOf, StreamError } from '../../core/errors.ts'
import { crc32c } from '../../protocol/crc32c.ts'
import type { FactChange } from './broker-storage.ts'
import { storageError } from './storage-error.ts'

/** The key under which a batch leaves {count, checksum} of all facts. Facts themselves never begin with `!`. */
const digestKey = '!digest'

/** The broker's small facts in LevelDB. */
export interface FactStore {
  /** Whether it was created by this call. */
  readonly isNew: boolean
  /** @throws {StreamError} `BROKER_STORAGE_CORRUPT` when a fact is missing or damaged */
  load(): Promise<Map<string, string>>
  /** In the order of the calls; what is asked for while a write is under way goes out as one batch behind it. */
  write(changes: readonly FactChange[], sync: boolean): Promise<void>
  close(): Promise<void>
}

/**
 * Opens `<directory>/facts` and locks it.
 *
 * LevelDB neither verifies blocks when it reads them nor notices a table file that lost keys. So each batch also writes
 * a digest, the number of facts and the exclusive or of the checksums of all of them, and loading computes it anew.
 *
 * @throws {StreamError} `DATA_DIRECTORY_LOCKED`, `BROKER_STORAGE_CORRUPT`, `DATA_DIRECTORY_UNUSABLE`, `DISK_FULL`
 */
export async function openFactStore(directory: string, pid: number): Promise<FactStore> {
  const holderPath = join(directory, 'facts.holder')
  const database = new Level<string, string>(join(directory, 'facts'), {
    keyEncoding: 'utf8',
    valueEncoding: 'utf8',
    writeBufferSize: 8 * 1024 * 1024,
  })
  let isNew: boolean
  try {
    await database.open()
    isNew = (await database.keys({ limit: 1 }).all()).length === 0
    if (isNew) await database.put(digestKey, digestOf(0, 0))
    await writeFile(holderPath, `${pid}\n`, { mode: 0o600 })
  } catch (error) {
    await database.close().catch(() => {})
    throw await factError(directory, holderPath, error)
  }
  return new LevelFacts(directory, database, isNew)
}

class LevelFacts implements FactStore {
  readonly isNew: boolean
  private readonly directory: string
  private readonly database: Level<string, string>
  private readonly checksums = new Map<string, number>()
  private total = 0
  private queued: { changes: FactChange[]; sync: boolean; done: Promise<void> } | null = null
  private writing: Promise<void> = Promise.resolve()

  constructor(directory: string, database: Level<string, string>, isNew: boolean) {
    this.directory = directory
    this.database = database
    this.isNew = isNew
  }

  async load(): Promise<Map<string, string>> {
    const facts = new Map<string, string>()
    try {
      for await (const [key, value] of this.database.iterator()) facts.set(key, value)
    } catch (error) {
      throw corrupt(this.directory, messageOf(error), error)
    }
    const digest = facts.get(digestKey)
    facts.delete(digestKey)
    for (const [key, value] of facts) this.account(key, value)
    if (digest !== digestOf(this.checksums.size, this.total)) {
      throw corrupt(this.directory, 'its entries do not add up to the digest that was written with them')
    }
    return facts
  }

  write(changes: readonly FactChange[], sync: boolean): Promise<void> {
    if (this.queued) {
      this.queued.changes.push(...changes)
      this.queued.sync ||= sync
      return this.queued.done
    }
    const next = { changes: [...changes], sync, done: this.writing }
    next.done = this.writing.then(() => {
      this.queued = null
      return this.writeNow(next.changes, next.sync)
    })
    this.queued = next
    this.writing = next.done
    return next.done
  }

  private async writeNow(changes: readonly FactChange[], sync: boolean): Promise<void> {
    const last = new Map(changes.map(({ key, value }) => [key, value]))
    for (const [key, value] of last) this.account(key, value)
    last.set(digestKey, digestOf(this.checksums.size, this.total))
    const operations = [...last].map(([key, value]) =>
      value === null ? { type: 'del' as const, key } : { type: 'put' as const, key, value },
    )
    try {
      await this.database.batch(operations, { sync })
    } catch (error) {
      throw await factError(this.directory, null, error)
    }
  }

  private account(key: string, value: string | null): void {
    const known = this.checksums.get(key)
    if (known !== undefined) this.total ^= known
    if (value === null) {
      this.checksums.delete(key)
      return
    }
    const bytes = Buffer.from(`${key}\n${value}`)
    const checksum = crc32c(bytes, 0, bytes.length)
    this.checksums.set(key, checksum)
    this.total ^= checksum
  }

  async close(): Promise<void> {
    await this.writing.catch(() => {})
    await this.database.close()
  }
}

const digestOf = (count: number, total: number): string => `${count} ${(total >>> 0).toString(16)}`

async function factError(directory: string, holderPath: string | null, error: unknown): Promise<unknown> {
  const codes = codesOf(error)
  const text = textsOf(error)
  if (codes.includes('LEVEL_LOCKED')) {
    const holder = holderPath && (await readFile(holderPath, 'utf8').catch(() => '')).trim()
    return new StreamError(
      'DATA_DIRECTORY_LOCKED',
      `the embedded broker's directory ${directory} is in use by another process${holder ? ` (pid ${holder})` : ''}; stop that process, connect to it as a broker, or choose another directory`,
      { path: directory, cause: error },
    )
  }
  if (/no space left|quota exceeded/i.test(text)) {
    return storageError(directory, Object.assign(new Error(text), { code: 'ENOSPC' }))
  }
  if (/permission denied|read-only file system/i.test(text)) {
    return storageError(directory, Object.assign(new Error(text), { code: 'EACCES' }))
  }
  return codes.some((code) => code.startsWith('LEVEL_'))
    ? corrupt(directory, text, error)
    : storageError(directory, error)
}

function corrupt(directory: string, found: string, cause?: unknown): StreamError {
  return new StreamError(
    'BROKER_STORAGE_CORRUPT',
    `the embedded broker's database in ${directory} is corrupt (${found}); restore the directory from a backup, or move it away to begin with an empty broker`,
    { path: directory, cause },
  )
}

/** An error's codes and those of its causes: level wraps what LevelDB says. */
function codesOf(error: unknown): string[] {
  const codes: string[] = []
  for (let at = error; at instanceof Error; at = at.cause) codes.push(String((at as { code?: unknown }).code ?? ''))
  return codes
}

function textsOf(error: unknown): string {
  const texts: string[] = []
  for (let at = error; at instanceof Error; at = at.cause) texts.push(at.message)
  return texts.join(': ')
}
