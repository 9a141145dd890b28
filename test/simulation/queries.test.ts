import { describe, expect, it } from 'vitest'
import { type Pipeline, pipeline, text, topic } from '../../src/index.ts'
import { resolveJobConfig, startJob } from '../../src/job/run.ts'
import { simulationSeed } from '../support/seed.ts'
import { World } from '../support/world.ts'

const counting = pipeline('counting', ({ stream }) => {
  stream(topic('in', { key: text, value: text })).count('counts')
}) as Pipeline

describe('who watches a key', () => {
  it('is told each committed value once, and when told reads it in the store, however late that is written', async () => {
    const world = new World(simulationSeed(19))
    await world.run(world.startBroker())
    await world.run(world.outside.createTopic('in', 1))
    const { clock } = world.simulation.actor('user')
    const instance = world.instance([{ at: 'B4.writeStore', occurrence: 'every', when: 'before', do: { lateMs: 80 } }])
    const config = resolveJobConfig({ dataDirectory: '/data', commitIntervalMs: 20, commitShareMax: 1, follow: true })
    const told: unknown[] = []
    const story = async (): Promise<void> => {
      const job = await startJob(counting, config, instance.ports)
      await clock.sleep(500)
      job
        .storeNamed('counts')
        .watch('k')
        .subscribe((value) => told.push(value))
      for (let n = 1; n <= 5; n++) {
        await world.outside.write('in', [{ key: Buffer.from('k'), value: Buffer.from('v'), timestamp: n }])
        await clock.sleep(400)
      }
      await job.stop()
    }
    await world.run(story())
    expect(told).toEqual([undefined, 1, 2, 3, 4, 5])
  })
})
