import { createHash } from 'node:crypto'
import { filter, firstValueFrom, timeout } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { textFiles } from '../../connectors/files/index.ts'
import type { SinkConnector } from '../../src/connector/index.ts'
import { bytes, nothing, nullable, type Pipeline, pipeline, run, type Serde, text, topic } from '../../src/index.ts'
import { batchSizeAt, readBatchHeader } from '../../src/protocol/batch-header.ts'
import { committedTextsIn } from '../support/broker-harness.ts'
import { runToEnd, scratch, writeTexts } from '../support/job-runner.ts'
import { type KafkaSession, withSession } from '../support/kafka-session.ts'
import { batchOf, record } from '../support/record-batches.ts'
import type { EngineEnvironment } from './engine-suite.ts'

let names = 0
const unique = (of: string): string => `${of}-${process.pid}-${Date.now().toString(36)}-${names++}`

/** What a record without key and headers and with a value of 64 to 8,191 bytes adds to it, batch header included. */
const aloneBytes = 70

/** Whether a job may still be stopped by a test that waits for it in vain. */
const patienceMs = 20_000

/** A sink that forgets what it gets. */
const sink: SinkConnector<string, number> = {
  kind: 'sink-connector',
  name: 'away',
  guarantee: 'idempotent',
  open: async () => ({ write: async () => undefined, flush: async () => undefined, close: async () => undefined }),
}

/** Batches and records against `max.message.bytes` of every topic that a job writes. */
export function engineLimitsSuite(title: string, environment: () => EngineEnvironment): void {
  const at = <T>(folder: string, use: (session: KafkaSession) => Promise<T>): Promise<T> =>
    environment().withBrokers(folder, (brokers) => withSession(brokers, use))

  /** The records of partition 0 of a topic, and the size of each batch that has any. */
  const read = async (session: KafkaSession, name: string): Promise<{ values: string[]; sizes: number[] }> => {
    const values: string[] = []
    const sizes: number[] = []
    for (let offset = 0; ; ) {
      const answer = await session.fetch(name, offset, { committed: true })
      const bytes = Buffer.from(answer.records ?? [])
      if (bytes.length === 0) return { values, sizes }
      const { texts } = committedTextsIn(bytes, answer.abortedTransactions ?? [])
      values.push(...texts.map(([, value]) => value))
      for (let start = 0; start < bytes.length; ) {
        const size = batchSizeAt(bytes, start, bytes.length)
        if (size === 0) break
        const header = readBatchHeader(bytes, start, size)
        offset = header.baseOffset + header.lastOffsetDelta + 1
        sizes.push(size)
        start += size
      }
    }
  }

  /** Lines of files into a topic. */
  const copying = (files: string, output: string, onProcessError: 'fail' | 'skip' = 'fail', name = unique('copy')) =>
    pipeline(name, ({ stream }) => {
      stream(textFiles('lines', { files, partitions: 1 }), { onProcessError })
        .map((line) => line)
        .to(topic(output, { key: nothing, value: text, partitions: 1 }))
    })

  describe(`the limits of topics on ${title}`, () => {
    it('cut batches, so that many small records go to a topic that takes small batches', async () => {
      await using folder = await scratch()
      const lines = Array.from({ length: 1000 }, (_, i) => `${i}`.padEnd(100, 'x'))
      const files = await writeTexts(folder.path, { 'a.txt': `${lines.join('\n')}\n` })
      const output = unique('small')
      await at(folder.path, (session) => session.createTopic(output, 1, { 'max.message.bytes': '20000' }))
      await runToEnd(copying(files, output), null, environment().config(folder.path))
      const { values, sizes } = await at(folder.path, (session) => read(session, output))
      expect(values).toEqual(lines)
      expect(Math.max(...sizes)).toBeLessThanOrEqual(20_000)
      // Full ones: a record has 107 bytes at the most, and of two batches a commit may have cut the last.
      expect(sizes.filter((size) => size > 20_000 - 108).length).toBeGreaterThanOrEqual(2)
    })

    it('pass over a value that its serde gives no bytes for, which is neither a delete nor anything else', async () => {
      await using folder = await scratch()
      const files = await writeTexts(folder.path, { 'a.txt': 'a\nnull\ntext\nb\n' })
      const odd: Serde<string> = {
        ...text,
        serialize: (value) =>
          value === 'null' ? (null as never) : value === 'text' ? ('1234' as never) : text.serialize(value),
      }
      const output = unique('odd')
      const writing = (onProcessError: 'fail' | 'skip') =>
        pipeline(unique('writing'), ({ stream }) => {
          stream(textFiles('lines', { files, partitions: 1 }), { onProcessError })
            .map((line) => `${line}`)
            .to(topic(output, { key: nothing, value: odd, partitions: 1 }))
        })
      const config = environment().config(folder.path)
      await runToEnd(writing('skip'), null, config)
      expect((await at(folder.path, (session) => read(session, output))).values).toEqual(['a', 'b'])
      await expect(runToEnd(writing('fail'), null, config)).rejects.toThrow('serialize gave null')
    })

    it('let a record through that fills its topic to the byte, and refuse one byte more by name', async () => {
      await using folder = await scratch()
      const [limit, fits, tooLong] = [5000, 'f'.repeat(5000 - aloneBytes), 't'.repeat(5001 - aloneBytes)]
      const files = await writeTexts(folder.path, { 'a.txt': `a\n${fits}\nb\n${tooLong}\nc\n` })
      const [output, refusing] = [unique('exact'), unique('refusing')]
      await at(folder.path, async (session) => {
        await session.createTopic(output, 1, { 'max.message.bytes': `${limit}` })
        await session.createTopic(refusing, 1, { 'max.message.bytes': `${limit}` })
      })
      const config = environment().config(folder.path)
      await runToEnd(copying(files, output, 'skip'), null, config)
      const refused = runToEnd(copying(files, refusing), null, config)
      await expect(refused).rejects.toMatchObject({ code: 'RECORD_TOO_LARGE' })
      const { message } = (await refused.catch((error: Error) => error as Error)) as Error
      for (const said of ['5001 bytes', refusing, 'max.message.bytes', '5000']) expect(message).toContain(said)
      await at(folder.path, async (session) => {
        expect((await read(session, output)).values).toEqual(['a', fits, 'b', 'c'])
        expect((await read(session, refusing)).values).toEqual([])
      })
    })

    it('count headers, and leave no effect of a record that is passed over for them', async () => {
      await using folder = await scratch()
      const [from, output] = [unique('in'), unique('headed')]
      const headed = (value: string, room: number) => record('k', value, Date.now(), [['h', 'x'.repeat(room)]])
      await at(folder.path, async (session) => {
        await session.createTopic(from, 1)
        await session.createTopic(output, 1, { 'max.message.bytes': '500' })
        const given = batchOf([headed('a', 300), headed('too large', 600)])
        expect((await session.produce(from, given)).errorCode).toBe(0)
      })
      const kept = pipeline(unique('headed'), ({ stream }) => {
        const all = stream(topic(from, { key: text, value: text }), { until: 'end', onProcessError: 'skip' })
        const last = all.reduce('last', (_, value) => value)
        last.updates().to(topic(output, { key: text, value: nullable(text) }))
        return { last }
      })
      const { entries } = await runToEnd(kept as Pipeline, 'last', environment().config(folder.path))
      expect(entries).toEqual(new Map([['k', 'a']]))
      expect((await at(folder.path, (session) => read(session, output))).values).toEqual(['a'])
    })

    it('cut batches further where the broker makes them larger by compressing them anew', async () => {
      await using folder = await scratch()
      const lines = Array.from({ length: 50 }, (_, i) => `line ${i}`)
      const files = await writeTexts(folder.path, { 'a.txt': `${lines.join('\n')}\n` })
      const output = unique('anew')
      // 900 bytes that no compression makes fewer, and a limit that two of them fill to the byte before it.
      const noise = (of: string): Buffer => createHash('shake256', { outputLength: 900 }).update(of).digest()
      const limit = batchOf([record(null, 'x'.repeat(900)), record(null, 'x'.repeat(900))]).length
      await at(folder.path, (session) =>
        session.createTopic(output, 1, { 'max.message.bytes': `${limit}`, 'compression.type': 'gzip' }),
      )
      const noisy = pipeline(unique('noise'), ({ stream }) => {
        stream(textFiles('lines', { files, partitions: 1 }))
          .map((line): Uint8Array => noise(line))
          .to(topic(output, { key: nothing, value: bytes, partitions: 1 }))
      })
      const signal = AbortSignal.timeout(patienceMs)
      await runToEnd(noisy, null, { ...environment().config(folder.path), signal })
      expect(signal.aborted).toBe(false)
      const { values } = await at(folder.path, (session) => read(session, output))
      expect(values).toEqual(lines.map((line) => noise(line).toString()))
    })

    /** Every internal topic of this pipeline, and what of a long line it has to hold. */
    const everything = (appId: string, files: string) =>
      pipeline(appId, ({ stream }) => {
        stream(textFiles('lines', { files, partitions: 1 }))
          .keyBy('line', (line) => line)
          .count('counts')
          .to(sink)
      }) as Pipeline
    const internal = (appId: string) => ({
      ingest: `${appId}-lines-ingest`,
      positions: `${appId}-lines-positions`,
      repartition: `${appId}-line-repartition`,
      changelog: `${appId}-counts-changelog`,
      egress: `${appId}-away-egress`,
    })

    it('cut batches for internal topics, too, whose limit an operator has lowered', async () => {
      await using folder = await scratch()
      const lines = Array.from({ length: 500 }, (_, i) => `${i}`.padEnd(100, 'x'))
      const files = await writeTexts(folder.path, { 'a.txt': `${lines.join('\n')}\n` })
      const appId = unique('lowered')
      await at(folder.path, async (session) => {
        for (const [role, name] of Object.entries(internal(appId))) {
          const compact = ['positions', 'changelog'].includes(role) ? { 'cleanup.policy': 'compact' } : {}
          await session.createTopic(name, 1, { 'max.message.bytes': '2000', ...compact })
        }
      })
      const { entries } = await runToEnd(everything(appId, files), 'counts', environment().config(folder.path))
      expect(entries).toEqual(new Map(lines.map((line) => [line, 1])))
    })

    it.each(['ingest', 'positions', 'repartition', 'changelog', 'egress'] as const)(
      'name the %s topic where a record does not fit it, rather than try it for ever',
      async (role) => {
        await using folder = await scratch()
        const files = await writeTexts(folder.path, { 'a.txt': `${'x'.repeat(500)}\n` })
        const appId = unique(role)
        const name = internal(appId)[role]
        await at(folder.path, (session) => session.createTopic(name, 1, { 'max.message.bytes': '150' }))
        const signal = AbortSignal.timeout(patienceMs)
        const config = { ...environment().config(folder.path), signal }
        await expect(runToEnd(everything(appId, files), null, config)).rejects.toMatchObject({
          code: 'RECORD_TOO_LARGE',
          message: expect.stringMatching(new RegExp(`bytes.*${name}, whose max\\.message\\.bytes is 150`)),
        })
        expect(signal.aborted).toBe(false)
        // Nothing of it was committed: with room the same application begins where it was.
        await at(folder.path, (session) => session.alterTopic(name, { 'max.message.bytes': '5000' }))
        const { entries } = await runToEnd(everything(appId, files), 'counts', environment().config(folder.path))
        expect(entries).toEqual(new Map([['x'.repeat(500), 1]]))
      },
    )

    describe.skipIf(!environment().areBrokersShared)('that are lowered while a job runs', () => {
      /** A job that follows a topic; its output takes less from its first commit on. */
      const lowering = async (folder: string, limit: string, values: readonly string[]) => {
        const [from, to] = [unique('in'), unique('out')]
        const said: string[] = []
        const keep = (message: string, fields?: object): void => void said.push(`${message} ${JSON.stringify(fields)}`)
        const logger = { debug: () => undefined, info: () => undefined, warn: keep, error: keep }
        await at(folder, async (session) => {
          await session.createTopic(from, 1)
          await session.createTopic(to, 1)
          await session.send(from, ['first'])
        })
        const pass = pipeline(unique('lowered'), ({ stream }) => {
          stream(topic(from, { key: nothing, value: text })).to(topic(to, { key: nothing, value: text }))
        })
        const job = await run(pass, { ...environment().config(folder), follow: true, logger })
        await firstValueFrom(
          job.metrics$.pipe(
            filter(({ recordsCommitted: records }) => records > 0),
            timeout(patienceMs),
          ),
        )
        await at(folder, async (session) => {
          await session.alterTopic(to, { 'max.message.bytes': limit })
          await session.send(from, values)
        })
        return { job, to, said }
      }

      it('cost a reset, behind which batches fit', async () => {
        await using folder = await scratch()
        const values = Array.from({ length: 300 }, (_, i) => `${i}`.padEnd(100, 'x'))
        const { job, to, said } = await lowering(folder.path, '3000', values)
        await firstValueFrom(
          job.metrics$.pipe(
            filter(({ recordsCommitted: records }) => records >= 301),
            timeout(patienceMs),
          ),
        )
        await job.stop()
        const found = await at(folder.path, (session) => read(session, to))
        expect(found.values).toEqual(['first', ...values])
        expect(Math.max(...found.sizes)).toBeLessThanOrEqual(3000)
        expect(said.filter((line) => line.includes('RECORD_TOO_LARGE'))).toHaveLength(1)
        expect(said.join()).toMatch(/max\.message\.bytes.*3000/)
      })

      it('end the job by name where a record alone does not fit any more', async () => {
        await using folder = await scratch()
        const { job, to } = await lowering(folder.path, '150', ['y'.repeat(500)])
        await expect(job.done).rejects.toMatchObject({
          code: 'RECORD_TOO_LARGE',
          message: expect.stringMatching(new RegExp(`${to}, whose max\\.message\\.bytes is 150`)),
        })
      })
    })
  })
}
