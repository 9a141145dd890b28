import { appendFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import { describe, expect, it } from 'vitest'
import { textFiles } from '../../connectors/files/index.ts'
import { int32, json, type Pipeline, pipeline, type Serde, structured } from '../../src/index.ts'
import { withBrokerOf } from '../support/embedded-broker.ts'
import { runToEnd, scratch, writeTexts } from '../support/job-runner.ts'

/** Lines by what they say, with as many stores as there are names. */
function counting(files: string, stores: readonly string[], partitions = 2): Pipeline {
  return pipeline('lines', ({ stream }) => {
    const lines = stream(textFiles('files', { files, partitions })).keyBy('line', (line) => line)
    for (const store of stores) lines.count(store)
    return {}
  }) as Pipeline
}

function lengths(files: string, value: Serde<number>): Pipeline {
  return pipeline('lines', ({ stream }) => {
    stream(textFiles('files', { files, partitions: 2 }))
      .keyBy('line', (line) => line)
      .aggregate(
        'lengths',
        () => 0,
        (sum, line) => sum + line.length,
        value,
      )
    return {}
  }) as Pipeline
}

describe('a pipeline that is started again on its state', () => {
  it('is refused when it has a store more, whose past nobody can tell', async () => {
    await using folder = await scratch()
    const files = await writeTexts(folder.path, { 'a.txt': 'alpha\nbeta\nalpha\n' })
    const config = { dataDirectory: folder.path }
    await runToEnd(counting(files, ['counts']), null, config)
    await expect(runToEnd(counting(files, ['counts', 'again']), null, config)).rejects.toMatchObject({
      code: 'STATE_INCOMPLETE',
      message: expect.stringContaining('again'),
    })
    const { entries } = await runToEnd(counting(files, ['counts']), 'counts', config)
    expect(entries).toEqual(
      new Map([
        ['alpha', 2],
        ['beta', 1],
      ]),
    )
  })

  it('is refused when a changelog is gone, rather than counting on from nothing', async () => {
    await using folder = await scratch()
    const files = await writeTexts(folder.path, { 'a.txt': 'alpha\nbeta\nalpha\n' })
    const config = { dataDirectory: folder.path }
    await runToEnd(counting(files, ['counts']), null, config)
    await deleteTopic(folder.path, 'lines-counts-changelog')
    await appendFile(join(folder.path, 'a.txt'), 'alpha\n')
    await expect(runToEnd(counting(files, ['counts']), null, config)).rejects.toMatchObject({
      code: 'STATE_INCOMPLETE',
      message: expect.stringContaining('lines-counts-changelog'),
    })
  })

  it('is refused when a store is encoded otherwise than its changelog', async () => {
    await using folder = await scratch()
    const files = await writeTexts(folder.path, { 'a.txt': 'alpha\nbeta\nalpha\n' })
    const config = { dataDirectory: folder.path }
    await runToEnd(lengths(files, int32), null, config)
    await expect(runToEnd(lengths(files, structured<number>()), null, config)).rejects.toMatchObject({
      code: 'PLAN_CHANGED',
      message: expect.stringMatching(/lengths.*int32.*structured/),
    })
    await rm(join(folder.path, 'lines', 'stores'), { recursive: true })
    await expect(runToEnd(lengths(files, json<number>()), null, config)).rejects.toMatchObject({ code: 'PLAN_CHANGED' })
    const { entries } = await runToEnd(lengths(files, int32), 'lengths', config)
    expect(entries.get('alpha')).toBe(10)
  })
})

const deleteTopic = (dataDirectory: string, topic: string): Promise<void> =>
  withBrokerOf(dataDirectory, async (brokers) => {
    const admin = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING }).admin()
    await admin.connect()
    try {
      await admin.deleteTopics({ topics: [topic] })
    } finally {
      await admin.disconnect()
    }
  })
