import { describe, expect, it } from 'vitest'
import { kafkaError } from '../../src/protocol/kafka-errors.ts'
import {
  addPartitionsToTxn,
  describeProducers,
  describeTransactions,
  listTransactions,
} from '../../src/protocol/messages/transaction.ts'
import type { ProducerIdentity } from '../../src/protocol/record-batch-writer.ts'
import { textsIn } from '../support/broker-harness.ts'
import type { Conformance } from '../support/conformance.ts'
import { type KafkaSession, until } from '../support/kafka-session.ts'

const none: ProducerIdentity = { producerId: -1, producerEpoch: -1 }

/** Transactions: their states, their fences, what readers see of them, and offsets within them. */
export function transactionConformance({ name, session, another }: Conformance): void {
  /** A topic and a producer in an open transaction with one record, `first`. */
  const openTransaction = async (partitions = 1) => {
    const topic = name('txn')
    const id = name('id')
    await session().createTopic(topic, partitions)
    const producer = await session().init(id)
    await session().addPartitions(id, producer, topic)
    await session().sendIn(id, topic, ['first'], { producer, sequence: 0 })
    return { topic, id, producer }
  }
  const committedTexts = async (topic: string, from = 0, by: KafkaSession = session()) =>
    textsIn((await by.fetch(topic, from, { committed: true })).records)

  describe('a transaction', () => {
    it('shows its records to readers of committed ones only when it has committed', async () => {
      const { topic, id, producer } = await openTransaction()
      const open = await session().fetch(topic, 0, { committed: true })
      expect(textsIn(open.records)).toEqual([])
      expect(open).toMatchObject({ highWatermark: 1, lastStableOffset: 0, abortedTransactions: [] })
      const uncommitted = await session().fetch(topic, 0)
      expect(textsIn(uncommitted.records)).toEqual([[0, 'first']])
      expect(uncommitted.abortedTransactions).toBeNull()
      expect(await session().end(id, producer, true)).toBe(0)
      expect(await committedTexts(topic)).toEqual([[0, 'first']])
      expect(await session().fetch(topic, 0, { committed: true })).toMatchObject({
        highWatermark: 2,
        lastStableOffset: 2,
      })
    })

    it('holds back what others wrote behind its first record', async () => {
      const { topic, id, producer } = await openTransaction()
      await session().send(topic, ['plain'])
      expect(await committedTexts(topic)).toEqual([])
      expect(await session().listOffset(topic, 0, -1, 1)).toMatchObject({ offset: 0 })
      expect(await session().listOffset(topic, 0, -1, 0)).toMatchObject({ offset: 2 })
      await session().end(id, producer, true)
      expect(await committedTexts(topic)).toEqual([
        [0, 'first'],
        [1, 'plain'],
      ])
    })

    it('wakes a waiting reader when it ends', async () => {
      const { topic, id, producer } = await openTransaction()
      const reader = await another()
      const waiting = reader.fetch(topic, 0, { committed: true, maxWaitMs: 20_000 })
      await session().end(id, producer, true)
      expect(textsIn((await waiting).records)).toEqual([[0, 'first']])
    })

    it('is listed as aborted, with its first offset, to readers of its range only', async () => {
      const { topic, id, producer } = await openTransaction()
      await session().send(topic, ['plain'])
      await session().end(id, producer, false)
      const aborted = [{ producerId: producer.producerId, firstOffset: 0 }]
      expect(await session().fetch(topic, 0, { committed: true })).toMatchObject({ abortedTransactions: aborted })
      expect(await session().fetch(topic, 1, { committed: true })).toMatchObject({ abortedTransactions: aborted })
      await session().send(topic, ['behind'])
      expect(await session().fetch(topic, 3, { committed: true })).toMatchObject({ abortedTransactions: [] })
    })

    it('lists aborted ones in the order of their completion, not of their first offsets', async () => {
      const { topic, id: early, producer: first } = await openTransaction()
      const late = name('id')
      const second = await session().init(late)
      await session().addPartitions(late, second, topic)
      await session().sendIn(late, topic, ['second'], { producer: second, sequence: 0 })
      await session().end(late, second, false)
      await session().end(early, first, false)
      const answer = await session().fetch(topic, 0, { committed: true })
      expect(answer.abortedTransactions).toEqual([
        { producerId: second.producerId, firstOffset: 1 },
        { producerId: first.producerId, firstOffset: 0 },
      ])
    })

    it('may be followed by the next at once, with sequences that go on', async () => {
      const { topic, id, producer } = await openTransaction()
      expect(await session().endOnce(id, producer, true)).toBe(0)
      expect(await session().addPartitions(id, producer, topic)).toEqual([0])
      expect((await session().sendIn(id, topic, ['next'], { producer, sequence: 1 })).errorCode).toBe(0)
      await session().end(id, producer, true)
      expect((await committedTexts(topic)).map(([, value]) => value)).toEqual(['first', 'next'])
    })

    it('may be ended again with the same result, and not with the other', async () => {
      const { id, producer } = await openTransaction()
      expect(await session().end(id, producer, true)).toBe(0)
      expect(await session().endOnce(id, producer, true)).toBe(0)
      expect(await session().endOnce(id, producer, false)).toBe(kafkaError.INVALID_TXN_STATE)
    })

    it('cannot be ended before it has begun', async () => {
      const id = name('id')
      const producer = await session().init(id)
      expect(await session().endOnce(id, producer, true)).toBe(kafkaError.INVALID_TXN_STATE)
    })

    it('takes records only in partitions that were added, from a producer that says who it is', async () => {
      const { topic, id, producer } = await openTransaction(2)
      const errorOf = async (answer: Promise<{ errorCode: number }>) => (await answer).errorCode
      expect(await errorOf(session().sendIn(id, topic, ['x'], { producer, sequence: 0 }, 1))).toBe(
        kafkaError.INVALID_TXN_STATE,
      )
      expect(await errorOf(session().send(topic, ['x'], { producer, sequence: 1, transactional: true }))).toBe(
        kafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
      )
      await session().end(id, producer, true)
      expect(await errorOf(session().sendIn(id, topic, ['x'], { producer, sequence: 1 }))).toBe(
        kafkaError.INVALID_TXN_STATE,
      )
    })

    it('takes no records outside it from its producer while it is open', async () => {
      const { topic, id, producer } = await openTransaction()
      const plain = () => session().send(topic, ['x'], { producer, sequence: 1 })
      expect((await plain()).errorCode).toBe(kafkaError.INVALID_TXN_STATE)
      await session().end(id, producer, true)
      expect(await plain()).toMatchObject({ errorCode: 0, baseOffset: 2 })
    })

    it('adds all partitions or none', async () => {
      const topic = name('txn')
      const gone = name('gone')
      const id = name('id')
      await session().createTopic(topic)
      const producer = await session().init(id)
      const answer = await session().request(addPartitionsToTxn, 3, {
        transactionalId: id,
        ...producer,
        topics: [
          { name: topic, partitions: [0] },
          { name: gone, partitions: [0] },
        ],
      })
      const errors = Object.fromEntries(answer.topics.map((one) => [one.name, one.partitions[0]?.errorCode]))
      expect(errors).toEqual({
        [topic]: kafkaError.OPERATION_NOT_ATTEMPTED,
        [gone]: kafkaError.UNKNOWN_TOPIC_OR_PARTITION,
      })
    })

    it('marks every partition it wrote, and frees all of them', async () => {
      const { topic, id, producer } = await openTransaction(3)
      await session().addPartitions(id, producer, topic, [1, 2])
      await session().sendIn(id, topic, ['b'], { producer, sequence: 0 }, 1)
      await session().end(id, producer, true)
      for (const index of [0, 1]) {
        expect(await session().fetch(topic, 0, { committed: true, index })).toMatchObject({
          highWatermark: 2,
          lastStableOffset: 2,
        })
      }
      // The third was added and never written: it has its marker all the same.
      expect(await session().listOffset(topic, 2, -1)).toMatchObject({ offset: 1 })
    })
  })

  describe('InitProducerId', () => {
    it('keeps the producer id of a transactional id and raises its epoch', async () => {
      const id = name('id')
      const first = await session().init(id)
      const second = await session().init(id)
      expect(second).toEqual({ producerId: first.producerId, producerEpoch: first.producerEpoch + 1 })
    })

    it('gives every idempotent producer an id of its own', async () => {
      const first = await session().init(null)
      const second = await session().init(null)
      expect(second.producerId).not.toBe(first.producerId)
      expect([first.producerEpoch, second.producerEpoch]).toEqual([0, 0])
    })

    it('refuses timeouts that are too long, empty ids, and an id without its epoch', async () => {
      const id = name('id')
      await session().init(id)
      expect((await session().initOnce(id, 900_001)).errorCode).toBe(kafkaError.INVALID_TRANSACTION_TIMEOUT)
      expect((await session().initOnce(id, 0)).errorCode).toBe(kafkaError.INVALID_TRANSACTION_TIMEOUT)
      expect((await session().initOnce('')).errorCode).toBe(kafkaError.INVALID_REQUEST)
    })

    it('aborts an open transaction, answers 51 until that is done, and fences its producer', async () => {
      const { topic, id, producer } = await openTransaction()
      expect((await session().initOnce(id)).errorCode).toBe(kafkaError.CONCURRENT_TRANSACTIONS)
      const next = await session().init(id)
      expect(next.producerId).toBe(producer.producerId)
      expect(next.producerEpoch).toBe(producer.producerEpoch + 2)
      expect((await session().sendIn(id, topic, ['zombie'], { producer, sequence: 1 })).errorCode).toBe(
        kafkaError.INVALID_PRODUCER_EPOCH,
      )
      expect(await session().fetch(topic, 0, { committed: true })).toMatchObject({
        highWatermark: 2,
        lastStableOffset: 2,
        abortedTransactions: [{ producerId: producer.producerId, firstOffset: 0 }],
      })
    })

    it('tells a fenced producer 47 in old versions and 90 in new ones', async () => {
      const { topic, id, producer } = await openTransaction()
      await session().init(id)
      const group = name('group')
      expect(await session().addPartitionsOnce(id, producer, topic, [0], 1)).toEqual([
        kafkaError.INVALID_PRODUCER_EPOCH,
      ])
      expect(await session().addPartitionsOnce(id, producer, topic, [0], 2)).toEqual([kafkaError.PRODUCER_FENCED])
      expect(await session().addOffsets(id, producer, group, 1)).toBe(kafkaError.INVALID_PRODUCER_EPOCH)
      expect(await session().addOffsets(id, producer, group, 2)).toBe(kafkaError.PRODUCER_FENCED)
      expect(await session().endOnce(id, producer, true, 1)).toBe(kafkaError.INVALID_PRODUCER_EPOCH)
      expect(await session().endOnce(id, producer, true, 2)).toBe(kafkaError.PRODUCER_FENCED)
      expect((await session().initOnce(id, 60_000, producer, 3)).errorCode).toBe(kafkaError.INVALID_PRODUCER_EPOCH)
      expect((await session().initOnce(id, 60_000, producer, 4)).errorCode).toBe(kafkaError.PRODUCER_FENCED)
    })

    it('lets a producer go on after an error, and repeats its answer when that was lost (KIP-360)', async () => {
      const id = name('id')
      const producer = await session().init(id)
      const next = await session().initOnce(id, 60_000, producer)
      expect(next).toMatchObject({ errorCode: 0, producerEpoch: producer.producerEpoch + 1 })
      expect(await session().initOnce(id, 60_000, producer)).toMatchObject({
        errorCode: 0,
        producerEpoch: next.producerEpoch,
      })
      await session().init(id)
      expect((await session().initOnce(id, 60_000, producer)).errorCode).toBe(kafkaError.PRODUCER_FENCED)
    })

    it('knows no producer of another id', async () => {
      const { topic, id } = await openTransaction()
      const other = await session().init(name('id'))
      expect(await session().addPartitionsOnce(id, other, topic)).toEqual([kafkaError.INVALID_PRODUCER_ID_MAPPING])
      expect(await session().endOnce(id, other, true)).toBe(kafkaError.INVALID_PRODUCER_ID_MAPPING)
      expect(await session().endOnce(name('id'), other, true)).toBe(kafkaError.INVALID_PRODUCER_ID_MAPPING)
      expect((await session().initOnce(id, 60_000, other)).errorCode).toBe(kafkaError.PRODUCER_FENCED)
    })
  })

  describe('an abandoned transaction', () => {
    it('is found by its partition and freed by its transactional id, in no time', async () => {
      const { topic, id, producer } = await openTransaction()
      const answer = await session().request(describeProducers, 0, { topics: [{ name: topic, partitionIndexes: [0] }] })
      const holder = answer.topics[0]?.partitions[0]?.activeProducers[0]
      expect(holder).toMatchObject({ producerId: producer.producerId, currentTxnStartOffset: 0, lastSequence: 0 })
      const listed = await session().request(listTransactions, 1, {
        stateFilters: [],
        producerIdFilters: [producer.producerId],
      })
      expect(listed.transactionStates).toEqual([
        { transactionalId: id, producerId: producer.producerId, transactionState: 'Ongoing' },
      ])
      await session().init(id)
      expect(await session().fetch(topic, 0, { committed: true })).toMatchObject({ lastStableOffset: 2 })
      expect(await session().endOnce(id, producer, true, 1)).toBe(kafkaError.INVALID_PRODUCER_EPOCH)
    })

    it('is aborted when its time is up, and its producer may go on with its id and epoch', async () => {
      const topic = name('txn')
      const id = name('id')
      await session().createTopic(topic)
      const producer = await session().init(id, 1000)
      await session().addPartitions(id, producer, topic)
      await session().sendIn(id, topic, ['first'], { producer, sequence: 0 })
      const answer = await until(
        () => session().fetch(topic, 0, { committed: true }),
        ({ lastStableOffset }) => lastStableOffset === 2,
      )
      expect(answer).toMatchObject({
        lastStableOffset: 2,
        abortedTransactions: [{ producerId: producer.producerId, firstOffset: 0 }],
      })
      expect(await session().endOnce(id, producer, true, 1)).toBe(kafkaError.INVALID_PRODUCER_EPOCH)
      expect((await session().initOnce(id, 60_000, producer)).errorCode).toBe(0)
    }, 30_000)
  })

  describe('descriptions of transactions', () => {
    it('tell state, partitions and timeout, and what does not exist', async () => {
      const { topic, id, producer } = await openTransaction()
      const missing = name('id')
      const answer = await session().request(describeTransactions, 0, { transactionalIds: [id, missing] })
      expect(answer.transactionStates[0]).toMatchObject({
        errorCode: 0,
        transactionState: 'Ongoing',
        transactionTimeoutMs: 60_000,
        ...producer,
        topics: [{ name: topic, partitions: [0] }],
      })
      expect(answer.transactionStates[1]?.errorCode).toBe(kafkaError.TRANSACTIONAL_ID_NOT_FOUND)
      await session().end(id, producer, false)
      expect(await session().settled(id)).toBe('CompleteAbort')
      const listed = await session().request(listTransactions, 1, {
        stateFilters: ['CompleteAbort', 'Nonsense'],
        producerIdFilters: [producer.producerId],
      })
      expect(listed.unknownStateFilters).toEqual(['Nonsense'])
      expect(listed.transactionStates.map(({ transactionalId }) => transactionalId)).toEqual([id])
    })
  })

  describe('offsets in a transaction', () => {
    const begin = async () => {
      const { topic, id, producer } = await openTransaction(2)
      const group = name('group')
      await session().findCoordinator(group, 0)
      expect(await session().addOffsets(id, producer, group)).toBe(0)
      return { topic, id, producer, group }
    }

    it('take effect when it commits, and not when it aborts', async () => {
      const { topic, id, producer, group } = await begin()
      expect(await session().commitInTxn(id, producer, group, { [topic]: [5] })).toEqual([0])
      expect(await session().committed(group, topic)).toEqual([[-1, 0]])
      await session().end(id, producer, true)
      expect(
        await until(
          () => session().committed(group, topic),
          ([one]) => one?.[0] === 5,
        ),
      ).toEqual([[5, 0]])
      await session().addOffsets(id, producer, group)
      await session().commitInTxn(id, producer, group, { [topic]: [9] })
      await session().end(id, producer, false)
      await until(
        () => session().committed(group, topic, [0], true),
        ([one]) => one?.[1] === 0,
      )
      expect(await session().committed(group, topic)).toEqual([[5, 0]])
    })

    it('make only their own partitions unstable', async () => {
      const { topic, id, producer, group } = await begin()
      await session().commitInTxn(id, producer, group, { [topic]: [5] })
      expect(await session().committed(group, topic, [0, 1], true)).toEqual([
        [-1, kafkaError.UNSTABLE_OFFSET_COMMIT],
        [-1, 0],
      ])
      expect(await session().committed(group, topic, [0, 1], false)).toEqual([
        [-1, 0],
        [-1, 0],
      ])
      await session().end(id, producer, true)
    })

    it('do not replace what was committed after them', async () => {
      const { topic, id, producer, group } = await begin()
      await session().commitInTxn(id, producer, group, { [topic]: [5] })
      expect(await session().commit(group, { [topic]: [8] })).toEqual([0])
      await session().end(id, producer, true)
      await until(
        () => session().committed(group, topic, [0], true),
        ([one]) => one?.[1] === 0,
      )
      expect(await session().committed(group, topic)).toEqual([[8, 0]])
    })

    it('are refused where the group was not added to the transaction', async () => {
      const { topic, id, producer } = await openTransaction()
      const group = name('group')
      await session().findCoordinator(group, 0)
      expect(await session().commitInTxn(id, producer, group, { [topic]: [5] })).toEqual([kafkaError.INVALID_TXN_STATE])
    })

    it('are refused from a fenced producer', async () => {
      const { topic, id, producer, group } = await begin()
      await session().commitInTxn(id, producer, group, { [topic]: [5] })
      await session().init(id)
      expect(await session().commitInTxn(id, producer, group, { [topic]: [6] })).toEqual([
        kafkaError.INVALID_PRODUCER_EPOCH,
      ])
    })

    it('are checked against the membership, but an empty list is not looked at', async () => {
      const { topic, id, producer, group } = await begin()
      const member = await session().joinAlone(group)
      const wrong = { ...member, generationId: member.generationId + 1 }
      const commit = (by: { memberId: string; generationId: number }, offsets: number[]) =>
        session().commitInTxn(id, producer, group, { [topic]: offsets }, by)
      expect(await commit(wrong, [5])).toEqual([kafkaError.ILLEGAL_GENERATION])
      expect(await commit({ ...member, memberId: 'stranger' }, [5])).toEqual([kafkaError.UNKNOWN_MEMBER_ID])
      expect(await session().commitInTxn(id, producer, group, {}, wrong)).toEqual([])
      // After a refusal the same transaction goes on; and nobody asks who owns the partitions.
      expect(await commit(member, [5, 6])).toEqual([0, 0])
      expect(await session().commitInTxn(id, producer, group, { [topic]: [7] }, undefined, 2)).toEqual([0])
      await session().end(id, producer, true)
      expect(
        await until(
          () => session().committed(group, topic, [0, 1]),
          ([one]) => one?.[0] === 7,
        ),
      ).toEqual([
        [7, 0],
        [6, 0],
      ])
    })

    it('are refused for a generation of a group that does not exist', async () => {
      const { topic, id, producer, group } = await begin()
      expect(
        await session().commitInTxn(id, producer, group, { [topic]: [5] }, { memberId: 'm', generationId: 3 }),
      ).toEqual([kafkaError.ILLEGAL_GENERATION])
    })
  })

  it('has no producer to describe in a fresh partition', async () => {
    const topic = name('fresh')
    await session().createTopic(topic)
    const answer = await session().request(describeProducers, 0, {
      topics: [{ name: topic, partitionIndexes: [0, 9] }],
    })
    expect(answer.topics[0]?.partitions.map(({ errorCode, activeProducers }) => [errorCode, activeProducers])).toEqual([
      [0, []],
      [kafkaError.UNKNOWN_TOPIC_OR_PARTITION, []],
    ])
    expect((await session().initOnce(null, 1000, none)).errorCode).toBe(0)
  })
}
