import { expect, it } from 'vitest'
import { simulationSeed } from '../support/seed.ts'
import { checkWordCount, wordCount, wordCountConfig, wordCountWorld } from '../support/word-count-world.ts'

/** A cluster that agrees on other transactions while a process runs: that one goes on as it began, the next as agreed. */

it.each([
  [1, 2],
  [2, 1],
] as const)(
  'counts once while the cluster goes from transactions of version %i to %i, before and after the next start',
  async (before, after) => {
    let ended = 0
    for (let atMs = 60; atMs < 240; atMs += 30) {
      const made = await wordCountWorld(simulationSeed(11), before)
      const { clock } = made.simulation.actor('operator')
      const changed = clock.sleep(atMs).then(async () => {
        made.killBroker()
        await clock.sleep(5)
        await made.startBroker({ transactionVersion: after })
      })
      const instance = made.instance([{ at: 'B3.endTxn', occurrence: 20, when: 'after', do: 'kill' }])
      const running = made.runToEnd(wordCount, 'word-counts', wordCountConfig, instance)
      await made.run(Promise.all([Promise.race([running, instance.killed]), changed]))
      expect(made.brokerStarts).toBe(2)
      // What it still did as it began, and what its successor does as agreed, is one count.
      if ((instance.script.seen.get('B3.endTxn') ?? 0) > 1) ended++
      await checkWordCount(made, await made.run(made.runToEnd(wordCount, 'word-counts', wordCountConfig)))
    }
    expect(ended).toBeGreaterThan(0)
  },
)
