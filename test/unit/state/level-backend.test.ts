import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { lockDirectory } from '../../../src/state/directory-lock.ts'
import { levelBackends } from '../../../src/state/level-backend.ts'

describe('LevelDB backend', () => {
  let directory: string
  let path: string
  const backends = levelBackends()

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'level-'))
    path = join(directory, 'store')
  })
  afterEach(() => rm(directory, { recursive: true, force: true }))

  /** A store with some rows in a table file, closed. */
  async function filled(): Promise<void> {
    const small = levelBackends({ memoryBytes: 160 * 1024 })
    const store = await small.open(path)
    const value = new Uint8Array(1000)
    for (let n = 0; n < 200; n++) await store.batch([{ key: Uint8Array.of(n), value }])
    await store.close()
    // Reopening turns what is left of the log into a table.
    await (await small.open(path)).close()
  }
  const tables = async () => (await readdir(path)).filter((name) => name.endsWith('.ldb'))

  it('names the holder by the pid file beside the open database, which goes when it closes', async () => {
    const store = await levelBackends({ pid: process.pid }).open(path)
    expect(await readFile(`${path}.pid`, 'utf8')).toBe(`${process.pid}\n`)
    await expect(backends.open(path)).rejects.toMatchObject({
      code: 'DATA_DIRECTORY_LOCKED',
      context: { path, pid: process.pid },
      message: expect.stringContaining('this very process'),
    })
    await store.close()
    expect(await readdir(directory)).toEqual(['store'])
  })

  it('makes directories that only their owner can look into', async () => {
    const store = await backends.open(join(directory, 'app', 'store'))
    await store.close()
    for (const made of ['app', 'app/store']) expect((await stat(join(directory, made))).mode & 0o777).toBe(0o700)
  })

  it('does not name a process that is gone', async () => {
    const store = await backends.open(path)
    await writeFile(`${path}.pid`, `${spawnSync(process.execPath, ['--version']).pid}\n`)
    await expect(backends.open(path)).rejects.toMatchObject({
      code: 'DATA_DIRECTORY_LOCKED',
      message: expect.stringContaining('another process'),
    })
    await store.close()
  })

  it.each([
    ['a CURRENT that names no manifest', async () => writeFile(join(path, 'CURRENT'), 'MANIFEST-999999\n')],
    ['a CURRENT of junk', async () => writeFile(join(path, 'CURRENT'), 'junk')],
    ['a missing CURRENT', async () => rm(join(path, 'CURRENT'))],
    ['a missing table', async () => rm(join(path, (await tables())[0] as string))],
  ])('answers STORE_CORRUPT for %s', async (_what, damage) => {
    await filled()
    await damage()
    await expect(backends.open(path)).rejects.toMatchObject({ code: 'STORE_CORRUPT', context: { path } })
    // Nothing is open behind the error.
    await backends.destroy(path)
    await (await backends.open(path)).close()
  })

  it('holds as much in memory as it is told before it writes a table', async () => {
    const tablesAfter = async (memoryBytes: number): Promise<number> => {
      const store = await backends.open(path, memoryBytes)
      expect(store.memoryBytes).toBeLessThanOrEqual(memoryBytes)
      for (let n = 0; n < 30; n++) await store.batch([{ key: Uint8Array.of(n), value: randomBytes(10_000) }])
      const count = (await tables()).length
      await store.close()
      await backends.destroy(path)
      return count
    }
    expect(await tablesAfter(4 * 1024 * 1024)).toBe(0)
    expect(await tablesAfter(160 * 1024)).toBeGreaterThan(0)
  })

  it('answers STORE_CORRUPT from reads that meet a damaged table', async () => {
    await filled()
    for (const table of await tables()) {
      const bytes = await readFile(join(path, table))
      await writeFile(join(path, table), bytes.fill(0xff, bytes.length - 48))
    }
    // Beyond what is checked before the opening, or damaged later.
    const store = await levelBackends({ verifyBytes: 0 }).open(path)
    expect(() => store.getSync(Uint8Array.of(1))).toThrowError(expect.objectContaining({ code: 'STORE_CORRUPT' }))
    await expect(store.iterate()[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'STORE_CORRUPT' })
    await store.close()
    await expect(backends.open(path)).rejects.toMatchObject({ code: 'STORE_CORRUPT' })
  })

  it('answers DATA_DIRECTORY_UNUSABLE where a file stands in the way', async () => {
    await writeFile(path, 'a file')
    await expect(backends.open(path)).rejects.toMatchObject({ code: 'DATA_DIRECTORY_UNUSABLE', context: { path } })
    await expect(backends.open(join(path, 'below'))).rejects.toMatchObject({ code: 'DATA_DIRECTORY_UNUSABLE' })
  })

  it('does not move a store over another', async () => {
    await filled()
    const other = join(directory, 'other')
    await mkdir(join(other, 'something'), { recursive: true })
    await expect(backends.move(path, other)).rejects.toMatchObject({ code: 'DATA_DIRECTORY_UNUSABLE' })
    expect(await tables()).not.toEqual([])
  })

  it('locks a directory with a database of its own, freed by release', async () => {
    const lock = await lockDirectory(directory, { pid: process.pid })
    await expect(lockDirectory(directory, { pid: process.pid })).rejects.toMatchObject({
      code: 'DATA_DIRECTORY_LOCKED',
      context: { path: directory, pid: process.pid },
    })
    await lock.release()
    await (await lockDirectory(directory, { pid: process.pid })).release()
  })
})
