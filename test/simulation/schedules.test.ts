import { describe, expect, it } from 'vitest'
import { scenarios } from '../schedules/scenarios.ts'
import { runSchedule } from '../schedules/schedule.ts'
import { scheduleSuite } from '../schedules/suite.ts'
import { simulationSeed } from '../support/seed.ts'

/** Each scenario under a few schedules; a thousand more are in test/deep. */

const first = simulationSeed(100)

describe.each(scenarios)('the simulation of $name', (scenario) => {
  it('takes the same steps for the same seed, and others for another', async () => {
    const one = await runSchedule(scenario, first)
    expect(await runSchedule(scenario, first)).toEqual(one)
    expect((await runSchedule(scenario, first + 1)).hash).not.toBe(one.hash)
  })
})

for (const scenario of scenarios) scheduleSuite(scenario, 20, first)
