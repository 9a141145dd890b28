import { describe, expect, it } from 'vitest'
import type { StepHook, StepName } from '../../src/core/steps.ts'
import { int64, pipeline, text, topic } from '../../src/index.ts'
import { simulationSeed } from '../support/seed.ts'
import { World } from '../support/world.ts'

/** What a job does when its memory is less than its work. */

const seed = simulationSeed(17)
const megabyte = 1024 * 1024
/** An interval that no test waits for. */
const config = { dataDirectory: '/data', commitIntervalMs: 60_000, commitShareMax: 1, instanceId: 'one' }

/** Keeps the longest text of each key, and counts its records: two stores in one task. */
const longest = pipeline('longest', ({ stream }) => {
  const records = stream(topic('documents', { key: text, value: text }), { until: 'end' })
  records.reduce('longest', (known, value) => (value.length >= known.length ? value : known))
  records.count('versions').to(topic('versions', { key: text, value: int64 }))
})

const documents = 120
const document = (n: number): string => String(n).padEnd(100_000, 'x')

const expected = new Map(Array.from({ length: documents }, (_, n) => [`key${n}`, document(n)]))

/** Runs the job to the end of its input. @returns what its store holds, and its commits */
async function run(memoryBytes: number): Promise<{ readonly held: Map<string, unknown>; readonly commits: number }> {
  const world = new World(seed)
  let commits = 0
  const counting: StepHook = (name: StepName, effect) => {
    if (name === 'B3.endTxn') commits++
    return effect()
  }
  const held = await world.run(
    (async () => {
      await world.startBroker()
      await world.outside.createTopic('documents', 2)
      for (const [key, value] of expected) {
        await world.outside.write('documents', [{ key: Buffer.from(key), value: Buffer.from(value), timestamp: 1 }])
      }
      return world.runToEnd(longest, 'longest', { ...config, memoryBytes }, world.instance([], counting))
    })(),
  )
  return { held, commits }
}

describe('a job', () => {
  it('commits early when the values that it changed are more than its memory has room for', async () => {
    const roomy = await run(256 * megabyte)
    const tight = await run(8 * megabyte)
    expect(tight.held).toEqual(expected)
    expect(roomy.held).toEqual(expected)
    expect(roomy.commits).toBeLessThan(5)
    // 12 MB, each of which is held three times, with a quarter of 8 MiB for them, and up to 1 MB between two looks.
    expect(tight.commits).toBeGreaterThanOrEqual(11)
  })

  it('of one byte of memory does all of its work', async () => {
    const { held } = await run(1)
    expect(held).toEqual(expected)
  })
})
