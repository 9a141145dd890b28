import { cp, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { seededRandom } from '../../../src/core/random.ts'
import { checkDatabase } from '../../../src/state/database-check.ts'
import { levelBackends } from '../../../src/state/level-backend.ts'
import { levelBatch, levelLog } from '../../support/level-files.ts'
import { testSeed } from '../../support/seed.ts'

let directory: string
let path: string
const megabyte = 1024 * 1024
/** Writes tables of 64 KB, so that there are several, and two levels of them. */
const small = levelBackends({ memoryBytes: 160 * 1024 })

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'millrace-database-'))
  path = join(directory, 'store')
})
afterEach(() => rm(directory, { recursive: true, force: true }))

const key = (n: number): Buffer => Buffer.from(`key ${String(n).padStart(6, '0')}`)
const value = (n: number): Buffer => Buffer.from(`value ${n} ${'the same again and again '.repeat(n % 4)}`)

/** A store of `count` rows, written in batches of 50. */
async function fill(count: number, backends = small): Promise<void> {
  const store = await backends.open(path)
  for (let from = 0; from < count; from += 50) {
    await store.batch(Array.from({ length: 50 }, (_, n) => ({ key: key(from + n), value: value(from + n) })))
  }
  await store.close()
}

async function files(kind: RegExp): Promise<string[]> {
  return (await readdir(path)).filter((name) => kind.test(name)).sort()
}

async function flip(name: string, at: number, bit = 1): Promise<void> {
  const bytes = await readFile(join(path, name))
  bytes[at] = (bytes[at] as number) ^ bit
  await writeFile(join(path, name), bytes)
}

/** The rows that the store has, which are the first ones: an older store is a prefix of what was written. */
async function prefix(backends = small): Promise<number> {
  const store = await backends.open(path)
  let rows = 0
  try {
    for await (const [foundKey, foundValue] of store.iterate()) {
      expect([Buffer.from(foundKey), Buffer.from(foundValue)]).toEqual([key(rows), value(rows)])
      rows++
    }
  } finally {
    await store.close()
  }
  return rows
}

describe('the check of a database', () => {
  it('finds nothing wrong with what LevelDB wrote, nor with a directory where none is', async () => {
    const nothing = { damage: null, isHeadless: false, unchecked: [] }
    expect(await checkDatabase(path, megabyte)).toEqual(nothing)
    for (let round = 0; round < 3; round++) {
      await fill(3000)
      expect(await checkDatabase(path, megabyte)).toEqual(nothing)
    }
    expect(await prefix()).toBe(3000)
  })

  it('passes over what no manifest names: a crash leaves it half written, and LevelDB removes it', async () => {
    await fill(3000)
    const [table] = await files(/\.ldb$/)
    await cp(join(path, table as string), join(path, '999999.ldb'))
    await truncate(join(path, '999999.ldb'), 1000)
    expect((await checkDatabase(path, megabyte)).damage).toBeNull()
    expect(await prefix()).toBe(3000)
  })

  it('finds a log that ends badly with another behind it: LevelDB would open that with a hole', async () => {
    await fill(100, levelBackends())
    const [log] = await files(/\.log$/)
    const bytes = await readFile(join(path, log as string))
    const next = `${String(Number.parseInt(log as string, 10) + 7).padStart(6, '0')}.log`
    await writeFile(join(path, next), levelLog([levelBatch(101, key(100), value(100))]))
    expect((await checkDatabase(path, megabyte)).damage).toBeNull()
    await truncate(join(path, log as string), bytes.length - 10)
    expect((await checkDatabase(path, megabyte)).damage).toMatch(/^\d+\.log: its record at \d+ is damaged$/)
    await rm(join(path, log as string))
    expect((await checkDatabase(path, megabyte)).damage).toMatch(/^its log \d+ is missing$/)
    await expect(prefix()).rejects.toMatchObject({ code: 'STORE_CORRUPT' })
  })

  it(`finds every flipped bit of a manifest (seed ${testSeed})`, async () => {
    await fill(3000)
    const [name] = await files(/^MANIFEST/)
    const { length } = await readFile(join(path, name as string))
    const random = seededRandom(testSeed)
    for (let n = 0; n < 60; n++) {
      const at = random.integer(length)
      const bit = 1 << random.integer(8)
      await flip(name as string, at, bit)
      expect((await checkDatabase(path, megabyte)).damage, `bit ${bit} of byte ${at}`).toMatch(/^MANIFEST-\d+ is/)
      await flip(name as string, at, bit)
    }
    expect(await prefix()).toBe(3000)
  })

  it('leaves tables beyond its limit, the oldest ones, unchecked and names them', async () => {
    await fill(9000)
    const all = await checkDatabase(path, 0)
    expect(all.unchecked.length).toBeGreaterThan(2)
    const some = await checkDatabase(path, 1)
    expect(some.unchecked).toEqual(all.unchecked.slice(1))
  })
})

describe('a store with a damaged file', () => {
  it(`is refused by name, or is an older store: never wrong, never with a hole (seed ${testSeed})`, async () => {
    const random = seededRandom(testSeed)
    let refused = 0
    for (let n = 0; n < 15; n++) {
      // Anew each time: what LevelDB had compacted when it was closed differs.
      await fill(3000)
      const names = await files(/\.(ldb|log)$|^MANIFEST/)
      const name = names[random.integer(names.length)] as string
      const { length } = await readFile(join(path, name))
      await flip(name, random.integer(Math.max(1, length - 48)), 1 << random.integer(8))
      const rows = await prefix().catch((error: unknown) => {
        expect(error).toMatchObject({ code: 'STORE_CORRUPT' })
        refused++
        return 0
      })
      expect(rows).toBeLessThanOrEqual(3000)
      await small.destroy(path)
    }
    expect(refused).toBeGreaterThan(0)
  })

  it('is refused until it is put aside, whatever opening it has made of its files', async () => {
    await fill(3000)
    const [name] = await files(/\.ldb$/)
    await flip(name as string, 100)
    const refusal = { code: 'STORE_CORRUPT', message: expect.stringContaining(`${name}: its block at`) }
    await expect(small.open(path)).rejects.toMatchObject(refusal)
    await expect(small.open(path)).rejects.toMatchObject(refusal)
    await small.move(path, join(directory, 'aside'))
    expect(await prefix()).toBe(0)
  })

  it('is not refused for what was found while somebody else had it open', async () => {
    const holder = await small.open(path)
    await holder.batch([{ key: key(0), value: value(0) }])
    const [log] = await files(/\.log$/)
    const bytes = await readFile(join(path, log as string))
    // As if a write were under way, between two others.
    await writeFile(join(path, log as string), Buffer.concat([bytes.fill(7, 20), Buffer.alloc(40_000), bytes]))
    await expect(small.open(path)).rejects.toMatchObject({ code: 'DATA_DIRECTORY_LOCKED' })
    expect(await readdir(path)).not.toContain('DAMAGED')
    await holder.close()
  })

  it('answers STORE_CORRUPT once the damage is found behind the opening', async () => {
    await fill(9000)
    const { unchecked } = await checkDatabase(path, 0)
    await flip(unchecked.at(-1) as string, 100)
    const store = await levelBackends({ verifyBytes: 0 }).open(path)
    const refusal = { code: 'STORE_CORRUPT', message: expect.stringContaining(unchecked.at(-1) as string) }
    await expect
      .poll(() => {
        try {
          return store.getSync(key(8999))
        } catch (error) {
          return error
        }
      })
      .toMatchObject(refusal)
    await expect(store.batch([{ key: key(0), value: null }])).rejects.toMatchObject(refusal)
    await expect(store.iterate()[Symbol.asyncIterator]().next()).rejects.toMatchObject(refusal)
    await store.close()
    await expect(small.open(path)).rejects.toMatchObject({ code: 'STORE_CORRUPT' })
  })
})
