import { describe, expect, it } from 'vitest'
import { textFiles } from '../../connectors/files/index.ts'
import { pipeline } from '../../src/index.ts'
import type { ScriptedEvent } from '../../src/testing/index.ts'
import { simulationSeed } from '../support/seed.ts'
import { checkWordCount, feed, wordCount, wordCountConfig, wordCountWorld } from '../support/word-count-world.ts'

/** What once went wrong, or nearly did: each is a script of named events. */

const seed = simulationSeed(21)

/** Two processes share the tasks while the files grow; the first has the script. */
async function twoProcesses(script: readonly ScriptedEvent[]): Promise<void> {
  const made = await wordCountWorld(seed, true)
  const fed = feed(made)
  const run = (name: string, events: readonly ScriptedEvent[]) =>
    made.runToEnd(
      wordCount,
      'word-counts',
      { ...wordCountConfig, dataDirectory: `/${name}` },
      made.instance(events),
      fed,
    )
  const second = async () => {
    await made.simulation.actor('second').clock.sleep(1000)
    return run('two', [])
  }
  const [one, two] = await made.run(Promise.all([run('one', script), second()]))
  await checkWordCount(made, [...one, ...two])
}

describe('pinned', () => {
  it('a member whose join arrives after its session is over does not go on with the tasks that it kept', async () => {
    await twoProcesses([{ request: 'JoinGroup', occurrence: 2, lateMs: 13_000 }])
  })

  it('an EndTxn that arrives after its process was replaced changes nothing', async () => {
    const made = await wordCountWorld(seed)
    const first = made.instance([
      { request: 'EndTxn', occurrence: 4, lateMs: 60 },
      { at: 'B3.endTxn', occurrence: 4, when: 'before', do: 'kill' },
    ])
    const run = made.runToEnd(wordCount, 'word-counts', wordCountConfig, first)
    await made.run(Promise.race([first.killed, run]))
    await checkWordCount(made, await made.run(made.runToEnd(wordCount, 'word-counts', wordCountConfig)))
  })

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
    for (let occurrence = 2; occurrence < 5; occurrence++) {
      const made = await wordCountWorld(seed)
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
