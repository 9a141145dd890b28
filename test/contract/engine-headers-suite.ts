import { Kafka, logLevel } from 'kafkajs'
import { map } from 'rxjs'
import { describe, expect, it } from 'vitest'
import type { SinkConnector, SinkRecord, SourceConnector } from '../../src/connector/index.ts'
import { header, headerValues, nothing, nullable, type Pipeline, pipeline, text, topic } from '../../src/index.ts'
import { runToEnd, scratch } from '../support/job-runner.ts'
import { factLines } from '../support/kafka-facts.ts'
import { withSession } from '../support/kafka-session.ts'
import { restamped } from '../support/record-batches.ts'
import type { EngineEnvironment } from './engine-suite.ts'

let names = 0
const unique = (of: string): string => `${of}-${process.pid}-${Date.now().toString(36)}-${names++}`

/** Three records that Kafka's own classes have written: ten headers, one, and none. */
const kafkaBatch = (): Buffer => {
  const line = factLines('kafka-batches.txt').find((one) => one.startsWith('headers ')) as string
  return Buffer.from(line.split(' ')[1] as string, 'hex')
}

const bytes = (of: string): Buffer => Buffer.from(of)

/** What the first of them says, in the order of the wire: names that repeat, null, nothing, and no name. */
const expected: readonly (readonly [string, Buffer | null])[] = [
  ['trace', bytes('hop-1')],
  ['other', bytes('x')],
  ['trace', bytes('hop-2')],
  ['none', null],
  ['trace', bytes('')],
  ['', bytes('unnamed')],
  ['', null],
  ['größe', bytes('ü')],
  ['__proto__', bytes('p')],
  ['trace', bytes('hop-3')],
]

/** The bytes of a record from the count of its headers to its end. */
const wireOf = (headers: readonly (readonly [string, Buffer | null])[]): string =>
  Buffer.concat([
    Buffer.of(headers.length * 2),
    ...headers.flatMap(([name, value]) => [
      Buffer.of(Buffer.byteLength(name) * 2),
      bytes(name),
      Buffer.of(value === null ? 1 : value.length * 2),
      value ?? bytes(''),
    ]),
  ]).toString('hex')

/** A sink that keeps what it is given. */
function keepingSink(name: string): { sink: SinkConnector<string, string>; records: SinkRecord<string, string>[] } {
  const records: SinkRecord<string, string>[] = []
  const write = async (given: readonly SinkRecord<string, string>[]): Promise<void> => void records.push(...given)
  const open = async () => ({ write, flush: async () => undefined, close: async () => undefined })
  return { records, sink: { kind: 'sink-connector', name, guarantee: 'idempotent', open } }
}

/** Headers on their way through a job, on the wire of foreign clients at both ends. */
export function engineHeadersSuite(title: string, environment: () => EngineEnvironment): void {
  /** Puts the batch into a new topic. */
  const given = async (folder: string, batch: Buffer = kafkaBatch()): Promise<string> => {
    const name = unique('in')
    await environment().withBrokers(folder, (brokers) =>
      withSession(brokers, async (session) => {
        await session.createTopic(name, 1)
        expect((await session.produce(name, batch)).errorCode).toBe(0)
      }),
    )
    return name
  }

  /** All bytes of partition 0 of a topic, in hexadecimal. */
  const written = (folder: string, name: string): Promise<string> =>
    environment().withBrokers(folder, (brokers) =>
      withSession(brokers, async (session) => {
        const { records } = await session.fetch(name, 0, { committed: true })
        return Buffer.from(records ?? []).toString('hex')
      }),
    )

  describe(`headers on ${title}`, () => {
    it('pass every stateless step, a merge and a pipe byte for byte', async () => {
      await using folder = await scratch()
      const [from, to] = [await given(folder.path), unique('out')]
      const steps = pipeline(unique('steps'), ({ stream }) => {
        const all = stream(topic(from, { key: text, value: text }), { until: 'end' })
        const [odd, even] = [all.filter(() => false), all.filter(() => true)]
        odd
          .merge(even)
          .map((value) => `${value}!`)
          .flatMap((value) => [value, value])
          .tap(() => undefined)
          .pipe(map((value) => value.toUpperCase()))
          .keyBy('other', (value) => value)
          .to(topic(to, { key: text, value: text, partitions: 1 }))
      })
      await runToEnd(steps, null, environment().config(folder.path))
      const hex = await written(folder.path, to)
      expect(hex.split(wireOf(expected))).toHaveLength(3)
      expect(hex.split(wireOf([['none', null]]))).toHaveLength(3)
    })

    it('pass a repartition topic, and the updates of a table byte for byte', async () => {
      await using folder = await scratch()
      const [from, to, last] = [await given(folder.path), unique('out'), unique('last')]
      const counted = pipeline(unique('hop'), ({ stream }) => {
        const table = stream(topic(from, { key: text, value: text }), { until: 'end' })
          .keyBy('other', (value) => value)
          .reduce('last', (_, value) => value)
        table.updates().to(topic(to, { key: text, value: nullable(text), partitions: 1 }))
        table.to(topic(last, { key: text, value: text, partitions: 1 }))
      })
      await runToEnd(counted, null, environment().config(folder.path))
      const hex = await written(folder.path, to)
      expect(hex.split(wireOf(expected))).toHaveLength(2)
      expect(hex.split(wireOf([['none', null]]))).toHaveLength(2)
      // What a table hands on at the commit is a row, and no record's.
      expect(await written(folder.path, last)).not.toContain(bytes('none').toString('hex'))
    })

    it('come to a sink through its egress topic as an ordered list, and are looked up by name', async () => {
      await using folder = await scratch()
      const from = await given(folder.path)
      const { sink, records } = keepingSink('kept')
      const sinking = pipeline(unique('sink'), ({ stream }) => {
        stream(topic(from, { key: text, value: text }), { until: 'end' })
          .map((value) => value)
          .to(sink)
      })
      await runToEnd(sinking, null, environment().config(folder.path))
      expect(records.map(({ headers }) => headers)).toEqual([expected, [['none', null]], []])
      const [{ headers }] = records as [SinkRecord<string, string>]
      expect(String(header(headers, 'trace'))).toBe('hop-3')
      expect(headerValues(headers, 'trace').map(String)).toEqual(['hop-1', 'hop-2', '', 'hop-3'])
      expect([header(headers, ''), header(headers, 'absent')]).toEqual([null, undefined])
    })

    it('of a source connector are written as they were given', async () => {
      await using folder = await scratch()
      const to = unique('out')
      const source: SourceConnector<null, string, number> = {
        kind: 'source-connector',
        name: 'given',
        key: nothing,
        value: text,
        replay: 'exact',
        partitions: 1,
        splits: async () => [{ id: 'one' }],
        open: async (_split, at) => ({
          read: async () => ({
            records: at === null ? [{ key: null, value: bytes('v'), headers: expected }] : [],
            next: 1,
            done: true,
          }),
          close: async () => undefined,
        }),
      }
      const ingested = pipeline(unique('source'), ({ stream }) => {
        stream(source as SourceConnector<null, string>).to(topic(to, { key: nothing, value: text, partitions: 1 }))
      })
      await runToEnd(ingested, null, environment().config(folder.path))
      expect((await written(folder.path, to)).split(wireOf(expected))).toHaveLength(2)
    })

    it('of kafkajs come back to kafkajs, several of one name among them', async () => {
      await using folder = await scratch()
      const [from, to] = [unique('in'), unique('out')]
      const sent = { trace: ['hop-1', 'hop-2', 'hop-3'], one: 'x', größe: 'ü' }
      const kafka = (brokers: string) => new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING })
      await environment().withBrokers(folder.path, async (brokers) => {
        await withSession(brokers, (session) => session.createTopic(from, 1))
        const producer = kafka(brokers).producer()
        await producer.connect()
        await producer.send({ topic: from, messages: [{ key: 'k', value: 'v', headers: sent }] })
        await producer.disconnect()
      })
      const pass = pipeline(unique('pass'), ({ stream }) => {
        stream(topic(from, { key: text, value: text }), { until: 'end' }).to(topic(to, { key: text, value: text }))
      })
      await runToEnd(pass, null, environment().config(folder.path))
      const received = await environment().withBrokers(folder.path, async (brokers) => {
        const consumer = kafka(brokers).consumer({ groupId: unique('reader'), maxWaitTimeInMs: 50 })
        await consumer.connect()
        await consumer.subscribe({ topics: [to], fromBeginning: true })
        const message = await new Promise<Readonly<Record<string, unknown>>>((resolve, reject) => {
          consumer.run({ eachMessage: async (one) => resolve(one.message.headers ?? {}) }).catch(reject)
        })
        await consumer.disconnect()
        return message
      })
      const shown = Object.entries(received).map(([name, value]) => [name, [value].flat().map(String)])
      expect(Object.fromEntries(shown)).toEqual({ ...sent, one: ['x'], größe: ['ü'] })
    })

    it('whose name is not UTF-8 are for the decode policy, and never altered', async () => {
      await using folder = await scratch()
      const broken = kafkaBatch()
      broken[broken.indexOf('other')] = 0xff
      const from = await given(folder.path, restamped(broken))
      const reading = (policy: 'fail' | 'skip') =>
        pipeline(unique(policy), ({ stream }) => ({
          counts: stream(topic(from, { key: text, value: text }), { until: 'end', onDecodeError: policy }).count('n'),
        })) as Pipeline
      const config = environment().config(folder.path)
      await expect(runToEnd(reading('fail'), null, config)).rejects.toMatchObject({
        code: 'RECORD_DESERIALIZATION',
        message: expect.stringContaining('header'),
        context: { topic: from, partition: 0, offset: 0 },
      })
      expect((await runToEnd(reading('skip'), 'n', config)).entries).toEqual(new Map([['key', 2]]))
    })
  })
}
