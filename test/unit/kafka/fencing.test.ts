import { afterEach, describe, expect, it } from 'vitest'
import { ClusterMetadata } from '../../../src/kafka/cluster-metadata.ts'
import { ProducerFence } from '../../../src/kafka/fencing.ts'
import { initTransactionalId } from '../../../src/kafka/producer-id.ts'
import { kafkaError } from '../../../src/protocol/kafka-errors.ts'
import { findCoordinator } from '../../../src/protocol/messages/find-coordinator.ts'
import { metadata } from '../../../src/protocol/messages/metadata.ts'
import { describeProducers, initProducerId, listTransactions } from '../../../src/protocol/messages/transaction.ts'
import { committedTextsIn } from '../../support/broker-harness.ts'
import { clientOfBroker, quiet, scriptedClient, whileTimePasses } from '../../support/scripted-transport.ts'

let closing: (() => Promise<void>) | null = null
afterEach(async () => {
  await closing?.()
  closing = null
})

/** The fence of the application `app` over an embedded broker with the topics `words` and `other`. */
async function overBroker() {
  const world = await clientOfBroker()
  closing = world.close
  const { session, client } = world
  await session.createTopic('words', 2)
  await session.createTopic('other')
  /** A producer that writes one text in a transaction and then is heard of no more. */
  const leaveOpen = async (transactionalId: string, topic = 'words', index = 0) => {
    const by = await session.init(transactionalId)
    await session.addPartitions(transactionalId, by, topic, [index])
    const { errorCode } = await session.sendIn(
      transactionalId,
      topic,
      [transactionalId],
      { producer: by, timestamp: world.clock.now() },
      index,
    )
    expect(errorCode).toBe(0)
    return by
  }
  const committed = async () => {
    const { records, abortedTransactions } = await session.fetch('words', 0, { committed: true })
    return committedTextsIn(records, abortedTransactions ?? []).texts.map(([, text]) => text)
  }
  const stable = async () => (await session.listOffset('words', 0, -1, 1))?.offset
  const fence = new ProducerFence(client, new ClusterMetadata(client), 'app', 60_000)
  /** Fencing asks again while the transaction that it ends is being completed. */
  const ends = <T>(work: Promise<T>): Promise<T> => whileTimePasses(world.clock, work, 1)
  return { ...world, fence, leaveOpen, committed, stable, ends }
}

const words = { topic: 'words', partition: 0 }
const nobody: ReadonlySet<string> = new Set()

describe('fencing one producer', () => {
  it('ends the transaction that it left open, and lets readers past it at once', async () => {
    const { fence, leaveOpen, send, committed, stable, ends } = await overBroker()
    await leaveOpen('app-1')
    await send('words', ['behind'])
    expect(await stable()).toBe(0)
    expect(await ends(fence.fence('app-1'))).toBe(true)
    expect(await stable()).toBe(3)
    expect(await committed()).toEqual(['behind'])
  })

  it('refuses whatever that producer still sends', async () => {
    const { fence, leaveOpen, session, ends } = await overBroker()
    const by = await leaveOpen('app-1')
    await ends(fence.fence('app-1'))
    const fenced: readonly number[] = [kafkaError.INVALID_PRODUCER_EPOCH, kafkaError.PRODUCER_FENCED]
    expect(fenced).toContain(await session.endOnce('app-1', by, true))
    expect(fenced).toContain((await session.addPartitionsOnce('app-1', by, 'words'))[0])
  })

  it('never touches an id of another application, one with a longer name among them', async () => {
    const { fence, leaveOpen, session, transport } = await overBroker()
    for (const id of ['apple-1', 'other-1', 'app']) {
      const by = await leaveOpen(id)
      expect(await fence.fence(id)).toBe(false)
      expect(await session.endOnce(id, by, true)).toBe(0)
      await session.settled(id)
    }
    expect(transport.asked(initProducerId)).toEqual([])
  })

  it('is remembered, and what may not be fenced counts as done: nobody asks for either again', async () => {
    const { fence } = await overBroker()
    expect([fence.hasFenced('app-1'), fence.hasFenced('foreign-1')]).toEqual([false, true])
    await fence.fence('app-1')
    expect([fence.hasFenced('app-1'), fence.hasFenced('app-2')]).toEqual([true, false])
  })

  it('is not remembered when it failed', async () => {
    const { fence, transport } = await overBroker()
    transport.on(initProducerId, () => ({
      errorCode: kafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
      producerId: -1,
      producerEpoch: -1,
    }))
    await expect(fence.fence('app-1')).rejects.toMatchObject({ code: 'REQUEST_FAILED' })
    expect(fence.hasFenced('app-1')).toBe(false)
  })
})

describe('fencing who holds back a partition', () => {
  it('ends the transactions that are open there, and those only', async () => {
    const { fence, leaveOpen, session, stable, ends } = await overBroker()
    await leaveOpen('app-here')
    const elsewhere = await leaveOpen('app-elsewhere', 'words', 1)
    expect(await ends(fence.fenceHolders(words, nobody))).toEqual(['app-here'])
    await session.settled('app-here')
    expect(await stable()).toBe(2)
    expect(await session.endOnce('app-elsewhere', elsewhere, true)).toBe(0)
  })

  it('spares the living and other applications', async () => {
    const { fence, leaveOpen, session, ends } = await overBroker()
    const alive = await leaveOpen('app-alive')
    await leaveOpen('app-dead')
    const foreign = await leaveOpen('foreign')
    expect(await ends(fence.fenceHolders(words, new Set(['app-alive'])))).toEqual(['app-dead'])
    expect(await session.endOnce('app-alive', alive, true)).toBe(0)
    expect(await session.endOnce('foreign', foreign, true)).toBe(0)
  })

  it('fences nobody where nobody has a transaction open, and does not even list transactions', async () => {
    const { fence, leaveOpen, session, transport, ends } = await overBroker()
    const by = await leaveOpen('app-done')
    await session.end('app-done', by, true)
    await leaveOpen('app-open', 'other')
    expect(await ends(fence.fenceHolders(words, nobody))).toEqual([])
    expect(transport.asked(listTransactions)).toEqual([])
  })
})

describe('fencing all that an application left open', () => {
  it('ends every transaction of it but those of the living', async () => {
    const { fence, leaveOpen, ends } = await overBroker()
    for (const id of ['app-1', 'app-2', 'app-3', 'foreign']) await leaveOpen(id)
    expect([...(await ends(fence.fenceOngoing(new Set(['app-2']))))].sort()).toEqual(['app-1', 'app-3'])
    expect(await ends(fence.fenceOngoing(new Set(['app-2'])))).toEqual([])
  })

  it('asks every broker, and one that fails or refuses keeps the others from nothing', async () => {
    const { client, transport } = await scriptedClient()
    const cluster = new ClusterMetadata(client)
    const nodes = [1, 2, 3, 4]
    transport.on(metadata, () => ({ brokers: nodes.map((nodeId) => ({ nodeId, host: 'h', port: 1 })), topics: [] }))
    transport.on(listTransactions, ({ node }) => {
      if (node === 1) throw new Error('it is down')
      const states = [
        { transactionalId: `app-${node}`, producerId: node, transactionState: 'Ongoing' },
        { transactionalId: 'app-twice', producerId: 9, transactionState: 'Ongoing' },
        { transactionalId: `app-ending-${node}`, producerId: 10, transactionState: 'PrepareCommit' },
      ]
      const errorCode = node === 2 ? kafkaError.COORDINATOR_LOAD_IN_PROGRESS : 0
      return { errorCode, unknownStateFilters: [], transactionStates: states }
    })
    const one = { key: 'k', nodeId: 1, host: 'h', port: 1, errorCode: 0, errorMessage: null }
    transport.on(findCoordinator, () => ({ ...one, coordinators: [one] }))
    transport.on(initProducerId, () => ({ errorCode: 0, producerId: 1, producerEpoch: 1 }))
    const fence = new ProducerFence(client, cluster, 'app', 60_000)
    expect(await fence.fenceOngoing(nobody)).toEqual(['app-3', 'app-twice', 'app-4'])
    expect(transport.asked(listTransactions).map(({ node }) => node)).toEqual(nodes)
  })

  it('names the producers that it means, so that a broker lists no others', async () => {
    const { fence, leaveOpen, transport, ends } = await overBroker()
    const first = await leaveOpen('app-1')
    await leaveOpen('app-2', 'other')
    expect(await ends(fence.fenceOngoing(nobody, [first.producerId]))).toEqual(['app-1'])
    expect(transport.asked(listTransactions).map(({ request }) => request.producerIdFilters)).toEqual([
      [first.producerId],
    ])
    expect(transport.asked(describeProducers)).toEqual([])
  })
})

describe('getting an id for a transactional id', () => {
  it('bumps the epoch each time, under one producer id', async () => {
    const { client } = await overBroker()
    const first = await initTransactionalId(client, 'app-1', 60_000)
    const second = await initTransactionalId(client, 'app-1', 60_000)
    expect(second).toEqual({ producerId: first.producerId, producerEpoch: first.producerEpoch + 1 })
  })

  it('waits, a few milliseconds at first, while the last transaction is being completed', async () => {
    const { client, transport, clock } = await overBroker()
    let busy = 3
    transport.on(initProducerId, ({ pass }) =>
      busy-- > 0 ? { errorCode: kafkaError.CONCURRENT_TRANSACTIONS, producerId: -1, producerEpoch: -1 } : pass(),
    )
    const got = initTransactionalId(client, 'app-1', 60_000)
    for (const count of [1, 2, 3]) {
      await transport.reached(initProducerId, count)
      await quiet()
      clock.advance(5 * 2 ** (count - 1))
    }
    expect(await got).toMatchObject({ producerEpoch: 0 })
    expect(transport.asked(initProducerId).length).toBe(4)
  })

  it('asks another broker when the one that it asked does not lead the partition any more', async () => {
    const { fence, leaveOpen, transport, ends } = await overBroker()
    await leaveOpen('app-1')
    let refusals = 0
    transport.on(describeProducers, (asked) => {
      if (refusals++ > 0) return asked.pass()
      const moved = {
        index: 0,
        errorCode: kafkaError.NOT_LEADER_OR_FOLLOWER,
        errorMessage: null,
        activeProducers: [],
      }
      return { topics: [{ name: 'words', partitions: [moved] }] }
    })
    expect(await ends(fence.fenceHolders(words, nobody))).toEqual(['app-1'])
    expect(transport.asked(metadata).length).toBeGreaterThan(1)
  })
})
