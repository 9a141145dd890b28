import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { hasCode } from '../../src/core/errors.ts'
import type { Mutation, Range, StateBackend, StateBackends } from '../../src/state/state-backend.ts'
import { runs } from '../support/seed.ts'

/** Where the suite's stores are: a fresh place for each test. */
export interface StateBackendWorld {
  readonly backends: StateBackends
  /** A path at which nothing is yet. */
  readonly path: string
  /** Cleans up. */
  end(): Promise<void>
}

/** What every form of `StateBackends` promises. */
export function stateBackendContract(name: string, begin: () => Promise<StateBackendWorld>): void {
  describe(`state backend: ${name}`, () => {
    let world: StateBackendWorld
    let store: StateBackend

    beforeEach(async () => {
      world = await begin()
      store = await world.backends.open(world.path)
    })
    afterEach(async () => {
      await store.close()
      await world.end()
    })

    it('answers undefined for a key that is not there', () => {
      expect(store.getSync(bytes(1))).toBeUndefined()
    })

    it('reads what a batch wrote, empty values too', async () => {
      await store.batch([put([1], [10, 20]), put([2], [])])
      expect(plain(store.getSync(bytes(1)))).toEqual([10, 20])
      expect(plain(store.getSync(bytes(2)))).toEqual([])
    })

    it('applies a batch in order: the last mutation of a key wins', async () => {
      await store.batch([put([1], [1]), del([1]), put([2], [1]), put([2], [2]), del([3])])
      expect(await all(store)).toEqual([[[2], [2]]])
    })

    it('keeps what it read when the caller changes its copies', async () => {
      const key = bytes(1)
      const value = bytes(7)
      await store.batch([{ key, value }])
      key[0] = 9
      value[0] = 9
      const read = store.getSync(bytes(1)) as Uint8Array
      read[0] = 8
      for await (const [foundKey, found] of store.iterate()) foundKey[0] = found[0] = 5
      expect(await all(store)).toEqual([[[1], [7]]])
    })

    it('takes keys that are views into a larger buffer', async () => {
      const buffer = bytes(0, 1, 2, 3, 4)
      await store.batch([{ key: buffer.subarray(1, 3), value: buffer.subarray(3, 5) }])
      expect(plain(store.getSync(buffer.subarray(1, 3)))).toEqual([3, 4])
    })

    it('takes each mutation as it comes, whatever its bytes are when the next is asked for', async () => {
      const [key, value] = [bytes(0), bytes(0)]
      await store.batch({
        *[Symbol.iterator]() {
          for (let n = 1; n <= 300; n++) {
            key[0] = n & 255
            value[0] = n & 7
            yield { key, value: n % 5 === 0 ? null : value }
          }
          key[0] = value[0] = 99
        },
      })
      const expected = new Map<number, number>()
      for (let n = 1; n <= 300; n++) {
        if (n % 5 === 0) expected.delete(n & 255)
        else expected.set(n & 255, n & 7)
      }
      expect(await all(store)).toEqual([...expected].sort(([a], [b]) => a - b).map(([k, v]) => [[k], [v]]))
    })

    it('iterates in unsigned byte order, a prefix before what it begins', async () => {
      const keys = [[255], [0], [127], [128], [1, 0], [1], [0, 255], [128, 0]]
      await store.batch(keys.map((key) => put(key, key)))
      expect((await all(store)).map(([key]) => key)).toEqual([
        [0],
        [0, 255],
        [1],
        [1, 0],
        [127],
        [128],
        [128, 0],
        [255],
      ])
    })

    it('includes the lower bound of a range and excludes the upper one', async () => {
      await store.batch([1, 2, 3, 4].map((n) => put([n], [n])))
      const keys = async (range: Range) => (await all(store, range)).map(([key]) => key[0])
      expect(await keys({ from: bytes(2), to: bytes(4) })).toEqual([2, 3])
      expect(await keys({ from: bytes(3) })).toEqual([3, 4])
      expect(await keys({ to: bytes(2) })).toEqual([1])
      expect(await keys({ from: bytes(4), to: bytes(2) })).toEqual([])
      expect(await keys({ from: bytes(1, 0), to: bytes(2, 0) })).toEqual([2])
    })

    it('iterates backwards over the same range: the lower bound is in it, the upper one is not', async () => {
      await store.batch([1, 2, 3, 4].map((n) => put([n], [n])))
      const keys = async (range: Range) => (await all(store, { ...range, reverse: true })).map(([key]) => key[0])
      expect(await keys({})).toEqual([4, 3, 2, 1])
      expect(await keys({ from: bytes(2), to: bytes(4) })).toEqual([3, 2])
      expect(await keys({ from: bytes(2, 0), to: bytes(3, 0) })).toEqual([3])
      expect(await keys({ from: bytes(4), to: bytes(2) })).toEqual([])
    })

    it('keeps apart what two iterations see that began before and behind a write', async () => {
      await store.batch([put([1], [1]), put([2], [1])])
      const [before, behind] = [store.iterate(), store.iterate({ reverse: true })].map((one) =>
        one[Symbol.asyncIterator](),
      )
      const seen = async (entries: typeof before) => {
        const next = await entries?.next()
        return next?.done === true ? null : next?.value.map(plain)
      }
      expect(await seen(before)).toEqual([[1], [1]])
      await store.batch([put([2], [2]), put([3], [2])])
      expect([await seen(behind), await seen(behind)]).toEqual([
        [[3], [2]],
        [[2], [2]],
      ])
      expect([await seen(before), await seen(before)]).toEqual([[[2], [1]], null])
      await behind?.return?.()
    })

    it('iterates over the state as it was at the beginning', async () => {
      await store.batch([put([1], [1]), put([2], [1]), put([3], [1])])
      const entries = store.iterate()[Symbol.asyncIterator]()
      const first = await entries.next()
      await store.batch([del([2]), put([3], [2]), put([4], [2])])
      const rest: number[][][] = [first.value.map(plain)]
      for (let next = await entries.next(); !next.done; next = await entries.next()) rest.push(next.value.map(plain))
      expect(rest).toEqual([
        [[1], [1]],
        [[2], [1]],
        [[3], [1]],
      ])
      expect(await all(store)).toEqual([
        [[1], [1]],
        [[3], [2]],
        [[4], [2]],
      ])
    })

    it('iterates over more than one trip brings back', async () => {
      const count = 2500
      await store.batch(Array.from({ length: count }, (_, n) => put([n >> 8, n & 255], [n & 255])))
      expect(await all(store)).toHaveLength(count)
    })

    it('may be iterated only in part, and written and closed after that', async () => {
      await store.batch([put([1], [1]), put([2], [2])])
      for await (const [key] of store.iterate()) {
        expect(plain(key)).toEqual([1])
        break
      }
      await store.batch([put([1], [2])])
      expect(plain(store.getSync(bytes(1)))).toEqual([2])
    })

    it('finds everything again after closing and opening', async () => {
      await store.batch([put([1], [1])])
      await store.batch([put([2], [2])], { sync: true })
      await store.close()
      store = await world.backends.open(world.path)
      expect(await all(store)).toEqual([
        [[1], [1]],
        [[2], [2]],
      ])
    })

    it('refuses a second holder until the first has closed', async () => {
      await expect(world.backends.open(world.path)).rejects.toMatchObject({
        name: 'StreamError',
        code: 'DATA_DIRECTORY_LOCKED',
        context: { path: world.path },
      })
      await store.close()
      store = await world.backends.open(world.path)
    })

    it('does not destroy what is open', async () => {
      await store.batch([put([1], [1])])
      await expect(world.backends.destroy(world.path)).rejects.toSatisfy((error) =>
        hasCode(error, 'DATA_DIRECTORY_LOCKED'),
      )
      expect(plain(store.getSync(bytes(1)))).toEqual([1])
    })

    it('begins empty after destroy, and destroys nothing without complaint', async () => {
      await store.batch([put([1], [1])])
      await store.close()
      await world.backends.destroy(world.path)
      await world.backends.destroy(world.path)
      store = await world.backends.open(world.path)
      expect(await all(store)).toEqual([])
    })

    it('moves a closed store with all that is in it, and nothing without complaint', async () => {
      const other = `${world.path}-away/here`
      await store.batch([put([1], [1])])
      await store.close()
      await world.backends.move(world.path, other)
      await world.backends.move(world.path, `${other}-too`)
      store = await world.backends.open(other)
      expect(await all(store)).toEqual([[[1], [1]]])
      const anew = await world.backends.open(world.path)
      expect(await all(anew)).toEqual([])
      await anew.close()
    })

    it('refuses every call after close, and closes twice', async () => {
      const entries = store.iterate()[Symbol.asyncIterator]()
      await store.batch([put([1], [1])])
      await store.close()
      await store.close()
      const refused = (error: unknown) => hasCode(error, 'ILLEGAL_STATE')
      expect(() => store.getSync(bytes(1))).toThrowError(expect.toSatisfy(refused))
      await expect(store.batch([put([1], [1])])).rejects.toSatisfy(refused)
      await expect(entries.next()).rejects.toSatisfy(refused)
    })

    it('ends an iteration that a close overtakes', async () => {
      await store.batch(Array.from({ length: 3000 }, (_, n) => put([n >> 8, n & 255], [1])))
      let seen = 0
      await expect(async () => {
        for await (const _ of store.iterate()) if (++seen === 1) await store.close()
      }).rejects.toSatisfy((error) => hasCode(error, 'ILLEGAL_STATE'))
      expect(seen).toBeLessThan(3000)
    })

    it('behaves as a sorted map under any operations', async () => {
      const key = fc.uint8Array({ minLength: 1, maxLength: 2, max: 3 })
      const mutation = fc.record({ key, value: fc.option(fc.uint8Array({ maxLength: 3 })) })
      const step = fc.oneof(
        { weight: 6, arbitrary: fc.record({ batch: fc.array(mutation, { maxLength: 6 }), sync: fc.boolean() }) },
        { weight: 2, arbitrary: fc.record({ from: fc.option(key), to: fc.option(key), reverse: fc.boolean() }) },
        { weight: 1, arbitrary: fc.constant({ reopen: true as const }) },
      )
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 15 }), async (steps) => {
          await store.close()
          await world.backends.destroy(world.path)
          store = await world.backends.open(world.path)
          const model = new Map<string, Uint8Array>()
          for (const step of steps) {
            if ('batch' in step) {
              await store.batch(step.batch, { sync: step.sync })
              for (const { key, value } of step.batch) {
                if (value === null) model.delete(hex(key))
                else model.set(hex(key), value)
              }
              for (const { key } of step.batch) {
                const expected = model.get(hex(key))
                expect(store.getSync(key) && plain(store.getSync(key))).toEqual(expected && plain(expected))
              }
            } else if ('reopen' in step) {
              await store.close()
              store = await world.backends.open(world.path)
            } else {
              const { from, to, reverse } = step
              const expected = [...model]
                .filter(([at]) => (!from || at >= hex(from)) && (!to || at < hex(to)))
                .sort(([a], [b]) => (a < b ? -1 : 1))
                .map(([at, value]) => [at, plain(value)])
              if (reverse) expected.reverse()
              const found = await all(store, { ...(from ? { from } : {}), ...(to ? { to } : {}), reverse })
              expect(found.map(([at, value]) => [hex(at as number[]), value])).toEqual(expected)
            }
          }
        }),
        runs(40),
      )
    })
  })
}

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)
const put = (key: number[], value: number[]): Mutation => ({ key: bytes(...key), value: bytes(...value) })
const del = (key: number[]): Mutation => ({ key: bytes(...key), value: null })
const plain = (value: Uint8Array | undefined): number[] => [...(value ?? [])]
const hex = (value: ArrayLike<number>): string => Buffer.from(Array.from(value)).toString('hex')

async function all(store: StateBackend, range?: Range): Promise<[key: number[], value: number[]][]> {
  const entries: [number[], number[]][] = []
  for await (const [key, value] of store.iterate(range)) entries.push([plain(key), plain(value)])
  return entries
}
