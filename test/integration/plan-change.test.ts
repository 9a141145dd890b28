import { appendFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import { describe, expect, it } from 'vitest'
import { textFiles } from '../../connectors/files/index.ts'
import { int32, json, type Pipeline, pipeline, type Serde, structured } from '../../src/index.ts'
import { keepingLogger } from '../support/bare-thread.ts'
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
  it('begins a store that is new with what is read from then on, and keeps the others', async () => {
    await using folder = await scratch()
    const files = await writeTexts(folder.path, { 'a.txt': 'alpha\nbeta\nalpha\n' })
    const { logger, lines } = keepingLogger()
    const config = { dataDirectory: folder.path, logger }
    await runToEnd(counting(files, ['counts']), null, config)
    await appendFile(join(folder.path, 'a.txt'), 'alpha\n')
    const both = counting(files, ['counts', 'again'])
    expect((await runToEnd(both, 'again', config)).entries).toEqual(new Map([['alpha', 1]]))
    expect(lines).toContain('info: the store again is new: it begins with what is read from now on')
    const { entries } = await runToEnd(both, 'counts', config)
    expect(entries).toEqual(
      new Map([
        ['alpha', 3],
        ['beta', 1],
      ]),
    )
  })

  it('is refused when a store comes back that was left out while its inputs were read on, unless it may begin anew', async () => {
    await using folder = await scratch()
    const files = await writeTexts(folder.path, { 'a.txt': 'alpha\nbeta\n' })
    const { logger, lines } = keepingLogger()
    const config = { dataDirectory: folder.path, logger }
    const [both, one] = [counting(files, ['counts', 'again']), counting(files, ['counts'])]
    await runToEnd(both, null, config)
    await appendFile(join(folder.path, 'a.txt'), 'alpha\n')
    await runToEnd(one, null, config)
    expect(lines).toContain('info: the store again is no longer in the pipeline: its changelog and directory stay')
    await expect(runToEnd(both, null, config)).rejects.toMatchObject({
      code: 'STATE_INCOMPLETE',
      message: expect.stringContaining('--fresh-store again'),
    })
    await appendFile(join(folder.path, 'a.txt'), 'alpha\n')
    const fresh = { ...config, freshStores: ['again'] }
    expect((await runToEnd(both, 'again', fresh)).entries).toEqual(new Map([['alpha', 1]]))
    // Said once more it takes nothing away: the store is whole now. Nor does an empty disk bring back what it had.
    await appendFile(join(folder.path, 'a.txt'), 'beta\n')
    await rm(join(folder.path, 'lines', 'stores'), { recursive: true })
    expect((await runToEnd(both, 'again', fresh)).entries).toEqual(
      new Map([
        ['alpha', 1],
        ['beta', 1],
      ]),
    )
    expect((await runToEnd(both, 'counts', config)).entries.get('alpha')).toBe(3)
  })

  it('goes on with a store that was left out while nothing was read', async () => {
    await using folder = await scratch()
    const files = await writeTexts(folder.path, { 'a.txt': 'alpha\nbeta\n' })
    const config = { dataDirectory: folder.path }
    const [both, one] = [counting(files, ['counts', 'again']), counting(files, ['counts'], 3)]
    await runToEnd(both, null, config)
    // What would run without the store does not get as far as reading.
    await expect(runToEnd(one, null, config)).rejects.toMatchObject({ code: 'TOPIC_MISMATCH' })
    await appendFile(join(folder.path, 'a.txt'), 'alpha\n')
    expect((await runToEnd(both, 'again', config)).entries.get('alpha')).toBe(2)
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
    const { entries } = await runToEnd(counting(files, ['counts']), 'counts', { ...config, freshStores: ['counts'] })
    expect(entries).toEqual(new Map([['alpha', 1]]))
  })

  it('is refused when an internal topic holds what nobody of the application wrote', async () => {
    await using folder = await scratch()
    const files = await writeTexts(folder.path, { 'a.txt': 'alpha\n' })
    const config = { dataDirectory: folder.path }
    await runToEnd(counting(files, ['counts']), null, config)
    await deleteTopic(folder.path, 'lines-control')
    await expect(runToEnd(counting(files, ['counts']), null, config)).rejects.toMatchObject({
      code: 'TOPIC_MISMATCH',
      message: expect.stringMatching(/lines-.* holds records, and lines is not known to have written them/),
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
