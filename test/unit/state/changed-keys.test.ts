import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../../src/core/random.ts'
import { ChangedKeys } from '../../../src/state/changed-keys.ts'
import { RowTable } from '../../../src/state/row-table.ts'
import { testSeed } from '../../support/seed.ts'

/** An index over the rows of a table, each of which was changed as it was added. */
function indexed() {
  const table = new RowTable(1, false)
  const rows = {
    columns: table,
    get length() {
      return table.size
    },
    rowOf: (position: number) => position,
  }
  const add = (key: string): void => void table.add(Buffer.from(key), 0, key.length, 'x', 1, null)
  return { keys: new ChangedKeys(rows), add }
}

const storeKey = (key: string): Buffer => Buffer.from(`\u0001${key}`)

describe('the index over changed keys', () => {
  it('finds the next key each way, whether rows come one by one or many at a time', () => {
    for (const most of [1, 5, 40, 3000]) {
      const random = seededRandom(testSeed)
      const { keys, add } = indexed()
      const known = new Set<string>()
      for (let round = 0; round < 40 && known.size < 6000; round++) {
        for (let n = 1 + random.integer(most); n > 0; n--) {
          const key = random.integer(100_000).toString(36)
          if (!known.has(key)) add(key)
          known.add(key)
        }
        const sorted = [...known].sort()
        for (let look = 0; look < 10; look++) {
          const key = random.integer(100_000).toString(36)
          const [next, last] = [keys.next(storeKey(key), false), keys.next(storeKey(key), true)]
          const found = [next, last].map((at) => (at < 0 ? undefined : keys.keyAt(at).toString('latin1', 1)))
          expect([testSeed, key, found]).toEqual([
            testSeed,
            key,
            [sorted.find((one) => one >= key), sorted.findLast((one) => one < key)],
          ])
        }
      }
    }
  })

  it('goes through thousands of keys that come between looks', () => {
    const { keys, add } = indexed()
    const random = seededRandom(testSeed)
    const known = new Set<string>()
    for (let n = 0; n < 3000; n++) {
      const key = String(random.integer(1_000_000))
      if (known.has(key)) continue
      known.add(key)
      add(key)
      keys.next(storeKey(key), false)
    }
    const seen: string[] = []
    for (let at = storeKey(''); ; ) {
      const position = keys.next(at, false)
      if (position < 0) break
      const key = keys.keyAt(position)
      seen.push(key.toString('latin1', 1))
      at = Buffer.concat([key, Buffer.alloc(1)])
    }
    expect(seen).toEqual([...known].sort())
  })
})
