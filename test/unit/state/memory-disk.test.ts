import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hasCode } from '../../../src/core/errors.ts'
import { seededRandom } from '../../../src/core/random.ts'
import { MemoryDisk } from '../../../src/state/memory-disk.ts'
import type { StateBackend } from '../../../src/state/state-backend.ts'
import { runs } from '../../support/seed.ts'

const at = '/task/store'
const key = (n: number): Uint8Array => Uint8Array.of(n)

/** Batch `n` writes `n` under two keys, so that half a batch would show. */
const write = (store: StateBackend, n: number, sync = false): Promise<void> =>
  store.batch(
    [
      { key: key(0), value: key(n) },
      { key: key(1), value: key(n) },
    ],
    { sync },
  )

const survivor = (store: StateBackend): number => {
  const [first, second] = [store.getSync(key(0))?.[0] ?? 0, store.getSync(key(1))?.[0] ?? 0]
  expect(first).toBe(second)
  return first
}

async function crashed(seed: number, batches: number, syncedAt: number): Promise<number> {
  const disk = new MemoryDisk(seededRandom(seed))
  const store = await disk.backends(1).open(at)
  for (let n = 1; n <= batches; n++) await write(store, n, n === syncedAt)
  disk.crash()
  return survivor(await disk.backends(2).open(at))
}

describe('memory disk', () => {
  it('loses a suffix of whole unsynced batches in a crash, never a synced one', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 8 }), fc.nat({ max: 8 }), async (seed, batches, sync) => {
        const survived = await crashed(seed, batches, sync)
        expect(survived).toBeGreaterThanOrEqual(sync <= batches ? sync : 0)
        expect(survived).toBeLessThanOrEqual(batches)
      }),
      runs(100),
    )
  })

  it('loses everything, something and nothing under different seeds, and the same under one', async () => {
    const outcomes = new Set<number>()
    for (let seed = 0; seed < 60; seed++) outcomes.add(await crashed(seed, 3, 0))
    expect([...outcomes].sort()).toEqual([0, 1, 2, 3])
    expect(await crashed(7, 8, 0)).toBe(await crashed(7, 8, 0))
  })

  it('does not lose after a crash what survived an earlier one', async () => {
    const disk = new MemoryDisk(seededRandom(3))
    const first = await disk.backends(1).open(at)
    for (let n = 1; n <= 5; n++) await write(first, n)
    disk.crash()
    const survived = survivor(await disk.backends(1).open(at))
    disk.crash()
    expect(survivor(await disk.backends(1).open(at))).toBe(survived)
  })

  it('does not lose a deletion that was synced', async () => {
    const disk = new MemoryDisk(seededRandom(3))
    const store = await disk.backends(1).open(at)
    await write(store, 1, true)
    await store.batch([{ key: key(0), value: null }], { sync: true })
    disk.crash()
    expect((await disk.backends(1).open(at)).getSync(key(0))).toBeUndefined()
  })

  it('keeps all that a killed process wrote and frees its locks alone', async () => {
    const disk = new MemoryDisk(seededRandom(1))
    const killed = await disk.backends(1).open(at)
    await disk.backends(2).open('/other')
    await write(killed, 4)
    disk.kill(1)
    expect(survivor(await disk.backends(3).open(at))).toBe(4)
    await expect(disk.backends(3).open('/other')).rejects.toMatchObject({
      code: 'DATA_DIRECTORY_LOCKED',
      context: { pid: 2 },
    })
  })

  it('lets no call of a dead process have an effect', async () => {
    const disk = new MemoryDisk(seededRandom(1))
    const dead = await disk.backends(1).open(at)
    await write(dead, 1, true)
    disk.crash()
    const living = await disk.backends(2).open(at)
    await expect(write(dead, 9)).rejects.toSatisfy((error) => hasCode(error, 'ILLEGAL_STATE'))
    await dead.close()
    expect(survivor(living)).toBe(1)
    await expect(disk.backends(3).open(at)).rejects.toMatchObject({ context: { pid: 2 } })
  })

  it('fails on demand, as often as told, at the path told, without an effect', async () => {
    const disk = new MemoryDisk(seededRandom(1))
    const backends = disk.backends(1)
    const store = await backends.open(at)
    const other = await backends.open('/other')
    const error = new Error('no space')
    disk.failNext({ call: 'batch', path: at, error, times: 2 })
    await write(other, 1)
    await expect(write(store, 1)).rejects.toBe(error)
    await expect(write(store, 1)).rejects.toBe(error)
    expect(survivor(store)).toBe(0)
    await write(store, 2)
    expect(survivor(store)).toBe(2)
    disk.failNext({ call: 'open', error })
    await store.close()
    await expect(backends.open(at)).rejects.toBe(error)
    expect(disk.paths).toEqual(['/other', at])
  })
})
