import { Kafka, logLevel } from 'kafkajs'
import { describe, expect, it } from 'vitest'
import { textFiles } from '../../connectors/files/index.ts'
import { type Pipeline, pipeline, type Stream } from '../../src/index.ts'
import { keepingLogger } from '../support/bare-thread.ts'
import { withBrokerOf } from '../support/embedded-broker.ts'
import { runToEnd, scratch, writeTexts } from '../support/job-runner.ts'

const topic = 'lines-line-repartition'

/** Counts lines; what is done with them before they are counted decides whether values are needed behind the key. */
function counting(files: string, before: (lines: Stream<string, string>) => Stream<string, string>): Pipeline {
  return pipeline('lines', ({ stream }) => {
    before(stream(textFiles('files', { files, partitions: 1 })).keyBy('line', (line) => line)).count('counts')
    return {}
  }) as Pipeline
}

/** Leaves records in the repartition topic that no task has read, as an earlier version of the pipeline wrote them. */
const leave = (dataDirectory: string, messages: readonly { key: string; value: string }[]): Promise<void> =>
  withBrokerOf(dataDirectory, async (brokers) => {
    const producer = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING }).producer()
    await producer.connect()
    try {
      await producer.send({ topic, messages: messages.map(({ key, value }) => ({ key, value: Buffer.from(value) })) })
    } finally {
      await producer.disconnect()
    }
  })

describe('a repartition topic whose values are left out, or needed again', () => {
  const seen: string[] = []
  const counts = (files: string): Pipeline => counting(files, (lines) => lines)
  const tapped = (files: string): Pipeline =>
    counting(files, (lines) => lines.tap((line, key) => void seen.push(`${key}=${line}`)))

  it('is read on where nobody waits to be read, whichever way it changes', async () => {
    await using folder = await scratch()
    const config = { dataDirectory: folder.path }
    const files = await writeTexts(folder.path, { 'a.txt': 'alpha\nbeta\n' })
    await runToEnd(counts(files), null, config)
    await writeTexts(folder.path, { 'b.txt': 'alpha\n\n' })
    seen.length = 0
    const { entries } = await runToEnd(tapped(files), 'counts', config)
    // An empty line is a value of no bytes, and not one that was left out.
    expect(entries).toEqual(
      new Map([
        ['alpha', 2],
        ['beta', 1],
        ['', 1],
      ]),
    )
    expect(seen.sort()).toEqual(['=', 'alpha=alpha'])
    await writeTexts(folder.path, { 'c.txt': 'alpha\n' })
    expect((await runToEnd(counts(files), 'counts', config)).entries.get('alpha')).toBe(3)
  })

  it('is refused while it holds what was left out, which the earlier version reads to its end', async () => {
    await using folder = await scratch()
    const config = { dataDirectory: folder.path }
    const files = await writeTexts(folder.path, { 'a.txt': 'alpha\n' })
    await runToEnd(counts(files), null, config)
    await leave(folder.path, [
      { key: 'alpha', value: '' },
      { key: 'beta', value: '' },
    ])
    await expect(runToEnd(tapped(files), null, config)).rejects.toMatchObject({
      code: 'PLAN_CHANGED',
      message: expect.stringMatching(
        /lines-line-repartition holds 2 records .*--drain.*--pass-over lines-line-repartition/,
      ),
    })
    await writeTexts(folder.path, { 'b.txt': 'gamma\n' })
    const drained = await runToEnd(counts(files), 'counts', { ...config, drain: true })
    // The line that came meanwhile is left where it is.
    expect(drained.entries).toEqual(
      new Map([
        ['alpha', 2],
        ['beta', 1],
      ]),
    )
    seen.length = 0
    const { entries } = await runToEnd(tapped(files), 'counts', config)
    expect(entries).toEqual(
      new Map([
        ['alpha', 2],
        ['beta', 1],
        ['gamma', 1],
      ]),
    )
    expect(seen).toEqual(['gamma=gamma'])
  })

  it('is read on without what was left out where the user says so, and each such record is counted as skipped', async () => {
    await using folder = await scratch()
    const { logger, lines } = keepingLogger()
    const config = { dataDirectory: folder.path, logger }
    const files = await writeTexts(folder.path, { 'a.txt': 'alpha\n' })
    await runToEnd(counts(files), null, config)
    await leave(folder.path, [
      { key: 'alpha', value: '' },
      { key: 'alpha', value: 'alpha' },
    ])
    const { entries } = await runToEnd(tapped(files), 'counts', { ...config, passOver: [topic] })
    expect(entries).toEqual(new Map([['alpha', 2]]))
    expect(lines.filter((line) => line.includes('was written without its value'))).toHaveLength(1)
  })

  it('is refused by the record that lacks its value where one is written behind the start', async () => {
    await using folder = await scratch()
    const config = { dataDirectory: folder.path }
    const files = await writeTexts(folder.path, { 'a.txt': 'alpha\n' })
    await runToEnd(tapped(files), null, config)
    await leave(folder.path, [{ key: 'beta', value: '' }])
    await expect(runToEnd(tapped(files), null, config)).rejects.toMatchObject({
      code: 'PLAN_CHANGED',
      message: expect.stringMatching(/lines-line-repartition-0@\d+ was written without its value/),
    })
  })
})
