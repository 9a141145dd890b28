import type { Message } from 'kafkajs'
import { map } from 'rxjs'
import { describe, expect, it } from 'vitest'
import type { SinkConnector, SinkRecord } from '../../src/connector/index.ts'
import {
  int64,
  nullable,
  type Pipeline,
  type PipelineBuilder,
  pipeline,
  type Stream,
  text,
  topic,
} from '../../src/index.ts'
import { run } from '../../src/job/run.ts'
import { runToEnd, scratch } from '../support/job-runner.ts'
import { type EngineEnvironment, read, write } from './engine-suite.ts'

let names = 0
const unique = (of: string): string => `${of}-${process.pid}-${Date.now().toString(36)}-${names++}`

/** A value, its delete, a record without a key, and a delete of what never was. */
const given: Message[] = [
  { key: 'a', value: '1' },
  { key: 'a', value: null },
  { key: null, value: '2' },
  { key: 'b', value: null },
]

/** Records without values and without keys on their way through a job, between foreign clients at both ends. */
export function engineNullsSuite(title: string, environment: () => EngineEnvironment): void {
  interface Scene {
    readonly from: string
    readonly to: string
    readonly folder: string
  }
  const texts = (name: string) => topic(name, { key: text, value: text, partitions: 1 })
  const maybes = (name: string) => topic(name, { key: text, value: nullable(text), partitions: 1 })

  /** Runs a pipeline over the given records. @returns how many records it dropped */
  const runOver = async (
    use: (scene: Scene) => (builder: PipelineBuilder) => void,
    check: (scene: Scene, dropped: number) => Promise<void>,
  ): Promise<void> => {
    await using folder = await scratch()
    const scene = { from: unique('in'), to: unique('out'), folder: folder.path }
    await environment().withBrokers(folder.path, (brokers) => write(brokers, scene.from, 1, given))
    const job = await run(pipeline(unique('nulls'), use(scene)) as Pipeline, environment().config(folder.path))
    let dropped = 0
    job.metrics$.subscribe((metrics) => {
      dropped = metrics.dropped
    })
    await job.done
    await check(scene, dropped)
  }

  /** What a foreign consumer finds in the output. */
  const output = async ({ to, folder }: Scene, until: Parameters<typeof read>[2]): Promise<(string | null)[][]> => {
    const records = await environment().withBrokers(folder, (brokers) => read(brokers, to, until))
    return records.map(({ key, value }) => [key, value?.toString() ?? null])
  }

  describe(`nulls on ${title}`, () => {
    it.each<[string, (of: Stream<string, string>) => Stream<string, string>]>([
      ['nothing', (of) => of],
      ['a tap', (of) => of.tap((value) => void value.length)],
      [
        'every step that keeps the key',
        (of) =>
          of
            .tap((value) => void value.length)
            .filter((value) => value.length > 0)
            .map((value) => value.trim())
            .flatMap((value) => [value.trim()])
            .pipe(map((value) => value.trim())),
      ],
    ])('%s between two topics drops no delete and shows none', (_, steps) =>
      runOver(
        ({ from, to }) =>
          ({ stream }) =>
            steps(stream(texts(from), { until: 'end' })).to(texts(to)),
        async (scene, dropped) => {
          expect(await output(scene, 4)).toEqual([
            ['a', '1'],
            ['a', null],
            [null, '2'],
            ['b', null],
          ])
          expect(dropped).toBe(0)
        },
      ),
    )

    it('are dropped and counted by what works by key, also behind a topic that carries no values', async () => {
      const seen: (string | number)[][] = []
      const keeping: SinkConnector<string, number> = {
        kind: 'sink-connector',
        name: 'keeping',
        guarantee: 'idempotent',
        open: async () => ({
          write: async (records) =>
            void seen.push(...records.map(({ key, value }) => [key ?? 'none', value ?? 'none'])),
          flush: async () => undefined,
          close: async () => undefined,
        }),
      }
      await runOver(
        ({ from }) =>
          ({ stream }) => {
            const all = stream(texts(from), { until: 'end' })
            all.count('direct').to(keeping)
            // One null is made here, of the record without a key; the deletes have nothing to make a key from.
            all
              .map((value) => (value === '2' ? null : value))
              .keyBy('again', () => 'all')
              .count('hop')
          },
        async (_, dropped) => {
          expect(seen).toEqual([['a', 1]])
          // Two deletes and one record without a key; two deletes at the keyBy; the null that was made, behind it.
          expect(dropped).toBe(3 + 2 + 1)
        },
      )
    })

    it('leave a table as deletes, by its changes and by its last ones', () =>
      runOver(
        ({ from, to }) =>
          ({ stream }) => {
            const table = stream(texts(from), { until: 'end' })
              .keyBy('all', () => 'all')
              .reduce('gone', () => null)
            table.to(texts(`${to}-last`))
            table.updates().to(maybes(to))
          },
        async (scene) => {
          expect(await output(scene, 2)).toEqual([
            ['all', '1'],
            ['all', null],
          ])
          // A commit between the two records would have the first one written, too.
          const last = await output({ ...scene, to: `${scene.to}-last` }, (all) => all.at(-1)?.value === null)
          expect(last.at(-1)).toEqual(['all', null])
        },
      ))

    it('are shown behind a nullable topic, and null goes to one as a delete', () =>
      runOver(
        ({ from, to }) =>
          ({ stream }) =>
            stream(maybes(from), { until: 'end' })
              .map((value) => (value === null ? 'none' : value === '1' ? null : value))
              .to(maybes(to)),
        async (scene) =>
          expect(await output(scene, 4)).toEqual([
            ['a', null],
            ['a', 'none'],
            [null, '2'],
            ['b', 'none'],
          ]),
      ))

    it('come to a sink outside Kafka as null', async () => {
      const records: SinkRecord<string, string>[] = []
      const sink: SinkConnector<string, string> = {
        kind: 'sink-connector',
        name: 'kept',
        guarantee: 'idempotent',
        open: async () => ({
          write: async (some) => void records.push(...some),
          flush: async () => undefined,
          close: async () => undefined,
        }),
      }
      await runOver(
        ({ from }) =>
          ({ stream }) =>
            stream(texts(from), { until: 'end' })
              .map((value) => value)
              .to(sink),
        async () =>
          expect(records.map(({ key, value }) => [key, value])).toEqual([
            ['a', '1'],
            ['a', null],
            [null, '2'],
            ['b', null],
          ]),
      )
    })

    it.each<[string, string, null | undefined, string]>([
      ['null into a topic that holds none', 'RECORD_SERIALIZATION', null, 'found null'],
      ['undefined', 'RECORD_PROCESSING', undefined, 'map: expected its function to give a value, found undefined'],
    ])('are never made by accident: %s fails its record', async (_, code, made, message) => {
      await using folder = await scratch()
      const [from, to] = [unique('in'), unique('out')]
      await environment().withBrokers(folder.path, (brokers) => write(brokers, from, 1, given))
      const build = ({ stream }: PipelineBuilder): void => {
        // As a pipeline file without a type check would have it.
        const wrong = () => made as unknown as number
        stream(texts(from), { until: 'end' })
          .map(wrong)
          .to(topic(to, { key: text, value: int64, partitions: 1 }))
      }
      const failing = runToEnd(pipeline(unique('wrong'), build) as Pipeline, null, environment().config(folder.path))
      await expect(failing).rejects.toMatchObject({ code, message: expect.stringContaining(message) })
    })
  })
}
