import { Kafka, logLevel, type Message } from 'kafkajs'
import { concatMap, delay, filter, map, mergeMap, of } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { textFiles } from '../../connectors/files/index.ts'
import {
  bigint64,
  bool,
  int32,
  int64,
  json,
  type Pipeline,
  pipeline,
  structured,
  text,
  topic,
} from '../../src/index.ts'
import type { JobConfig } from '../../src/job/job-config.ts'
import { runToEnd, scratch, wordCounts, writeTexts } from '../support/job-runner.ts'

/** One way to brokers, as a test of the engine uses it. */
export interface EngineEnvironment {
  /** What a job of this directory is run with. */
  config(dataDirectory: string): JobConfig
  /** Whether foreign clients come to the brokers while a job runs, too. */
  readonly areBrokersShared: boolean
  /** Lets a foreign client at the brokers while no job runs. */
  withBrokers<T>(dataDirectory: string, use: (brokers: string) => Promise<T>): Promise<T>
}

interface Read {
  readonly key: string | null
  readonly value: Buffer | null
  readonly partition: number
  readonly timestamp: number
  readonly headers: Record<string, string>
}

let names = 0
const unique = (of: string): string => `${of}-${process.pid}-${Date.now().toString(36)}-${names++}`
const kafka = (brokers: string): Kafka => new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING })

/** Makes a topic, and writes to it as a foreign client. */
export async function write(brokers: string, name: string, partitions: number, messages: Message[]): Promise<void> {
  const admin = kafka(brokers).admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic: name, numPartitions: partitions }], waitForLeaders: true })
  await admin.disconnect()
  const producer = kafka(brokers).producer()
  await producer.connect()
  if (messages.length > 0) await producer.send({ topic: name, messages })
  await producer.disconnect()
}

/** What is committed in a topic, until it is enough, by kafkajs' public consumer under read_committed. */
export async function read(
  brokers: string,
  name: string,
  until: number | ((all: readonly Read[]) => boolean),
): Promise<Read[]> {
  const consumer = kafka(brokers).consumer({ groupId: unique('reader'), readUncommitted: false, maxWaitTimeInMs: 50 })
  await consumer.connect()
  await consumer.subscribe({ topics: [name], fromBeginning: true })
  const all: Read[] = []
  const isEnough = typeof until === 'number' ? (read: readonly Read[]) => read.length >= until : until
  await new Promise<void>((resolve, reject) => {
    consumer
      .run({
        eachMessage: async ({ partition, message }) => {
          const headers = Object.entries(message.headers ?? {}).map(([k, v]) => [k, String(v)])
          all.push({
            key: message.key === null ? null : message.key.toString(),
            value: message.value,
            partition,
            timestamp: Number(message.timestamp),
            headers: Object.fromEntries(headers),
          })
          if (isEnough(all)) resolve()
        },
      })
      .catch(reject)
  })
  await consumer.disconnect()
  return all
}

const asText = (value: Buffer | null): string | null => value?.toString() ?? null

/** What the engine does, whatever it runs on. */
export function engineSuite(title: string, environment: () => EngineEnvironment): void {
  describe(`the engine on ${title}`, () => {
    it('counts the words of files exactly, and nothing twice when it runs again', async () => {
      await using folder = await scratch()
      const bodies = { 'a.txt': 'the quick fox\nthe lazy dog\r\n', 'b.txt': `${'the end\n'.repeat(500)}last` }
      const files = await writeTexts(folder.path, bodies)
      const output = unique('counts')
      const wordCount = pipeline(unique('wc'), ({ stream }) => {
        const counts = stream(textFiles('texts', { files }))
          .pipe(
            mergeMap((line) => line.toLowerCase().match(/\p{L}+/gu) ?? []),
            filter((word) => word.length > 1),
          )
          .keyBy('word', (word) => word)
          .count('word-counts')
        counts.to(topic(output, { key: text, value: int64 }))
        return { counts }
      })
      const expected = wordCounts(Object.values(bodies))
      const config = environment().config(folder.path)
      expect((await runToEnd(wordCount as Pipeline, 'word-counts', config)).entries).toEqual(expected)
      const again = await runToEnd(wordCount as Pipeline, 'word-counts', config)
      expect(again.entries).toEqual(expected)
      expect(again.job.resumed.size).toBeGreaterThan(0)
      const lastOf = (all: readonly Read[]) =>
        new Map(all.map(({ key, value }) => [key, Number(value?.readBigInt64BE(0))]))
      const total = (counts: ReadonlyMap<unknown, number>) =>
        [...counts.values()].reduce((sum, count) => sum + count, 0)
      const seen = await environment().withBrokers(folder.path, (brokers) =>
        read(brokers, output, (all) => total(lastOf(all)) >= total(expected)),
      )
      expect(lastOf(seen)).toEqual(expected)
    })

    it('hands records from topic to topic with key, value, time, headers and partition', async () => {
      await using folder = await scratch()
      const [from, to] = [unique('in'), unique('out')]
      const messages = Array.from({ length: 50 }, (_, i) => ({
        key: i % 5 === 4 ? null : `key${i % 7}`,
        value: i === 9 ? null : `value ${i}`,
        timestamp: String(1_700_000_000_000 + i),
        headers: { n: String(i) },
      }))
      await environment().withBrokers(folder.path, (brokers) => write(brokers, from, 3, messages))
      const pass = pipeline(unique('pass'), ({ stream }) => {
        stream(topic(from, { key: text, value: text }), { until: 'end' }).to(
          topic(to, { key: text, value: text, partitions: 3 }),
        )
      })
      await runToEnd(pass, null, environment().config(folder.path))
      const [before, after] = await environment().withBrokers(folder.path, async (brokers) => [
        await read(brokers, from, 50),
        await read(brokers, to, 50),
      ])
      const keyed = (all: readonly Read[] | undefined) =>
        (all ?? [])
          .filter(({ key }) => key !== null)
          .map((one) => ({ ...one, value: asText(one.value) }))
          .sort((a, b) => a.timestamp - b.timestamp)
      expect(keyed(after)).toEqual(keyed(before))
      expect(after?.filter(({ key }) => key === null)).toHaveLength(10)
    })

    it('runs every stateless verb and RxJS operators, synchronous or not', async () => {
      await using folder = await scratch()
      const [from, to] = [unique('in'), unique('out')]
      const messages = Array.from({ length: 20 }, (_, i) => ({ key: 'k', value: String(i) }))
      await environment().withBrokers(folder.path, (brokers) => write(brokers, from, 1, messages))
      const seen: number[] = []
      const verbs = pipeline(unique('verbs'), ({ stream }) => {
        stream(topic(from, { key: text, value: text }), { until: 'end' })
          .map(Number)
          .filter((n) => n % 2 === 0)
          .tap((n) => {
            seen.push(n)
          })
          .flatMap((n) => [n, n + 100])
          .pipe(
            concatMap((n) => of(n).pipe(delay(1))),
            map((n) => n * 2),
          )
          .to(topic(to, { key: text, value: int32 }))
      })
      await runToEnd(verbs, null, environment().config(folder.path))
      const out = await environment().withBrokers(folder.path, (brokers) => read(brokers, to, 20))
      expect(out.map(({ value }) => value?.readInt32BE(0))).toEqual(
        [0, 2, 4, 6, 8, 10, 12, 14, 16, 18].flatMap((n) => [n * 2, (n + 100) * 2]),
      )
      expect(seen).toEqual([0, 2, 4, 6, 8, 10, 12, 14, 16, 18])
    })

    it('keeps state of every encoding over a restart, and tells each change of a table', async () => {
      await using folder = await scratch()
      const [from, changes] = [unique('in'), unique('changes')]
      const messages = ['a', 'b', 'a', 'a'].map((key, i) => ({
        key,
        value: String(i + 1),
        timestamp: String(1000 + i),
      }))
      await environment().withBrokers(folder.path, (brokers) => write(brokers, from, 1, messages))
      const state = pipeline(unique('state'), ({ stream }) => {
        const numbers = stream(topic(from, { key: text, value: text }), { until: 'end' }).map(Number)
        const summed = numbers.reduce('summed', (sum, n) => sum + n)
        summed.updates().to(topic(changes, { key: text, value: structured<{ n: number }['n'] | null>() }))
        const lists = numbers.aggregate(
          'lists',
          () => ({ all: [] as number[], at: new Date(0) }),
          (s, n) => ({ all: [...s.all, n], at: new Date(n) }),
        )
        const flags = numbers.aggregate(
          'flags',
          () => false,
          (flag, n) => flag || n > 2,
          bool,
        )
        const large = numbers.aggregate(
          'large',
          () => 0n,
          (sum, n) => sum + BigInt(n) * 2n ** 59n,
          bigint64,
        )
        const named = numbers.aggregate(
          'named',
          () => ({ n: 0 }),
          (s) => ({ n: s.n + 1 }),
          json<{ n: number }>(),
        )
        return { summed, lists, flags, large, named }
      })
      const config = environment().config(folder.path)
      const first = await runToEnd(state as Pipeline, 'summed', config)
      expect(first.entries).toEqual(
        new Map([
          ['a', 8],
          ['b', 2],
        ]),
      )
      expect((await runToEnd(state as Pipeline, 'lists', config)).entries).toEqual(
        new Map([
          ['a', { all: [1, 3, 4], at: new Date(4) }],
          ['b', { all: [2], at: new Date(2) }],
        ]),
      )
      expect((await runToEnd(state as Pipeline, 'flags', config)).entries).toEqual(
        new Map([
          ['a', true],
          ['b', false],
        ]),
      )
      expect((await runToEnd(state as Pipeline, 'large', config)).entries.get('a')).toBe(8n * 2n ** 59n)
      expect((await runToEnd(state as Pipeline, 'named', config)).entries.get('a')).toEqual({ n: 3 })
      const told = await environment().withBrokers(folder.path, (brokers) => read(brokers, changes, 4))
      expect(told.map(({ key, value }) => [key, JSON.parse(String(asText(value)))])).toEqual([
        ['a', 1],
        ['b', 2],
        ['a', 4],
        ['a', 8],
      ])
    })

    it('restores a store whose directory is gone', async () => {
      await using folder = await scratch()
      const from = unique('in')
      const messages = Array.from({ length: 300 }, (_, i) => ({ key: `k${i % 10}`, value: 'x' }))
      await environment().withBrokers(folder.path, (brokers) => write(brokers, from, 2, messages))
      const appId = unique('restore')
      const counting = pipeline(appId, ({ stream }) => {
        return { counts: stream(topic(from, { key: text, value: text }), { until: 'end' }).count('counts') }
      })
      const config = environment().config(folder.path)
      const expected = new Map(Array.from({ length: 10 }, (_, i) => [`k${i}`, 30]))
      expect((await runToEnd(counting as Pipeline, 'counts', config)).entries).toEqual(expected)
      const { rm } = await import('node:fs/promises')
      await rm(`${folder.path}/${appId}/stores`, { recursive: true })
      expect((await runToEnd(counting as Pipeline, 'counts', config)).entries).toEqual(expected)
    })

    it('passes over what does not decode or fails when told so, and stops by name otherwise', async () => {
      await using folder = await scratch()
      const from = unique('in')
      const messages = [
        { key: 'a', value: '{"n":1}' },
        { key: 'a', value: 'not json' },
        { key: 'a', value: '{"n":3}' },
      ]
      await environment().withBrokers(folder.path, (brokers) => write(brokers, from, 1, messages))
      const reading = (name: string, policy: 'fail' | 'skip') =>
        pipeline(name, ({ stream }) => {
          const numbers = stream(topic(from, { key: text, value: json<{ n: number }>() }), {
            until: 'end',
            onDecodeError: policy,
            onProcessError: policy,
          }).map(({ n }) => {
            if (n === 3 && policy === 'skip') throw new Error('three')
            return n
          })
          return { counts: numbers.count('counts') }
        })
      const config = environment().config(folder.path)
      const skipping = await runToEnd(reading(unique('skip'), 'skip') as Pipeline, 'counts', config)
      expect(skipping.entries).toEqual(new Map([['a', 1]]))
      await expect(runToEnd(reading(unique('fail'), 'fail') as Pipeline, 'counts', config)).rejects.toMatchObject({
        code: 'RECORD_DESERIALIZATION',
        context: { topic: from, partition: 0, offset: 1 },
      })
    })

    it('refuses a missing input by its name', async () => {
      await using folder = await scratch()
      const missing = unique('nowhere')
      const lost = pipeline(unique('lost'), ({ stream }) => {
        stream(topic(missing, { key: text, value: text }), { until: 'end' }).to(
          topic(unique('o'), { key: text, value: text }),
        )
      })
      await expect(runToEnd(lost, null, environment().config(folder.path))).rejects.toMatchObject({
        code: 'TOPIC_MISSING',
        context: { topic: missing },
      })
    })
  })
}
