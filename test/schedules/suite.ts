import { describe, expect, it } from 'vitest'
import { simulationSeed } from '../support/seed.ts'
import type { Scenario } from './scenario.ts'
import { runSchedule } from './schedule.ts'

/** Schedules of one test: a test each would be a thousand lines that say nothing. */
const perTest = 20

/** A scenario under `count` schedules from a seed on; each has ten commits and three faults at least. */
export function scheduleSuite(scenario: Scenario, count: number, usualSeed: number): void {
  const first = simulationSeed(usualSeed)
  describe(scenario.name, () => {
    for (let from = first; from < first + count; from += perTest) {
      const to = Math.min(from + perTest, first + count) - 1
      it(`is exact under the schedules ${from} to ${to}`, async () => {
        for (let seed = from; seed <= to; seed++) {
          const { commits, faults } = await runSchedule(scenario, seed)
          expect(commits, `commits of schedule ${seed}`).toBeGreaterThanOrEqual(10)
          expect(faults, `faults of schedule ${seed}`).toBeGreaterThanOrEqual(3)
        }
      })
    }
  })
}
