import { describe, expect, it } from 'vitest'
import { simulationSeed } from '../support/seed.ts'
import { failureOf } from './failure.ts'

/** Cases of one test: a test each would be hundreds of lines that say nothing. */
const perTest = 20

/** Random pipelines, `count` of them from a seed on; what fails is shrunk and printed. */
export function randomSuite(count: number, usualSeed: number): void {
  const first = simulationSeed(usualSeed)
  describe('random pipelines', () => {
    for (let from = first; from < first + count; from += perTest) {
      const to = Math.min(from + perTest, first + count) - 1
      it(`give what their definition says, undisturbed and under faults, seeds ${from} to ${to}`, async () => {
        for (let seed = from; seed <= to; seed++) expect(await failureOf(seed)).toBeNull()
      })
    }
  })
}
