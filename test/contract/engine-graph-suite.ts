import { Kafka, logLevel } from 'kafkajs'
import { describe, expect, it } from 'vitest'
import type { SourceConnector } from '../../src/connector/index.ts'
import { int64, type Pipeline, type PipelineBuilder, pipeline, text, topic } from '../../src/index.ts'
import { keyedSource } from '../support/connectors.ts'
import { runToEnd, scratch } from '../support/job-runner.ts'
import type { EngineEnvironment } from './engine-suite.ts'

let names = 0
const unique = (of: string): string => `${of}-${process.pid}-${Date.now().toString(36)}-${names++}`

const keys = Array.from({ length: 12 }, (_, i) => `key-${i}`)

/** A source whose splits each have every key, as text, once. */
function manySplits(name: string, splits: number): SourceConnector<string, string> {
  return {
    ...keyedSource(name, text, 2),
    splits: async () => Array.from({ length: splits }, (_, index) => ({ id: `split-${index}` })),
    open: async (_split, from) => ({
      read: async () => ({
        records: from === null ? keys.map((key) => ({ key: Buffer.from(key), value: Buffer.from('v') })) : [],
        next: 'read',
        done: true,
      }),
      close: async () => undefined,
    }),
  }
}

/** Writes each key once, to where the partitioner of a client puts it, into a topic that is there or is made. */
async function writeKeys(brokers: string, name: string, partitions: number): Promise<void> {
  const kafka = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING })
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic: name, numPartitions: partitions }], waitForLeaders: true })
  await admin.disconnect()
  const producer = kafka.producer()
  await producer.connect()
  await producer.send({ topic: name, messages: keys.map((key) => ({ key, value: 'v' })) })
  await producer.disconnect()
}

/** Each key, as often as it has to be counted. */
const each = (count: number): ReadonlyMap<string, number> => new Map(keys.map((key) => [key, count]))

/** What the plan makes of streams whose records are not where their keys are, on whatever brokers. */
export function engineGraphSuite(title: string, environment: () => EngineEnvironment): void {
  const counted = async (
    name: string,
    folder: string,
    build: (builder: PipelineBuilder) => void,
  ): Promise<ReadonlyMap<unknown, unknown>> => {
    const given = pipeline(name, (builder) => {
      build(builder)
    }) as Pipeline
    return (await runToEnd(given, 'counts', environment().config(folder))).entries
  }

  describe(`one key, one row, on ${title}`, () => {
    it('behind a connector whose splits give the same keys, run after run', async () => {
      await using folder = await scratch()
      const name = unique('splits')
      const run = (splits: number) =>
        counted(name, folder.path, ({ stream }) => {
          stream(manySplits('entries', splits)).count('counts')
        })
      expect(await run(4)).toEqual(each(4))
      // Two new splits: the rows are where they were.
      expect(await run(6)).toEqual(each(6))
    })

    it('behind a merge of topics of two and of three partitions, run after run', async () => {
      await using folder = await scratch()
      const [two, three, all] = [unique('two'), unique('three'), unique('all')]
      const fill = () =>
        environment().withBrokers(folder.path, async (brokers) => {
          await writeKeys(brokers, two, 2)
          await writeKeys(brokers, three, 3)
        })
      const name = unique('merged')
      const run = () =>
        counted(name, folder.path, ({ stream }) => {
          const sides = [two, three].map((side) => stream(topic(side, { key: text, value: text }), { until: 'end' }))
          const [left, right] = sides as [(typeof sides)[number], (typeof sides)[number]]
          const both = left.merge(right)
          both.count('counts').to(topic(all, { key: text, value: int64, partitions: 1 }))
        })
      await fill()
      expect(await run()).toEqual(each(2))
      await fill()
      expect(await run()).toEqual(each(4))
    })

    it('behind a keyBy of such a merge, whose tasks read what has their partition', async () => {
      await using folder = await scratch()
      const [two, three] = [unique('two'), unique('three')]
      await environment().withBrokers(folder.path, async (brokers) => {
        await writeKeys(brokers, two, 2)
        await writeKeys(brokers, three, 3)
      })
      const found = await counted(unique('rekeyed'), folder.path, ({ stream }) => {
        stream(topic(two, { key: text, value: text }), { until: 'end' })
          .merge(stream(topic(three, { key: text, value: text }), { until: 'end' }))
          .keyBy('value', (v) => v)
          .count('counts')
      })
      expect(found).toEqual(new Map([['v', 2 * keys.length]]))
    })

    it("never through a topic of the user's, which a repartition topic would be called like", async () => {
      await using folder = await scratch()
      const [name, appId, read] = [unique('named'), unique('app'), unique('read')]
      const taken = `${appId}-counts-repartition`
      await environment().withBrokers(folder.path, async (brokers) => {
        await writeKeys(brokers, read, 2)
        await writeKeys(brokers, taken, 2)
      })
      const given = pipeline(name, ({ stream }) => {
        const lines = stream(topic(read, { key: text, value: text }), { until: 'end' })
        lines.count('counts')
        lines.to(topic(taken, { key: text, value: text }))
      }) as Pipeline
      const config = { ...environment().config(folder.path), appId }
      await expect(runToEnd(given, 'counts', config)).rejects.toMatchObject({
        code: 'PLAN_INVALID',
        message: expect.stringContaining(`topic ${taken}: expected a topic of the user's, found the repartition topic`),
      })
    })
  })
}
