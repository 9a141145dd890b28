import { describe, expect, it } from 'vitest'
import { metaKey } from '../../src/checkpoint/store-meta.ts'
import { type StepName, stepNames, stepsOfFirstVersion } from '../../src/core/steps.ts'
import type { ScriptedEvent, SimulatedInstance } from '../../src/testing/index.ts'
import { simulationSeed } from '../support/seed.ts'
import { checkWordCount, wordCount, wordCountConfig, wordCountWorld } from '../support/word-count-world.ts'
import type { World } from '../support/world.ts'

/**
 * The fail-point sweep: word count is killed before and after the effect of every named step of opening and commit, at
 * its first and at a later occurrence, started again on what is left, and must end with the same counts; in transactions of
 * either version. A case in which nobody is killed fails.
 */

const seed = simulationSeed(7)
const elsewhere = { ...wordCountConfig, dataDirectory: '/elsewhere' }

const run = (made: World, instance: SimulatedInstance, config = wordCountConfig) =>
  made.runToEnd(wordCount, 'word-counts', config, instance)

/** Lets a process run until its script kills it. */
async function die(made: World, script: readonly ScriptedEvent[], config = wordCountConfig): Promise<void> {
  const instance = made.instance(script)
  const ended = await made.run(Promise.race([instance.killed, run(made, instance, config)]))
  expect(ended, 'the process was to be killed, and came to its end').toBeNull()
}

/** How a world comes to the start that is swept, and where that start is. */
interface Journey {
  readonly name: string
  readonly config: typeof wordCountConfig
  begin(transactionVersion: 1 | 2): Promise<World>
}

const journeys: readonly Journey[] = [
  { name: 'at its first start', config: wordCountConfig, begin: (version) => wordCountWorld(seed, version) },
  {
    // Restores everything, and finds a transaction that nobody will end.
    name: 'in another directory, behind one that died within a commit',
    config: elsewhere,
    async begin(version) {
      const made = await wordCountWorld(seed, version)
      await die(made, [{ at: 'B2.txnOffsetCommit', occurrence: 4, when: 'after', do: 'kill' }])
      return made
    },
  },
  {
    name: 'on stores that do not say what they hold',
    config: wordCountConfig,
    async begin(version) {
      const made = await wordCountWorld(seed, version)
      await die(made, [{ at: 'B5.publish', occurrence: 4, when: 'after', do: 'kill' }])
      for (const path of made.disk.paths) {
        const backend = await made.disk.backends(1).open(path)
        await backend.batch([{ key: metaKey, value: null }])
        await backend.close()
      }
      return made
    },
  },
]

/** Each journey with a process that nothing happens to: it tells how often which step is taken. */
const undisturbed = (version: 1 | 2) =>
  Promise.all(
    journeys.map(async ({ name, begin, config }) => {
      const made = await begin(version)
      const instance = made.instance()
      const held = await made.run(run(made, instance, config))
      return { name, made, held, seen: instance.script.seen }
    }),
  )

/** Of each step the journey in which it is killed, and at which occurrences. */
function sweepOf(steps: readonly StepName[], seen: readonly ReadonlyMap<string, number>[]) {
  const laterOccurrence = 3
  return steps.map((at) => {
    const counts = seen.map((counted) => counted.get(at) ?? 0)
    const enough = counts.findIndex((count) => count >= laterOccurrence)
    const index = enough >= 0 ? enough : counts.indexOf(Math.max(...counts))
    const last = Math.min(counts[index] ?? 0, laterOccurrence)
    return { at, journey: journeys[index] as Journey, occurrences: last > 1 ? [1, last] : [1] }
  })
}

const versions = [
  { version: 2, steps: stepNames.filter((name) => !stepsOfFirstVersion.includes(name)), runs: await undisturbed(2) },
  { version: 1, steps: stepNames, runs: await undisturbed(1) },
] as const

describe.each(versions)(
  `word count under seed ${seed}, in transactions of version $version`,
  ({ version, steps, runs }) => {
    it('names every step that it takes, and takes every step there is', () => {
      const taken = new Set(runs.flatMap(({ seen }) => [...seen.keys()]))
      expect([...taken].sort()).toEqual([...steps].sort())
    })

    it.each(runs)('counts once undisturbed $name', async ({ made, held }) => {
      await checkWordCount(made, held)
    })

    for (const { at, journey, occurrences } of sweepOf(
      steps,
      runs.map(({ seen }) => seen),
    )) {
      for (const when of ['before', 'after'] as const) {
        it.each(occurrences)(
          `counts once when it is killed ${when} ${at} ${journey.name}, occurrence %i`,
          async (occurrence) => {
            const made = await journey.begin(version)
            await die(made, [{ at, occurrence, when, do: 'kill' }], journey.config)
            const last = made.instance()
            await checkWordCount(made, await made.run(run(made, last, journey.config)))
          },
        )
      }
    }

    for (const at of ['B1.produce', 'B2.txnOffsetCommit', 'B3.endTxn', 'B4.writeStore'] satisfies StepName[]) {
      for (const when of ['before', 'after'] as const) {
        it(`goes on elsewhere when its process is gone for good ${when} ${at}, and frees what that left open`, async () => {
          const made = await wordCountWorld(seed, version)
          await die(made, [{ at, occurrence: 3, when, do: 'kill' }])
          await checkWordCount(made, await made.run(run(made, made.instance(), elsewhere)))
        })
      }
    }
  },
)
