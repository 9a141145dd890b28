import { describe, expect, it } from 'vitest'
import { type StepName, stepNames } from '../../src/core/steps.ts'
import { simulationSeed } from '../support/seed.ts'
import { checkWordCount, wordCount, wordCountConfig, wordCountWorld } from '../support/word-count-world.ts'

/**
 * The fail-point sweep: word count is killed before and after the effect of every named step of opening and commit, at
 * its first and at a later occurrence, started again on what is left, and must end with the same counts.
 */

const seed = simulationSeed(7)

/** Steps that an undisturbed run does not take. */
const onlyInTrouble: readonly StepName[] = [
  'A2.fenceDeadProducer',
  'A4.quarantine',
  'A3.fetchChangelog',
  'A3.applyChangelog',
]

describe(`word count under seed ${seed}`, () => {
  it('names every step that it takes, and takes every step that an undisturbed run has', async () => {
    const made = await wordCountWorld(seed)
    const instance = made.instance()
    await checkWordCount(made, await made.run(made.runToEnd(wordCount, 'word-counts', wordCountConfig, instance)))
    const seen = instance.script.seen
    expect([...seen.keys()].filter((name) => !(stepNames as readonly string[]).includes(name))).toEqual([])
    expect(stepNames.filter((name) => !seen.has(name) && !onlyInTrouble.includes(name))).toEqual([])
  })

  const sweep = stepNames.filter((name) => name !== 'A2.fenceDeadProducer' && name !== 'A4.quarantine')
  for (const at of sweep) {
    for (const when of ['before', 'after'] as const) {
      for (const occurrence of [1, 3]) {
        it(`counts once when it is killed ${when} ${at}, occurrence ${occurrence}`, async () => {
          const made = await wordCountWorld(seed)
          const first = made.instance([{ at, occurrence, when, do: 'kill' }])
          // A step that does not occur so often lets the run end by itself.
          const run = made.runToEnd(wordCount, 'word-counts', wordCountConfig, first)
          await made.run(Promise.race([first.killed, run]))
          first.kill()
          await checkWordCount(made, await made.run(made.runToEnd(wordCount, 'word-counts', wordCountConfig)))
        })
      }
    }
  }

  for (const at of ['B1.produce', 'B2.txnOffsetCommit', 'B3.endTxn', 'B4.writeStore'] as const) {
    for (const when of ['before', 'after'] as const) {
      it(`goes on elsewhere when its process is gone for good ${when} ${at}, and frees what that left open`, async () => {
        const made = await wordCountWorld(seed)
        const first = made.instance([{ at, occurrence: 3, when, do: 'kill' }])
        const lost = made.runToEnd(wordCount, 'word-counts', wordCountConfig, first)
        expect(await made.run(Promise.race([first.killed, lost]))).toBeNull()
        const elsewhere = { ...wordCountConfig, dataDirectory: '/elsewhere' }
        await checkWordCount(made, await made.run(made.runToEnd(wordCount, 'word-counts', elsewhere)))
      })
    }
  }
})
