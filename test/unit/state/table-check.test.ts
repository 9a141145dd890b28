import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { seededRandom } from '../../../src/core/random.ts'
import { levelBackends } from '../../../src/state/level-backend.ts'
import { logDamage, tableDamage } from '../../../src/state/table-check.ts'
import { testSeed } from '../../support/seed.ts'

let folder: string
const backends = levelBackends({ writeBufferBytes: 64 * 1024 })

beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'millrace-table-')), 'store')
})
afterEach(() => rm(join(folder, '..'), { recursive: true, force: true }))

const key = (n: number): Buffer => Buffer.from(`key ${String(n).padStart(6, '0')}`)
const value = (n: number): Buffer => Buffer.from(`value ${n} ${'the same again and again '.repeat(n % 4)}`)

/** A store of `count` rows, written in batches of 50. */
async function fill(count: number): Promise<void> {
  const store = await backends.open(folder)
  for (let from = 0; from < count; from += 50) {
    await store.batch(Array.from({ length: 50 }, (_, n) => ({ key: key(from + n), value: value(from + n) })))
  }
  await store.close()
}

const filesOf = async (kind: string): Promise<string[]> =>
  (await readdir(folder)).filter((name) => name.endsWith(kind)).map((name) => join(folder, name))

/** The rows that the store has, from the first on: an older store is a prefix of what was written. */
async function prefix(): Promise<number> {
  const store = await backends.open(folder)
  let rows = 0
  for await (const [foundKey, foundValue] of store.iterate()) {
    expect([Buffer.from(foundKey), Buffer.from(foundValue)]).toEqual([key(rows), value(rows)])
    rows++
  }
  await store.close()
  return rows
}

describe('the check of table files', () => {
  it('finds nothing wrong with what LevelDB wrote', async () => {
    await fill(5000)
    const tables = await filesOf('.ldb')
    expect(tables.length).toBeGreaterThan(2)
    for (const file of tables) expect(tableDamage(await readFile(file)), file).toBeNull()
    for (const file of await filesOf('.log')) expect(logDamage(await readFile(file)), file).toBeNull()
  })

  it(`finds every single flipped bit of a table but those that no reader looks at (seed ${testSeed})`, async () => {
    await fill(5000)
    const [file] = await filesOf('.ldb')
    const bytes = await readFile(file as string)
    const random = seededRandom(testSeed)
    // The footer is padded behind its two handles: flips there change nothing.
    const limit = bytes.length - 48
    for (let n = 0; n < 400; n++) {
      const at = random.integer(limit)
      const bit = 1 << random.integer(8)
      bytes[at] = (bytes[at] as number) ^ bit
      expect(tableDamage(bytes), `bit ${bit} of byte ${at}`).not.toBeNull()
      bytes[at] = (bytes[at] as number) ^ bit
    }
    expect(tableDamage(bytes)).toBeNull()
  })

  it('names a table that was cut off, or is none', async () => {
    await fill(2000)
    const bytes = await readFile((await filesOf('.ldb'))[0] as string)
    expect(tableDamage(bytes.subarray(0, 20))).toMatch(/footer/)
    expect(tableDamage(bytes.subarray(0, bytes.length - 9))).toMatch(/footer/)
  })
})

describe('a store with a damaged file', () => {
  it(`is refused by name, or is an older store: never wrong, never with a hole (seed ${testSeed})`, async () => {
    await fill(3000)
    const random = seededRandom(testSeed)
    const files = [...(await filesOf('.ldb')), ...(await filesOf('.log'))]
    let refused = 0
    for (let n = 0; n < 40; n++) {
      const saved = new Map(
        await Promise.all((await readdir(folder)).map(async (f) => [f, await readFile(join(folder, f))] as const)),
      )
      const file = files[random.integer(files.length)] as string
      const bytes = await readFile(file)
      const at = random.integer(Math.max(1, bytes.length - 48))
      bytes[at] = (bytes[at] as number) ^ (1 << random.integer(8))
      await writeFile(file, bytes)
      const rows = await prefix().catch((error: unknown) => {
        expect(error).toMatchObject({ code: 'STORE_CORRUPT' })
        refused++
        return 0
      })
      expect(rows).toBeLessThanOrEqual(3000)
      await rm(folder, { recursive: true })
      const { mkdir } = await import('node:fs/promises')
      await mkdir(folder)
      for (const [name, content] of saved) await writeFile(join(folder, name), content)
    }
    expect(refused).toBeGreaterThan(0)
  })
})
