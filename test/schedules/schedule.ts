import type { Random } from '../../src/core/random.ts'
import type { JobConfig } from '../../src/job/job-config.ts'
import { World } from '../support/world.ts'
import { type Fault, faults, requestLateMsMax } from './faults.ts'
import type { Scenario } from './scenario.ts'
import { Slot } from './slot.ts'

/** What a schedule has to have seen before it ends. */
const commitsMin = 10
const faultsMin = 3
const portionsMin = 6
const portionsMax = 60
const recordDeadlineMs = 10_000

/** What happened in a schedule. */
export interface ScheduleReport {
  readonly commits: number
  readonly faults: number
  /** How often each kind of fault was done; one of a script counts when it has happened. */
  readonly kinds: ReadonlyMap<string, number>
  readonly steps: number
  readonly hash: string
}

/**
 * Runs an application under one schedule: the seed decides latencies, how many processes there are, what is fed when,
 * what befalls them, and whether the end is in an empty directory.
 *
 * @throws what does not hold, with scenario and seed in its message
 */
export async function runSchedule(scenario: Scenario, seed: number): Promise<ScheduleReport> {
  const world = new World(seed)
  try {
    return await world.run(new Schedule(scenario, world).run())
  } catch (error) {
    if (error instanceof Error) error.message = `${scenario.name}, schedule ${seed}: ${error.message}`
    throw error
  }
}

class Schedule {
  private readonly scenario: Scenario
  private readonly world: World
  private readonly random: Random

  constructor(scenario: Scenario, world: World) {
    this.scenario = scenario
    this.world = world
    this.random = world.simulation.random
  }

  async run(): Promise<ScheduleReport> {
    const { world, random } = this
    // Only a broker that syncs may lose its power; any may be killed.
    const broker = { sync: random.integer(3) === 0 }
    await world.startBroker(broker)
    const work = await this.scenario.begin(world)
    const config = this.config()
    const slots = Array.from(
      { length: 1 + random.integer(3) },
      (_, n) => new Slot(world, work, config, `process-${n + 1}`),
    )
    const clock = world.simulation.actor('schedule').clock
    const town = { world, slots, clock, random, broker }
    const kinds = new Map<string, number>()
    slots[0]?.start()
    const commits = (): number => slots.reduce((sum, slot) => sum + slot.commits, 0)
    const fired = (): number =>
      [...kinds.values()].reduce((sum, n) => sum + n, 0) + slots.reduce((sum, slot) => sum + slot.fired, 0)
    for (let portion = 0; portion < portionsMin || commits() < commitsMin || fired() < faultsMin; portion++) {
      if (portion >= portionsMax)
        throw new Error(`after ${portion} portions there were ${commits()} commits and ${fired()} faults`)
      await work.feed(portion)
      await clock.sleep(random.integer(180))
      if (portion === 0) continue
      const fault = faults[random.integer(faults.length)] as Fault
      if (await fault.happen(town)) kinds.set(fault.name, (kinds.get(fault.name) ?? 0) + 1)
      this.throwFailure(slots)
      for (const slot of slots) if (!slot.isAlive && random.integer(3) > 0) slot.start()
      if (!slots.some(({ isAlive }) => isAlive)) slots[0]?.start()
      // Faults that follow each other closely let nothing be committed: where that has lasted long, they no longer do.
      if (random.integer(3) === 0 || portion > portionsMax / 2) await clock.sleep(random.integer(12_000))
    }
    for (const slot of slots) await slot.stop()
    this.throwFailure(slots)
    const [first] = slots as [Slot]
    if (random.integer(2) === 0) first.moveAway()
    // The last process is nobody's zombie: it begins when what was asked before has arrived.
    if (slots.some(({ hasJoinedLate }) => hasJoinedLate)) await clock.sleep(requestLateMsMax)
    const held = await world.runToEnd(work.pipeline, work.store, { ...config, dataDirectory: first.dataDirectory })
    // What a process left open that nobody came after is ended by its timeout alone.
    if (slots.length > 1 || first.hasMoved) {
      await clock.sleep(3 * (config.commitIntervalMs + recordDeadlineMs) + 10_000)
    }
    await work.check(held)
    const { steps, hash } = world.simulation
    for (const slot of slots) if (slot.fired > 0) kinds.set('scripted', (kinds.get('scripted') ?? 0) + slot.fired)
    return { commits: commits(), faults: fired(), kinds, steps, hash }
  }

  private config(): JobConfig & { readonly commitIntervalMs: number } {
    const { random } = this
    return {
      commitIntervalMs: 5 + random.integer(60),
      commitShareMax: 1,
      recordDeadlineMs,
      ...(random.integer(3) === 0 ? { memoryBytes: 1 } : {}),
    }
  }

  private throwFailure(slots: readonly Slot[]): void {
    for (const { failure, name } of slots) {
      if (failure === null) continue
      if (failure instanceof Error) failure.message = `${name} ended by itself: ${failure.message}`
      throw failure
    }
  }
}
