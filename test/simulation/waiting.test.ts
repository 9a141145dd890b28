import { mergeMap, NEVER } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { textFiles } from '../../connectors/files/index.ts'
import type { SinkConnector, SinkWriter } from '../../src/connector/sink.ts'
import { type Pipeline, pipeline } from '../../src/index.ts'
import { simulationSeed } from '../support/seed.ts'
import { World } from '../support/world.ts'

const config = { dataDirectory: '/data', commitIntervalMs: 20, commitShareMax: 1, instanceId: 'one' }

async function worldOf(lines: string): Promise<World> {
  const world = new World(simulationSeed(5))
  world.files.put('/in/a.txt', lines)
  await world.run(world.startBroker())
  return world
}

/** `b` never comes through. */
const stuck = (onProcessError: 'fail' | 'skip'): Pipeline =>
  pipeline('stuck', ({ stream }) => {
    stream(textFiles('lines', { files: '/in/*.txt', partitions: 1 }), { onProcessError })
      .pipe(mergeMap((line) => (line === 'b' ? NEVER : [line])))
      .keyBy('key', (line) => line)
      .count('counts')
  }) as Pipeline

describe('what never comes back', () => {
  it('a record whose Observable never completes fails at its deadline, and ends the job', async () => {
    const world = await worldOf('a\nb\nc\n')
    const ended = world.runToEnd(stuck('fail'), 'counts', { ...config, recordDeadlineMs: 30_000 })
    await expect(world.run(ended)).rejects.toMatchObject({ code: 'RECORD_TIMED_OUT' })
    expect(world.simulation.nowMs).toBeLessThan(40_000)
  })

  it('a record whose Observable never completes is passed over at its deadline, and the next goes on', async () => {
    const world = await worldOf('a\nb\nc\n')
    const held = await world.run(world.runToEnd(stuck('skip'), 'counts', { ...config, recordDeadlineMs: 30_000 }))
    expect(held).toEqual(
      new Map([
        ['a', 1],
        ['c', 1],
      ]),
    )
  })

  it('a record whose Observable never completes holds no stop up for longer than some seconds', async () => {
    const world = await worldOf('a\nb\nc\n')
    const { clock } = world.simulation.actor('user')
    const beganMs = clock.monotonicMs()
    await world.run(world.runToEnd(stuck('fail'), 'counts', config, undefined, clock.sleep(2000)))
    expect(clock.monotonicMs() - beganMs).toBeLessThan(2000 + 6000)
  })

  it('a sink that takes nothing holds no stop up for longer than some seconds, and gets it all at the next start', async () => {
    const world = await worldOf('a\nb\nc\n')
    const sink = (write: SinkWriter<unknown, unknown>['write']): SinkConnector<unknown, unknown> => ({
      kind: 'sink-connector',
      name: 'sink',
      guarantee: 'at-least-once',
      open: async () => ({ write, flush: async () => undefined, close: async () => undefined }),
    })
    const printing = (to: SinkConnector<unknown, unknown>): Pipeline =>
      pipeline('printing', ({ stream }) => {
        const counts = stream(textFiles('lines', { files: '/in/*.txt', partitions: 1 }))
          .keyBy('key', (line) => line)
          .count('counts')
        counts.updates().to(to)
      }) as Pipeline
    const { clock } = world.simulation.actor('user')
    const beganMs = clock.monotonicMs()
    const deaf = sink(
      (_records, signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    )
    await world.run(world.runToEnd(printing(deaf), 'counts', config, undefined, clock.sleep(2000)))
    expect(clock.monotonicMs() - beganMs).toBeLessThan(2000 + 6000)
    const got: unknown[] = []
    const keeping = sink(async (records) => void got.push(...records.map(({ key }) => key)))
    await world.run(world.runToEnd(printing(keeping), 'counts', config))
    expect(got.sort()).toEqual(['a', 'b', 'c'])
  })
})
