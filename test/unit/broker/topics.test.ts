import { afterEach, describe, expect, it } from 'vitest'
import type { Broker } from '../../../src/broker/broker.ts'
import type { BrokerStorage } from '../../../src/broker/storage/broker-storage.ts'
import { MemoryStorage } from '../../../src/broker/storage/memory-storage.ts'
import { kafkaError } from '../../../src/protocol/kafka-errors.ts'
import { incrementalAlterConfigs } from '../../../src/protocol/messages/configs.ts'
import { metadata } from '../../../src/protocol/messages/metadata.ts'
import { createPartitions, createTopics, deleteTopics } from '../../../src/protocol/messages/topics.ts'
import { startBroker } from '../../support/broker-harness.ts'
import { KafkaSession } from '../../support/kafka-session.ts'
import { rawClientOver } from '../../support/raw-client.ts'
import { gate } from '../../support/scripted-transport.ts'

let broker: Broker | null = null
afterEach(async () => {
  await broker?.close()
  broker = null
})

async function start(storage: BrokerStorage): Promise<KafkaSession> {
  broker = await startBroker({}, storage)
  return another()
}
const another = () => new KafkaSession(rawClientOver((broker as Broker).connect))

const remove = (session: KafkaSession, name: string) =>
  session.request(deleteTopics, 5, { topicNames: [name], timeoutMs: 1000 })

const grow = async (session: KafkaSession, name: string, count: number) => {
  const topics = [{ name, count, assignments: null }]
  const answer = await session.request(createPartitions, 3, { topics, timeoutMs: 1000, validateOnly: false })
  return answer.results[0]?.errorCode
}

const configure = async (session: KafkaSession, resourceName: string) => {
  const configs = [{ name: 'retention.ms', configOperation: 0, value: '1000' }]
  const answer = await session.request(incrementalAlterConfigs, 1, {
    resources: [{ resourceType: 2, resourceName, configs }],
    validateOnly: false,
  })
  return answer.responses[0]?.errorCode
}

describe('a topic', () => {
  it.each([
    ['partitions were being added to it', (session: KafkaSession) => grow(session, 'words', 3)],
    ['its settings were being changed', (session: KafkaSession) => configure(session, 'words')],
  ])('stays deleted over a restart though %s', async (_, change) => {
    const disk = new MemoryStorage()
    const session = await start(disk.open())
    await session.createTopic('words')
    const deleting = remove(session, 'words')
    const changing = change(another())
    expect((await deleting).responses[0]?.errorCode).toBe(0)
    expect(await changing).toBe(kafkaError.UNKNOWN_TOPIC_OR_PARTITION)
    disk.kill()
    const { topics } = await (await start(disk.open())).request(metadata, 12, { topics: null })
    expect(topics.map(({ name }) => name)).toEqual([])
  })
})

describe('a topic of a name that was deleted', () => {
  it('inherits no offsets when the broker dies at any write of the deletion', async () => {
    for (let write = 1; write <= 2; write++) {
      const disk = new MemoryStorage()
      const storage = disk.open()
      let left = Number.POSITIVE_INFINITY
      const { opened: died, open: die } = gate()
      const session = await start({
        ...storage,
        writeFacts: async (changes, options) => {
          await storage.writeFacts(changes, options)
          if (--left > 0) return
          disk.kill()
          die()
          await new Promise(() => {})
        },
      })
      await session.createTopic('words')
      expect(await session.commit('group', { words: [5] })).toEqual([0])
      left = write
      await Promise.race([died, remove(session, 'words')])
      disk.kill()
      const again = await start(disk.open())
      await again.createTopic('words')
      expect(await again.committed('group', 'words')).toEqual([[-1, 0]])
    }
  })

  it('inherits no offsets of a transaction that ends later, over a restart, too', async () => {
    const disk = new MemoryStorage()
    const session = await start(disk.open())
    for (const name of ['words', 'lines']) await session.createTopic(name)
    const producer = await session.init('id')
    await session.addOffsets('id', producer, 'group')
    expect(await session.commitInTxn('id', producer, 'group', { words: [5], lines: [7] })).toEqual([0, 0])
    await remove(session, 'words')
    await session.createTopic('words')
    expect(await session.committed('group', 'words', [0], true)).toEqual([[-1, 0]])
    disk.kill()
    const again = await start(disk.open())
    expect(await again.end('id', producer, true)).toBe(0)
    expect(await again.committed('group', 'words')).toEqual([[-1, 0]])
    expect(await again.committed('group', 'lines')).toEqual([[7, 0]])
  })
})

describe('a request to create topics', () => {
  it('takes no longer than it is long', async () => {
    const session = await start(new MemoryStorage().open())
    const topics = Array.from({ length: 60_000 }, (_, i) => ({ name: `?${i}`, numPartitions: 1, replicationFactor: 1 }))
    const began = Date.now()
    const answer = await session.request(createTopics, 5, { topics, timeoutMs: 1000 })
    // A tenth of that is enough; each name compared with each other would take 25 s.
    expect(Date.now() - began).toBeLessThan(5000)
    expect(answer.topics).toHaveLength(60_000)
  }, 60_000)

  it('creates nothing of a name that it gives twice', async () => {
    const session = await start(new MemoryStorage().open())
    const topics = ['twice', 'once', 'twice'].map((name) => ({ name, numPartitions: 1, replicationFactor: 1 }))
    const answer = await session.request(createTopics, 5, { topics, timeoutMs: 1000 })
    const { INVALID_REQUEST } = kafkaError
    expect(answer.topics.map(({ errorCode }) => errorCode)).toEqual([INVALID_REQUEST, 0, INVALID_REQUEST])
  })
})
