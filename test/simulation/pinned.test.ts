import { describe, expect, it } from 'vitest'
import { textFiles } from '../../connectors/files/index.ts'
import { StreamError } from '../../src/core/errors.ts'
import type { StepHook } from '../../src/core/steps.ts'
import { pipeline } from '../../src/index.ts'
import { resolveJobConfig, startJob } from '../../src/job/run.ts'
import { simulationSeed } from '../support/seed.ts'
import { checkWordCount, wordCount, wordCountConfig, wordCountWorld } from '../support/word-count-world.ts'

/** What once went wrong, or nearly did: each is a script of named events. */

const seed = simulationSeed(21)

describe('pinned', () => {
  it.each([80, 215, 225, 235, 250, 290])(
    'an EndTxn that arrives %i ms after its process was killed ends nothing of its successor',
    async (lateMs) => {
      const made = await wordCountWorld(seed)
      const { clock } = made.simulation.actor('killer')
      // It is on its way when the process dies. The first of all ends the transaction of the start positions.
      const sentAndKilled: StepHook = async (name, effect) => {
        if (name !== 'B3.endTxn' || first.script.seen.get(name) !== 3) return effect()
        void effect()
        await clock.sleep(3)
        first.kill()
        return new Promise(() => undefined)
      }
      const first = made.instance([{ request: 'EndTxn', occurrence: 4, lateMs }], sentAndKilled)
      const run = made.runToEnd(wordCount, 'word-counts', wordCountConfig, first)
      expect(await made.run(Promise.race([first.killed, run]))).toBeNull()
      expect(first.script.fired).toBe(1)
      await checkWordCount(made, await made.run(made.runToEnd(wordCount, 'word-counts', wordCountConfig)))
    },
  )

  it.each([100, 150, 200])(
    'a stop after %i ms whose last stores are not written has stopped: what was committed is restored at the next start',
    async (ms) => {
      const made = await wordCountWorld(seed)
      const { clock } = made.simulation.actor('stopper')
      let [isStopping, isLast] = [false, false]
      let refused = 0
      const hook: StepHook = (name, effect) => {
        // The commit of the stop, and none before it, which would be waited for by that one.
        if (name === 'B3.endTxn') isLast = isStopping
        if (name !== 'B4.writeStore' || !isLast) return effect()
        refused++
        return Promise.reject(new StreamError('TRANSACTION_UNKNOWN', 'not written', { action: 'reset-task' }))
      }
      const config = resolveJobConfig({ ...wordCountConfig, follow: true })
      const job = await made.run(startJob(wordCount, config, made.instance([], hook).ports))
      await made.run(clock.sleep(ms))
      isStopping = true
      await made.run(job.stop())
      await made.run(job.done)
      expect(refused).toBeGreaterThan(0)
      await checkWordCount(made, await made.run(made.runToEnd(wordCount, 'word-counts', wordCountConfig)))
    },
  )

  it('an attempt that is given up while it adds partitions writes nothing under the next epoch', async () => {
    // Long lines, so that batches go out while records still come in.
    const long = (n: number) => `line ${n} ${'x'.repeat(1500)}`
    const failing = pipeline('failing', ({ stream }) => {
      stream(textFiles('lines', { files: '/in/*.txt', partitions: 1 }), { onProcessError: 'skip' })
        .flatMap(function* (line) {
          yield line
          if (line === long(777)) throw new Error('after its first output')
        })
        .keyBy('key', (line) => line)
        .count('counts')
    })
    for (let occurrence = 3; occurrence < 6; occurrence++) {
      const made = await wordCountWorld(seed, 1)
      made.files.put('/in/0.txt', Array.from({ length: 2000 }, (_, n) => long(n)).join('\n'))
      for (let file = 1; file < 30; file++) await made.files.remove(`/in/${file}.txt`)
      const instance = made.instance([{ request: 'AddPartitionsToTxn', occurrence, lateMs: 250 }])
      const held = await made.run(made.runToEnd(failing, 'counts', wordCountConfig, instance))
      expect([...held.values()].every((count) => count === 1)).toBe(true)
      expect(held.size).toBe(1999)
      // One start, one reset for the record that failed; more of them are an old attempt's doing.
      expect(instance.script.seen.get('A1.initProducerId')).toBe(2)
    }
  })
})
