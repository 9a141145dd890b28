import { execFile, spawnSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Kafka, logLevel } from 'kafkajs'
import { describe, expect, it } from 'vitest'
import { consoleSink } from '../../connectors/console/index.ts'
import { textFiles } from '../../connectors/files/index.ts'
import { int64, type Pipeline, pipeline, run, text, topic } from '../../src/index.ts'
import { runToEnd, scratch, writeTexts } from '../support/job-runner.ts'
import type { EngineEnvironment } from './engine-suite.ts'

const execute = promisify(execFile)
const hasKcat = spawnSync('kcat', ['-V']).error === undefined

let names = 0
const unique = (of: string): string => `${of}-${process.pid}-${Date.now().toString(36)}-${names++}`
const kafkaAt = (brokers: string): Kafka => new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING })

/** Lines of files, counted by what they say, into a topic. */
function counting(name: string, files: string, output: string, settings: { readonly partitions?: number } = {}) {
  return pipeline(name, ({ stream }) => {
    const counts = stream(textFiles('lines', { files, partitions: 2 }))
      .keyBy('line', (line) => line)
      .count('counts')
    counts.to(topic(output, { key: text, value: int64, config: { 'retention.ms': '86400000' }, ...settings }))
    return { counts }
  })
}

/** What the engine does at its edges: with foreign clients, foreign topics, damage, and whoever asks and listens. */
export function engineEdgesSuite(title: string, environment: () => EngineEnvironment): void {
  describe(`the edges of the engine on ${title}`, () => {
    it.skipIf(!hasKcat)('writes what kcat reads under read_committed (needs kcat)', async () => {
      await using folder = await scratch()
      const files = await writeTexts(folder.path, { 'a.txt': `${'alpha\nbeta\n'.repeat(200)}alpha\n` })
      const output = unique('out')
      await runToEnd(counting(unique('count'), files, output) as Pipeline, null, environment().config(folder.path))
      const printed = await environment().withBrokers(folder.path, async (brokers) => {
        const given = ['-b', brokers, '-C', '-t', output, '-e', '-q', '-X', 'isolation.level=read_committed']
        return (await execute('kcat', [...given, '-s', 'value=q', '-f', '%k %s\\n'], { timeout: 30_000 })).stdout
      })
      const last = new Map(printed.split('\n').map((line) => line.split(' ') as [string, string]))
      expect([last.get('alpha'), last.get('beta')]).toEqual(['201', '200'])
    })

    it('creates the topics that it writes as they are declared, else with the partitions of who writes', async () => {
      await using folder = await scratch()
      const files = await writeTexts(folder.path, { 'a.txt': 'alpha\n' })
      const [declared, left] = [unique('declared'), unique('left')]
      const config = environment().config(folder.path)
      await runToEnd(counting(unique('count'), files, declared, { partitions: 5 }) as Pipeline, null, config)
      await runToEnd(counting(unique('count'), files, left) as Pipeline, null, config)
      await environment().withBrokers(folder.path, async (brokers) => {
        const admin = kafkaAt(brokers).admin()
        await admin.connect()
        try {
          const { topics } = await admin.fetchTopicMetadata({ topics: [declared, left] })
          expect(new Map(topics.map(({ name, partitions }) => [name, partitions.length]))).toEqual(
            new Map([
              [declared, 5],
              [left, 2],
            ]),
          )
          const { resources } = await admin.describeConfigs({
            includeSynonyms: false,
            resources: [{ type: 2, name: declared, configNames: ['retention.ms'] }],
          })
          expect(resources[0]?.configEntries[0]?.configValue).toBe('86400000')
        } finally {
          await admin.disconnect()
        }
      })
    })

    it('does not see what a foreign producer aborted', async () => {
      await using folder = await scratch()
      const from = unique('in')
      await environment().withBrokers(folder.path, async (brokers) => {
        const admin = kafkaAt(brokers).admin()
        await admin.connect()
        await admin.createTopics({ topics: [{ topic: from, numPartitions: 1 }], waitForLeaders: true })
        await admin.disconnect()
        const producer = kafkaAt(brokers).producer({
          transactionalId: unique('foreign'),
          maxInFlightRequests: 1,
          idempotent: true,
        })
        await producer.connect()
        for (const [value, isCommit] of [
          ['stays', true],
          ['aborted', false],
          ['stays', true],
          ['aborted', false],
        ] as const) {
          const transaction = await producer.transaction()
          await transaction.send({ topic: from, messages: [{ key: value, value }] })
          await (isCommit ? transaction.commit() : transaction.abort())
        }
        await producer.disconnect()
      })
      const counted = pipeline(unique('count'), ({ stream }) => ({
        counts: stream(topic(from, { key: text, value: text }), { until: 'end' }).count('counts'),
      }))
      const { entries } = await runToEnd(counted as Pipeline, 'counts', environment().config(folder.path))
      expect(entries).toEqual(new Map([['stays', 2]]))
    })

    it('answers from its stores what is committed, and tells who watches', async () => {
      await using folder = await scratch()
      const files = await writeTexts(folder.path, { 'a.txt': 'alpha\nbeta\nalpha\n' })
      const heard: (number | undefined)[] = []
      let found: readonly unknown[] = []
      const job = await run(counting(unique('count'), files, unique('out')), {
        ...environment().config(folder.path),
        beforeClose: async () => {
          const counts = job.store('counts')
          const entries = []
          for await (const [key, value] of counts) entries.push(`${key}=${value}`)
          found = [await counts.get('alpha'), await counts.get('beta'), await counts.get('gamma'), entries.sort()]
        },
      })
      // At once, before any task is open: as anybody does who has just started a job.
      const watching = job.store('counts').watch('alpha')
      watching.subscribe((value) => heard.push(value))
      await job.done
      expect(found).toEqual([2, 1, undefined, ['alpha=2', 'beta=1']])
      expect(heard.at(-1)).toBe(2)
      expect(heard.slice(0, -1).every((value) => value === undefined || value === 1)).toBe(true)
    })

    it('hands a table to a console sink, a line a record', async () => {
      await using folder = await scratch()
      const files = await writeTexts(folder.path, { 'a.txt': 'alpha\nbeta\nalpha\n' })
      let printed = ''
      const output = {
        write(chunk: string, done: (error?: Error | null) => void) {
          printed += chunk
          done()
          return true
        },
        on: () => undefined,
        once: () => undefined,
        off: () => undefined,
        removeListener: () => undefined,
      }
      const printing = pipeline(unique('print'), ({ stream }) => {
        stream(textFiles('lines', { files, partitions: 1 }))
          .keyBy('line', (line) => line)
          .count('counts')
          .to(consoleSink('out', { output: output as never }))
      })
      await runToEnd(printing, null, environment().config(folder.path))
      const last = new Map(
        printed
          .trim()
          .split('\n')
          .map((line) => line.split('\t') as [string, string]),
      )
      expect(last).toEqual(
        new Map([
          ['alpha', '2'],
          ['beta', '1'],
        ]),
      )
    })

    it('puts a damaged store aside, says so, and restores it', async () => {
      await using folder = await scratch()
      const files = await writeTexts(folder.path, { 'a.txt': 'alpha\nbeta\nalpha\n' })
      const appId = unique('damaged')
      const said: string[] = []
      const logger = {
        debug: () => undefined,
        info: () => undefined,
        error: () => undefined,
        warn: (message: string) => void said.push(message),
      }
      const config = { ...environment().config(folder.path), appId, logger }
      const counted = counting(appId, files, unique('out')) as Pipeline
      const { entries } = await runToEnd(counted, 'counts', config)
      for (const partition of ['0', '1']) {
        await writeFile(join(folder.path, appId, 'stores', 'counts', partition, 'CURRENT'), 'MANIFEST-999999\n')
      }
      expect((await runToEnd(counted, 'counts', config)).entries).toEqual(entries)
      expect(said.filter((message) => /put aside and restored/.test(message))).toHaveLength(2)
    })

    it('refuses an internal topic that has other partitions than the pipeline needs', async () => {
      await using folder = await scratch()
      const files = await writeTexts(folder.path, { 'a.txt': 'alpha\n' })
      const appId = unique('mismatch')
      await environment().withBrokers(folder.path, async (brokers) => {
        const admin = kafkaAt(brokers).admin()
        await admin.connect()
        const taken = { topic: `${appId}-line-repartition`, numPartitions: 7 }
        await admin.createTopics({ topics: [taken], waitForLeaders: true })
        await admin.disconnect()
      })
      const counted = counting(appId, files, unique('out')) as Pipeline
      await expect(runToEnd(counted, null, environment().config(folder.path))).rejects.toMatchObject({
        code: 'TOPIC_MISMATCH',
        message: expect.stringContaining(`${appId}-line-repartition`),
      })
    })
  })
}
