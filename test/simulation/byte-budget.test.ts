import { describe, expect, it } from 'vitest'
import { type Pipeline, pipeline, text, topic } from '../../src/index.ts'
import { simulationSeed } from '../support/seed.ts'
import { World } from '../support/world.ts'

const partitions = 20
const perPartition = 40
const value = Buffer.alloc(2000, 'x')

const merging = pipeline('merging', ({ stream }) => {
  const [left, right] = ['left', 'right'].map((name) =>
    stream(topic(name, { key: text, value: text }), { until: 'end' }),
  ) as [ReturnType<typeof stream<string, string>>, ReturnType<typeof stream<string, string>>]
  left
    .merge(right)
    .map((line) => line.slice(0, 1))
    .to(topic('out', { key: text, value: text, partitions }))
}) as Pipeline

describe('tasks with two inputs', () => {
  it.each([1, 200_000])(
    'come to their end with %i bytes of memory, whatever the other partitions hold',
    async (memoryBytes) => {
      const world = new World(simulationSeed(9))
      await world.run(world.startBroker())
      for (const name of ['left', 'right']) {
        await world.run(world.outside.createTopic(name, partitions))
        const records = Array.from({ length: partitions * perPartition }, (_, n) => ({
          key: Buffer.from(`k${n}`),
          value,
          // Every record of one topic comes before every record of the other: the task waits for the second all the while.
          timestamp: 1_700_000_000_000 + (name === 'left' ? 0 : 1000) + n,
          partition: n % partitions,
        }))
        await world.run(world.outside.write(name, records))
      }
      await world.run(world.runToEnd(merging, null, { dataDirectory: '/data', memoryBytes }))
      const { records } = await world.run(world.read('out'))
      expect(records).toHaveLength(2 * partitions * perPartition)
    },
  )
})
