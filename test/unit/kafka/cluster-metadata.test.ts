import { afterEach, describe, expect, it } from 'vitest'
import { ClusterMetadata } from '../../../src/kafka/cluster-metadata.ts'
import { kafkaError } from '../../../src/protocol/kafka-errors.ts'
import { metadata } from '../../../src/protocol/messages/metadata.ts'
import { deleteTopics } from '../../../src/protocol/messages/topics.ts'
import { clientOfBroker, scriptedClient } from '../../support/scripted-transport.ts'

let closing: (() => Promise<void>) | null = null
afterEach(async () => {
  await closing?.()
  closing = null
})

async function overBroker() {
  const world = await clientOfBroker()
  closing = world.close
  return { ...world, cluster: new ClusterMetadata(world.client) }
}

const broker = (nodeId: number) => ({ nodeId, host: 'localhost', port: 9092 + nodeId })
const partition = (index: number, leaderId: number) => ({
  errorCode: leaderId < 0 ? kafkaError.LEADER_NOT_AVAILABLE : 0,
  index,
  leaderId,
  replicaNodes: [1],
  isrNodes: [1],
})
const topic = (name: string, leaders: readonly number[], errorCode = 0) => ({
  errorCode,
  name,
  partitions: leaders.map((leaderId, index) => partition(index, leaderId)),
})

/** Answers one after the other; the last one again and again. */
async function scripted(...answers: readonly (readonly ReturnType<typeof topic>[])[]) {
  const { client, transport, clock } = await scriptedClient()
  let at = 0
  transport.on(metadata, () => {
    const topics = answers[Math.min(at++, answers.length - 1)] ?? []
    return { brokers: [broker(1), broker(2)], clusterId: 'cluster', topics }
  })
  return { transport, clock, cluster: new ClusterMetadata(client), count: () => transport.asked(metadata).length }
}

const names = (all: readonly { name: string }[]) => all.map(({ name }) => name)

describe('what is known of a cluster', () => {
  it('is nothing before anything was asked', async () => {
    const { cluster, transport } = await overBroker()
    expect(cluster).toMatchObject({ clusterId: '', nodes: [] })
    expect([cluster.topic('words'), cluster.partitionCount('words')]).toEqual([undefined, 0])
    expect(transport.asked(metadata)).toEqual([])
  })

  it('is its id, its brokers, and partitions and leaders of the topics that were asked for', async () => {
    const { cluster, session } = await overBroker()
    await session.createTopic('words', 3)
    await session.createTopic('other', 1)
    const [found] = await cluster.refresh('admin', ['words'])
    const [node] = cluster.nodes
    expect(found).toMatchObject({ name: 'words', leaders: [node, node, node] })
    expect(found?.topicId).toMatch(/^[0-9a-f]{32}$/)
    expect(cluster.clusterId).not.toBe('')
    expect([cluster.partitionCount('words'), cluster.partitionCount('other')]).toEqual([3, 0])
    expect(cluster.topic('words')).toEqual(found)
  })

  it('asks for no topic at all when only brokers are wanted, and never has a topic made by asking', async () => {
    const { cluster, session, transport } = await overBroker()
    await session.createTopic('words')
    expect(await cluster.refresh('admin', [])).toEqual([])
    expect(await cluster.refresh('admin', ['never-made'])).toEqual([])
    expect(await cluster.refresh('admin', ['never-made'])).toEqual([])
    expect(cluster.nodes.length).toBe(1)
    expect(transport.asked(metadata).map(({ request }) => request.allowAutoTopicCreation)).toEqual([
      false,
      false,
      false,
    ])
  })

  it('drops a topic that is gone, and takes one that was made anew for another', async () => {
    const { cluster, session } = await overBroker()
    await session.createTopic('words', 2)
    const [before] = await cluster.refresh('admin', ['words'])
    await session.request(deleteTopics, 5, { topicNames: ['words'], timeoutMs: 1000 })
    expect(await cluster.refresh('admin', ['words'])).toEqual([])
    expect(cluster.topic('words')).toBeUndefined()
    await session.createTopic('words', 1)
    const [again] = await cluster.refresh('admin', ['words'])
    expect(again?.leaders.length).toBe(1)
    expect(again?.topicId).not.toBe(before?.topicId)
  })

  it('puts leaders at the numbers of their partitions, in whatever order a broker tells them', async () => {
    const shuffled = { ...topic('words', []), partitions: [partition(2, 1), partition(0, 2), partition(1, -1)] }
    const { cluster } = await scripted([shuffled])
    expect(await cluster.refresh('admin', ['words'])).toMatchObject([{ leaders: [2, -1, 1] }])
  })

  it('keeps what it knows of other topics', async () => {
    const { cluster } = await scripted([topic('a', [1])], [topic('b', [2])])
    await cluster.refresh('admin', ['a'])
    await cluster.refresh('admin', ['b'])
    expect([cluster.partitionCount('a'), cluster.partitionCount('b')]).toEqual([1, 1])
  })

  it('waits for a topic whose leaders are being elected', async () => {
    const electing = topic('words', [], kafkaError.LEADER_NOT_AVAILABLE)
    const { cluster, clock, count, transport } = await scripted([electing], [topic('words', [1])])
    const found = cluster.refresh('admin', ['words'])
    await transport.reached(metadata, 1)
    await clock.slept()
    clock.advance(20)
    expect(names(await found)).toEqual(['words'])
    expect(count()).toBe(2)
  })

  it('tells of a topic that may not be seen by name, without asking again', async () => {
    const { cluster, count } = await scripted([topic('secret', [], kafkaError.TOPIC_AUTHORIZATION_FAILED)])
    const refused = { code: 'REQUEST_FAILED', action: 'fail', context: { topic: 'secret' } }
    await expect(cluster.refresh('admin', ['secret'])).rejects.toMatchObject(refused)
    expect(count()).toBe(1)
  })
})

describe('the leader of a partition', () => {
  it('is asked for once, on the lane of who asks, and known until it is forgotten', async () => {
    const { cluster, transport, count } = await scripted([topic('words', [1, 2])], [topic('words', [2, 2])])
    expect(await cluster.leader('fetch', 'words', 0)).toBe(1)
    expect(await cluster.leader('data', 'words', 1)).toBe(2)
    expect(transport.asked(metadata).map(({ lane, node }) => [lane, node])).toEqual([['fetch', -1]])
    cluster.forget('words')
    expect(await cluster.leader('fetch', 'words', 0)).toBe(2)
    expect(count()).toBe(2)
  })

  it('is asked for again after a request to it failed, while the id and the partitions stay known', async () => {
    const { cluster, count } = await scripted([topic('words', [1, 2])], [topic('words', [2, 2])])
    expect(await cluster.leader('data', 'words', 0)).toBe(1)
    const lost = new Error('the connection broke')
    await expect(cluster.toLeaders(['words', 'other'], () => Promise.reject(lost))).rejects.toBe(lost)
    expect([cluster.partitionCount('words'), cluster.topic('words')?.topicId]).toEqual([2, '0'.repeat(32)])
    expect(await cluster.toLeaders(['words'], () => cluster.leader('data', 'words', 0))).toBe(2)
    expect(count()).toBe(2)
  })

  it('is asked for again while there is none, and each time fails as what may be repeated', async () => {
    const { cluster, count } = await scripted([topic('words', [-1])])
    for (const asked of [1, 2]) {
      const none = { code: 'REQUEST_FAILED', action: 'retry', context: { topic: 'words', partition: 0, kafkaCode: 5 } }
      await expect(cluster.leader('fetch', 'words', 0)).rejects.toMatchObject(none)
      expect(count()).toBe(asked)
    }
  })

  it('of a topic or a partition that is not there is TOPIC_MISSING, which says what to do', async () => {
    const missing = topic('nowhere', [], kafkaError.UNKNOWN_TOPIC_OR_PARTITION)
    const { cluster } = await scripted([missing], [topic('words', [1])])
    const failure = { code: 'TOPIC_MISSING', action: 'retry' }
    await expect(cluster.leader('fetch', 'nowhere', 0)).rejects.toMatchObject(failure)
    await expect(cluster.leader('fetch', 'nowhere', 0)).rejects.toThrow('create the topic')
    await expect(cluster.leader('fetch', 'words', 7)).rejects.toMatchObject({ ...failure, context: { partition: 7 } })
  })

  it('is waited for by who can wait, as long as a request may take', async () => {
    const { cluster, clock, count } = await scripted(
      [topic('words', [-1])],
      [topic('words', [-1])],
      [topic('words', [2])],
    )
    const found = cluster.leaderSoon('data', 'words', 0)
    for (const ms of [20, 40]) {
      await clock.slept()
      clock.advance(ms)
    }
    expect(await found).toBe(2)
    expect(count()).toBe(3)
  })

  it('that never comes is given up at the deadline with the last reason', async () => {
    const { cluster, clock } = await scripted([topic('words', [-1])])
    const found = cluster.leaderSoon('data', 'words', 0).catch((error: unknown) => error)
    let given: unknown = null
    const settled = found.then((error) => {
      given = error
    })
    while (given === null && clock.monotonicMs() < 60_000) {
      await Promise.race([clock.slept(), settled])
      clock.advance(500)
    }
    expect(given).toMatchObject({ code: 'REQUEST_FAILED', context: { kafkaCode: kafkaError.LEADER_NOT_AVAILABLE } })
    expect(clock.monotonicMs()).toBeGreaterThan(28_000)
    expect(clock.monotonicMs()).toBeLessThanOrEqual(31_000)
  })
})
