import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { seededRandom } from '../../../src/core/random.ts'
import { levelBackends } from '../../../src/state/level-backend.ts'
import { tableDamage } from '../../../src/state/table-check.ts'
import { testSeed } from '../../support/seed.ts'

let folder: string
const backends = levelBackends({ memoryBytes: 160 * 1024 })

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

describe('the check of table files', () => {
  it('finds nothing wrong with what LevelDB wrote', async () => {
    await fill(5000)
    const tables = await filesOf('.ldb')
    expect(tables.length).toBeGreaterThan(2)
    for (const file of tables) expect(tableDamage(await readFile(file)), file).toBeNull()
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
