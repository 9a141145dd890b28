import { describe, expect, it } from 'vitest'
import { type Pipeline, pipeline, text, topic } from '../../src/index.ts'
import { resolveJobConfig, startJob } from '../../src/job/run.ts'
import { simulationSeed } from '../support/seed.ts'
import { World } from '../support/world.ts'

const seed = simulationSeed(1)
const config = { commitIntervalMs: 20, commitShareMax: 1 }

const counting = pipeline('counting', ({ stream }) => {
  stream(topic('in', { key: text, value: text }), { until: 'end' })
    .keyBy('value', (value) => value)
    .count('counts')
}) as Pipeline

async function worldWithInput(besides = 0): Promise<World> {
  const made = new World(seed + besides)
  await made.run(made.startBroker())
  await made.run(made.outside.createTopic('in', 4))
  return made
}

const rowsOf = (n: number) =>
  Array.from({ length: 40 }, (_, i) => ({
    key: Buffer.from(`k${i}`),
    value: Buffer.from(`v${n}-${i % 20}`),
    timestamp: 1_700_000_000_000 + n,
  }))

describe('a process that wakes up long after its session', () => {
  // Whether it meets a purged record before it hears of the group is luck: of ten seeds six.
  it.each([0, 1, 2])(
    'joins again and goes on, although others have purged what it was about to read, seed + %i',
    async (besides) => {
      const made = await worldWithInput(besides)
      const { clock } = made.simulation.actor('feeder')
      // What it reads is refused before it hears that it is out of the group.
      const sleeper = made.instance([{ request: 'Heartbeat', occurrence: 'every', lateMs: 2500 }])
      const portions = 60
      const feed = async (): Promise<void> => {
        for (let n = 0; n < portions; n++) {
          await made.outside.write('in', rowsOf(n))
          await clock.sleep(1000)
          if (n === 15) sleeper.pause()
          // By now the other has the tasks, and purges every 30 s.
          if (n === 45) sleeper.resume()
        }
        await clock.sleep(15_000)
      }
      const fed = feed()
      const run = (name: string, instance = made.instance()) =>
        made.runToEnd(counting, 'counts', { ...config, dataDirectory: `/${name}` }, instance, fed)
      const [one, two] = await made.run(Promise.all([run('sleeper', sleeper), run('other')]))
      expect(sleeper.script.seen.get('A1.initProducerId'), 'it began again').toBeGreaterThan(1)
      const counts = new Map([...one, ...two])
      expect(counts.size).toBe(portions * 20)
      expect([...counts.values()].every((count) => count === 2)).toBe(true)
    },
  )
})

describe('a stop', () => {
  it('is obeyed whenever it comes while a job starts', async () => {
    const latestMs = 40
    for (let atMs = 0; atMs <= latestMs; atMs += 0.1) {
      const made = await worldWithInput()
      const { clock } = made.simulation.actor('user')
      const stop = new AbortController()
      const { signal } = stop
      const start = startJob(
        counting,
        resolveJobConfig({ ...config, dataDirectory: '/data', follow: true, signal }),
        made.instance().ports,
      )
      const ended = start.then(
        (job) => job.done,
        (error: { code: string }) => error.code,
      )
      const stopped = async (): Promise<string> => {
        await clock.sleep(atMs)
        stop.abort()
        return Promise.race([ended, clock.sleep(10_000).then(() => `still at work, stopped at ${atMs} ms`)])
      }
      expect(['JOB_CLOSED', 'stopped']).toContain(await made.run(stopped()))
    }
  })
})
