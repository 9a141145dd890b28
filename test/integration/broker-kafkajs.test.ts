import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Consumer, Kafka, logLevel, type Producer } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Broker } from '../../src/broker/broker.ts'
import { type Listener, listen } from '../../src/broker/net/listener.ts'
import { openFileStorage } from '../../src/broker/storage/file-storage.ts'
import { startBroker } from '../support/broker-harness.ts'

/** kafkajs' public client against the embedded broker on a TCP port: what a user's own tools do with it. */
describe('kafkajs on the embedded broker', () => {
  let directory = ''
  let broker: Broker
  let listener: Listener
  let kafka: Kafka

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'broker-kafkajs-'))
    broker = await startBroker({}, await openFileStorage(directory, process.pid))
    listener = await listen(broker, '127.0.0.1', 0)
    const { host, port } = listener.address
    kafka = new Kafka({ brokers: [`${host}:${port}`], logLevel: logLevel.NOTHING })
  })
  afterAll(async () => {
    await listener.close()
    await broker.close()
    await rm(directory, { recursive: true })
  })

  const withAdmin = async <T>(use: (admin: ReturnType<Kafka['admin']>) => Promise<T>): Promise<T> => {
    const admin = kafka.admin()
    await admin.connect()
    try {
      return await use(admin)
    } finally {
      await admin.disconnect()
    }
  }

  const createTopic = (topic: string, numPartitions = 1) =>
    withAdmin((admin) => admin.createTopics({ topics: [{ topic, numPartitions }], waitForLeaders: true }))

  const withProducer = async (use: (producer: Producer) => Promise<void>, transactionalId?: string): Promise<void> => {
    const producer = kafka.producer(transactionalId ? { transactionalId, maxInFlightRequests: 1 } : {})
    await producer.connect()
    try {
      await use(producer)
    } finally {
      await producer.disconnect()
    }
  }

  /** Reads until `count` values have come, as a member of `groupId`. */
  const consume = async (groupId: string, topic: string, count: number): Promise<string[]> => {
    const consumer = kafka.consumer({ groupId, rebalanceTimeout: 5000, sessionTimeout: 10_000 })
    const values: string[] = []
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    await new Promise<void>((resolve, reject) => {
      consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error))
      consumer
        .run({
          eachMessage: async ({ message }) => {
            values.push(message.value?.toString() ?? '')
            if (values.length === count) resolve()
          },
        })
        .catch(reject)
    })
    await consumer.disconnect()
    return values
  }

  it('creates, describes, grows, configures and deletes topics', async () => {
    await withAdmin(async (admin) => {
      expect(await admin.createTopics({ topics: [{ topic: 'admin', numPartitions: 2 }] })).toBe(true)
      expect(await admin.createTopics({ topics: [{ topic: 'admin', numPartitions: 2 }] })).toBe(false)
      await admin.createPartitions({ topicPartitions: [{ topic: 'admin', count: 4 }] })
      const { topics } = await admin.fetchTopicMetadata({ topics: ['admin'] })
      expect(topics[0]?.partitions.map(({ partitionId }) => partitionId).sort()).toEqual([0, 1, 2, 3])
      const entries = [{ name: 'retention.ms', value: '1234' }]
      await admin.alterConfigs({ validateOnly: false, resources: [{ type: 2, name: 'admin', configEntries: entries }] })
      const { resources } = await admin.describeConfigs({
        includeSynonyms: false,
        resources: [{ type: 2, name: 'admin', configNames: ['retention.ms'] }],
      })
      expect(resources[0]?.configEntries[0]?.configValue).toBe('1234')
      await withProducer(async (producer) => {
        await producer.send({
          topic: 'admin',
          messages: [
            { value: 'a', partition: 1 },
            { value: 'b', partition: 1 },
          ],
        })
      })
      await admin.deleteTopicRecords({ topic: 'admin', partitions: [{ partition: 1, offset: '1' }] })
      const offsets = await admin.fetchTopicOffsets('admin')
      expect(offsets.find(({ partition }) => partition === 1)).toMatchObject({ low: '1', high: '2' })
      expect((await admin.describeCluster()).brokers.length).toBe(1)
      await admin.deleteTopics({ topics: ['admin'] })
      expect(await admin.listTopics()).not.toContain('admin')
    })
  })

  it('sends compressed and plain messages with keys and headers, and a group reads them once', async () => {
    await createTopic('plain', 3)
    await withProducer(async (producer) => {
      await producer.send({
        topic: 'plain',
        compression: 1,
        messages: Array.from({ length: 50 }, (_, i) => ({ key: `k${i}`, value: `v${i}`, headers: { n: String(i) } })),
      })
      await producer.send({ topic: 'plain', messages: [{ value: 'last' }] })
    })
    const values = await consume('plain-readers', 'plain', 51)
    expect(new Set(values).size).toBe(51)
    await withProducer(async (producer) => {
      await producer.send({ topic: 'plain', messages: [{ value: 'more' }] })
    })
    expect(await consume('plain-readers', 'plain', 1)).toEqual(['more'])
  })

  it('shows a group what a transaction committed, and nothing of what it aborted', async () => {
    await createTopic('transactional')
    await withProducer(async (producer) => {
      const first = await producer.transaction()
      await first.send({ topic: 'transactional', messages: [{ value: 'kept' }] })
      await first.commit()
      const second = await producer.transaction()
      await second.send({ topic: 'transactional', messages: [{ value: 'dropped' }] })
      await second.abort()
      const third = await producer.transaction()
      await third.send({ topic: 'transactional', messages: [{ value: 'kept, too' }] })
      await third.sendOffsets({
        consumerGroupId: 'within',
        topics: [{ topic: 'transactional', partitions: [{ partition: 0, offset: '17' }] }],
      })
      await third.commit()
    }, 'kafkajs-transactions')
    expect(await consume('committed-readers', 'transactional', 2)).toEqual(['kept', 'kept, too'])
    const offsets = await withAdmin((admin) => admin.fetchOffsets({ groupId: 'within', topics: ['transactional'] }))
    expect(offsets[0]?.partitions[0]?.offset).toBe('17')
  })

  it('spreads partitions over the members of a group, and over those who remain', async () => {
    await createTopic('shared', 4)
    const assigned = new Map<Consumer, number[]>()
    const start = async (): Promise<Consumer> => {
      const consumer = kafka.consumer({
        groupId: 'sharing',
        sessionTimeout: 10_000,
        heartbeatInterval: 200,
        maxWaitTimeInMs: 100,
      })
      consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
        assigned.set(consumer, payload.memberAssignment['shared'] ?? [])
      })
      await consumer.connect()
      await consumer.subscribe({ topic: 'shared' })
      await consumer.run({ eachMessage: async () => {} })
      return consumer
    }
    const partitions = (): number[] => [...assigned.values()].flat().sort()
    const balanced = (members: number) =>
      expect.poll(() => [assigned.size, partitions()], { timeout: 20_000 }).toEqual([members, [0, 1, 2, 3]])
    const first = await start()
    await balanced(1)
    const second = await start()
    await balanced(2)
    expect([...assigned.values()].map(({ length }) => length)).toEqual([2, 2])
    assigned.delete(first)
    await first.disconnect()
    await balanced(1)
    const groups = await withAdmin((admin) => admin.describeGroups(['sharing']))
    expect(groups.groups[0]).toMatchObject({ state: 'Stable', protocolType: 'consumer' })
    await second.disconnect()
    await withAdmin((admin) => admin.deleteGroups(['sharing']))
  })
})
