import { afterEach, describe, expect, it } from 'vitest'
import type { Broker } from '../../../src/broker/broker.ts'
import type { BrokerOptions } from '../../../src/broker/broker-options.ts'
import { MemoryStorage } from '../../../src/broker/storage/memory-storage.ts'
import { fetch } from '../../../src/protocol/messages/fetch.ts'
import { metadata } from '../../../src/protocol/messages/metadata.ts'
import { produce } from '../../../src/protocol/messages/produce.ts'
import { createTopics, deleteRecords } from '../../../src/protocol/messages/topics.ts'
import { startBroker, textBatch, textsIn } from '../../support/broker-harness.ts'
import { type RawClient, rawClientOver } from '../../support/raw-client.ts'

let broker: Broker | null = null
afterEach(async () => {
  await broker?.close()
  broker = null
})

async function start(options: BrokerOptions = {}, disk = new MemoryStorage()): Promise<RawClient> {
  broker = await startBroker(options, disk.open())
  return rawClientOver(broker.connect)
}

const createTopic = (client: RawClient, name: string, numPartitions = 1) =>
  client.request(createTopics, 5, { topics: [{ name, numPartitions, replicationFactor: 1 }], timeoutMs: 1000 })

const send = async (client: RawClient, topic: string, values: string[], index = 0) => {
  const answer = await client.request(produce, 9, {
    transactionalId: null,
    acks: -1,
    timeoutMs: 1000,
    topics: [{ name: topic, partitions: [{ index, records: textBatch(values) }] }],
  })
  return answer.topics[0]?.partitions[0]
}

const read = async (client: RawClient, topic: string, fetchOffset: number, maxWaitMs = 0) => {
  const answer = await client.request(fetch, 12, {
    maxWaitMs,
    minBytes: 1,
    maxBytes: 1 << 20,
    isolationLevel: 0,
    topics: [{ name: topic, partitions: [{ index: 0, fetchOffset, maxBytes: 1 << 20 }] }],
  })
  return answer.topics[0]?.partitions[0]
}

describe('an embedded broker', () => {
  it('gives back what was produced, with ascending offsets', async () => {
    const client = await start()
    await createTopic(client, 'words')
    expect(await send(client, 'words', ['a', 'b'])).toMatchObject({ errorCode: 0, baseOffset: 0 })
    expect(await send(client, 'words', ['c'])).toMatchObject({ errorCode: 0, baseOffset: 2 })
    const all = await read(client, 'words', 0)
    expect(textsIn(all?.records ?? null)).toEqual([
      [0, 'a'],
      [1, 'b'],
      [2, 'c'],
    ])
    expect(all).toMatchObject({ highWatermark: 3, lastStableOffset: 3, logStartOffset: 0 })
  })

  it('answers a waiting fetch when something is appended', async () => {
    const client = await start()
    await createTopic(client, 'words')
    const reader = rawClientOver((broker as Broker).connect)
    const waiting = read(reader, 'words', 0, 20_000)
    await send(client, 'words', ['late'])
    expect(textsIn((await waiting)?.records ?? null)).toEqual([[0, 'late']])
  })

  it('keeps topics and records over a restart, and raises the leader epoch', async () => {
    const disk = new MemoryStorage()
    const client = await start({}, disk)
    await createTopic(client, 'words', 2)
    await send(client, 'words', ['a'], 0)
    await send(client, 'words', ['b'], 1)
    disk.kill()
    const again = await start({}, disk)
    expect(textsIn((await read(again, 'words', 0))?.records ?? null)).toEqual([[0, 'a']])
    const { topics } = await again.request(metadata, 12, { topics: null })
    expect(topics[0]?.partitions.map(({ leaderEpoch }) => leaderEpoch)).toEqual([1, 1])
  })

  it('keeps the end offset when all records are deleted, over a restart, too', async () => {
    const disk = new MemoryStorage()
    const client = await start({ segmentBytes: 200 }, disk)
    await createTopic(client, 'words')
    for (const value of ['a', 'b', 'c', 'd']) await send(client, 'words', [value])
    const deleted = await client.request(deleteRecords, 2, {
      topics: [{ name: 'words', partitions: [{ index: 0, offset: -1 }] }],
      timeoutMs: 1000,
    })
    expect(deleted.topics[0]?.partitions[0]).toEqual({ index: 0, lowWatermark: 4, errorCode: 0 })
    disk.kill()
    const again = await start({ segmentBytes: 200 }, disk)
    expect(await read(again, 'words', 0)).toMatchObject({ errorCode: 1 })
    expect(await read(again, 'words', 4)).toMatchObject({ errorCode: 0, highWatermark: 4, logStartOffset: 4 })
    expect(await send(again, 'words', ['e'])).toMatchObject({ baseOffset: 4 })
  })
})
