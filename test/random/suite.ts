import { describe, expect, it } from 'vitest'
import { simulationSeed } from '../support/seed.ts'
import { judge } from './check.ts'
import { failureOf } from './failure.ts'
import { generateCase } from './generator.ts'
import { nodeTable } from './node-table.ts'
import { Tally } from './tally.ts'

/** Cases of one test: a test each would be hundreds of lines that say nothing. */
const perTest = 20

/** Random pipelines, `count` of them from a seed on; what fails is shrunk and printed. */
export function randomSuite(count: number, usualSeed: number): void {
  const first = simulationSeed(usualSeed)
  const tally = new Tally()
  describe('random pipelines', () => {
    for (let from = first; from < first + count; from += perTest) {
      const to = Math.min(from + perTest, first + count) - 1
      it(`give what their definition says, undisturbed and under faults, seeds ${from} to ${to}`, async () => {
        for (let seed = from; seed <= to; seed++) {
          const given = generateCase(seed)
          const verdict = await judge(given)
          tally.add(given, verdict)
          expect(await failureOf(given, verdict)).toBeNull()
        }
      })
    }

    it('have every kind of node among them, and faults came to pass in three of four', () => {
      expect(Object.keys(tally.counts.kinds).sort()).toEqual(Object.keys(nodeTable).sort())
      expect(tally.undisturbed / tally.cases).toBeLessThan(1 / 4)
    })
  })
}
