import { beforeEach, describe, expect, it } from 'vitest'
import { int64, nullable, type Pipeline, pipeline, text, topic } from '../../src/index.ts'
import type { ScriptedEvent } from '../../src/testing/index.ts'
import { simulationSeed } from '../support/seed.ts'
import { World } from '../support/world.ts'

/** Who has which tasks, and what a task goes on from: a table of counts whose input is fed while members come and go. */

const config = { commitIntervalMs: 20, commitShareMax: 1 }
const counting = pipeline('counting', ({ stream }) => {
  const counts = stream(topic('in', { key: text, value: text }), { until: 'end' }).count('counts')
  counts.updates().to(topic('changes', { key: text, value: nullable(int64) }))
}) as Pipeline
const keys = Array.from({ length: 40 }, (_, n) => `k${n}`)
const once = new Map(keys.map((key) => [key, 1]))
const twice = new Map(keys.map((key) => [key, 2]))

let world: World
beforeEach(async () => {
  world = new World(simulationSeed(17))
  await world.run(world.startBroker())
  await world.run(world.outside.createTopic('in', 4))
})

const feed = (): Promise<void> =>
  world.outside.write(
    'in',
    keys.map((key) => ({ key: Buffer.from(key), value: Buffer.from('v'), timestamp: 1_700_000_000_000 })),
  )
const sorted = (rows: Iterable<readonly [string, unknown]>) => new Map([...rows].sort(([a], [b]) => (a < b ? -1 : 1)))

describe('a member that comes back under another id', () => {
  it('does not go on with tasks that it kept, although it has never committed and nobody has fenced it', async () => {
    const { clock } = world.simulation.actor('user')
    await world.run(feed())
    // What is there is another's work, so that the two below have nothing to commit.
    const zero = { ...config, dataDirectory: '/zero', leave: true }
    const done = world.runToEnd(counting, 'counts', zero, undefined, clock.sleep(2000))
    expect(sorted(await world.run(done))).toEqual(sorted(once))
    const story = async (): Promise<void> => {
      // One is asked to join again when two comes; its request arrives when its session is over.
      await clock.sleep(14_000)
      await feed()
      await clock.sleep(12_000)
    }
    const told = story()
    const run = async (name: string, script: readonly ScriptedEvent[], afterMs: number) => {
      await clock.sleep(afterMs)
      return world.runToEnd(counting, 'counts', { ...config, dataDirectory: `/${name}` }, world.instance(script), told)
    }
    const [one, two] = await world.run(
      Promise.all([run('one', [{ request: 'JoinGroup', occurrence: 2, lateMs: 12_000 }], 0), run('two', [], 1000)]),
    )
    expect(sorted([...one, ...two])).toEqual(sorted(twice))
    // Work that is done again from where a task had been comes to the same counts: it is seen in what was written.
    const { records } = await world.run(world.read('changes'))
    expect(records).toHaveLength(2 * keys.length)
  })
})

describe('a task with state', () => {
  const end = { ...config, dataDirectory: '/data' }

  it.each(['/data', '/empty'])(
    'goes on where its state is, in %s, when the offsets of its group were moved back',
    async (directory) => {
      await world.run(feed())
      expect(await world.run(world.runToEnd(counting, 'counts', end))).toEqual(once)
      await world.run(world.outside.commitOffsets('counting', 'in', 0))
      expect(await world.run(world.runToEnd(counting, 'counts', { ...end, dataDirectory: directory }))).toEqual(once)
    },
  )
})
