import { describe, expect, it } from 'vitest'
import { textFiles } from '../../connectors/files/index.ts'
import { pipeline, text, topic } from '../../src/index.ts'
import { resolveJobConfig, startJob } from '../../src/job/run.ts'
import { HangingCalls, SinkTable, transactionalTableSink } from '../support/hanging-connectors.ts'
import { simulationSeed } from '../support/seed.ts'
import { World } from '../support/world.ts'

const words = topic('words', { key: text, value: text, partitions: 1 })
const writing = pipeline('writing', ({ stream }) => {
  stream(textFiles('lines', { files: '/in/*.txt', partitions: 1 }))
    .keyBy('word', (line) => line)
    .to(words)
})

describe('a sink that keeps its own offset', () => {
  it('is gone on with where it says, and its group is told, though nothing comes', async () => {
    const world = new World(simulationSeed(4))
    const { clock } = world.simulation.actor('user')
    world.files.put('/in/a.txt', 'one\ntwo\nthree\n')
    await world.run(world.startBroker())
    const table = new SinkTable()
    const copying = pipeline('copying', ({ stream }) => {
      stream(words).to(transactionalTableSink(new HangingCalls(), table))
    })
    const run = async (one: typeof writing, appId: string): Promise<number | undefined> => {
      const config = resolveJobConfig({ appId, dataDirectory: `/${appId}`, follow: true })
      const job = await startJob(one, config, world.instance().ports)
      await clock.sleep(3000)
      // Before the stop, which commits whatever is behind.
      const [last] = await world.outside.committed(appId, 'words')
      await job.stop()
      return last?.offset
    }
    await world.run(run(writing, 'writing'))
    const first = await world.run(run(copying, 'first'))
    // The same sink under another application, whose group has no offsets.
    const second = await world.run(run(copying, 'second'))
    expect(table.values.sort()).toEqual(['one', 'three', 'two'])
    expect(first).toBeGreaterThanOrEqual(3)
    expect(second).toBe(first)
  })
})
