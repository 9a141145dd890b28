import { describe, expect, it } from 'vitest'
import { kafkaError } from '../../src/protocol/kafka-errors.ts'
import { apiVersions, transactionFeature } from '../../src/protocol/messages/api-versions.ts'
import { produce } from '../../src/protocol/messages/produce.ts'
import { describeTransactions } from '../../src/protocol/messages/transaction.ts'
import type { ProducerIdentity } from '../../src/protocol/record-batch-writer.ts'
import { committedTextsIn, textBatch } from '../support/broker-harness.ts'
import type { Conformance } from '../support/conformance.ts'
import { until } from '../support/kafka-session.ts'

const nobody: ProducerIdentity = { producerId: -1, producerEpoch: -1 }
const next = ({ producerId, producerEpoch }: ProducerIdentity): ProducerIdentity => ({
  producerId,
  producerEpoch: producerEpoch + 1,
})

/** Transactions of version 2 (KIP-890), beside those of version 1 on the same broker. */
export function secondTransactionConformance({ name, session }: Conformance): void {
  const fresh = async (partitions = 1) => {
    const topic = name('txn')
    const id = name('id')
    await session().createTopic(topic, partitions)
    const producer = await session().init(id)
    return { topic, id, producer }
  }
  /** A producer in an open transaction with one record, `first`. */
  const open = async (partitions = 1, timeoutMs?: number) => {
    const topic = name('txn')
    const id = name('id')
    await session().createTopic(topic, partitions)
    const producer = await session().init(id, timeoutMs)
    const sent = await session().sendEntering(id, topic, ['first'], { producer, sequence: 0 })
    expect(sent.errorCode).toBe(0)
    return { topic, id, producer }
  }
  const committed = async (topic: string, index = 0) => {
    const { records, abortedTransactions } = await session().fetch(topic, 0, { committed: true, index })
    return committedTextsIn(records, abortedTransactions ?? []).texts.map(([, value]) => value)
  }
  const described = async (id: string) =>
    (await session().request(describeTransactions, 0, { transactionalIds: [id] })).transactionStates[0]

  describe('the feature transaction.version', () => {
    it('is finalized at level 2', async () => {
      for (const version of [3, 4]) {
        const answer = await session().request(apiVersions, version, {
          clientSoftwareName: 'test',
          clientSoftwareVersion: '1',
        })
        expect(answer.finalizedFeaturesEpoch).toBeGreaterThanOrEqual(0)
        expect(answer.finalizedFeatures).toContainEqual({
          name: transactionFeature,
          minVersionLevel: 2,
          maxVersionLevel: 2,
        })
        const supported = answer.supportedFeatures.find((feature) => feature.name === transactionFeature)
        expect(supported).toEqual(version < 4 ? undefined : { name: transactionFeature, minVersion: 0, maxVersion: 2 })
      }
    })
  })

  describe('a transaction of version 2', () => {
    it('opens with its first batch, and goes on under a new epoch, from sequence 0', async () => {
      const { topic, id, producer } = await open()
      expect(await described(id)).toMatchObject({
        transactionState: 'Ongoing',
        topics: [{ name: topic, partitions: [0] }],
      })
      expect(await committed(topic)).toEqual([])
      const more = await session().sendEntering(id, topic, ['second'], { producer, sequence: 1 })
      expect(more).toMatchObject({ errorCode: 0, baseOffset: 1 })
      const ended = await session().endRaising(id, producer, true)
      expect(ended).toEqual({ errorCode: 0, producer: next(producer) })
      expect(await committed(topic)).toEqual(['first', 'second'])
      const third = await session().sendEntering(id, topic, ['third'], { producer: ended.producer, sequence: 0 })
      expect(third.errorCode).toBe(0)
      expect(await session().endRaising(id, ended.producer, false)).toEqual({
        errorCode: 0,
        producer: next(ended.producer),
      })
      expect(await session().fetch(topic, 0, { committed: true })).toMatchObject({
        highWatermark: 5,
        lastStableOffset: 5,
        abortedTransactions: [{ producerId: producer.producerId, firstOffset: 3 }],
      })
    })

    it('enters all partitions of a request at once, and marks those', async () => {
      const { topic, id, producer } = await fresh(3)
      const request = {
        transactionalId: id,
        acks: -1,
        timeoutMs: 10_000,
        topics: [
          {
            name: topic,
            partitions: [0, 1].map((index) => ({
              index,
              records: textBatch([`to ${index}`], { producer, sequence: 0, transactional: true }),
            })),
          },
        ],
      }
      const answer = await session().request(produce, 12, request)
      expect(answer.topics[0]?.partitions.map(({ errorCode }) => errorCode)).toEqual([0, 0])
      await session().endRaising(id, producer, true)
      expect([await committed(topic), await committed(topic, 1)]).toEqual([['to 0'], ['to 1']])
      const ends = await Promise.all(
        [0, 1, 2].map(async (index) => (await session().listOffset(topic, index, -1))?.offset),
      )
      expect(ends).toEqual([2, 2, 0])
    })

    it('knows a repeated batch while it is open, and none of before once it has ended', async () => {
      const { topic, id, producer } = await open()
      const again = () => session().sendEntering(id, topic, ['first'], { producer, sequence: 0 })
      expect(await again()).toMatchObject({ errorCode: 0, baseOffset: 0 })
      expect((await session().listOffset(topic, 0, -1))?.offset).toBe(1)
      await session().endRaising(id, producer, true)
      expect((await again()).errorCode).toBe(kafkaError.INVALID_PRODUCER_EPOCH)
      expect((await described(id))?.transactionState).toBe('CompleteCommit')
    })

    it('takes no batch that does not begin at sequence 0 under its epoch', async () => {
      const { topic, id, producer } = await open(2)
      const errorOf = async (by: ProducerIdentity, sequence: number, index = 0) =>
        (await session().sendEntering(id, topic, ['x'], { producer: by, sequence }, index)).errorCode
      expect(await errorOf(producer, 3, 1)).toBe(kafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER)
      const ended = await session().endRaising(id, producer, true)
      expect(await errorOf(ended.producer, 1)).toBe(kafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER)
      expect(await errorOf(ended.producer, 0)).toBe(0)
      await session().endRaising(id, ended.producer, true)
    })

    it('may be ended again under the epoch of before with the same result, until the next one begins', async () => {
      for (const isCommit of [true, false]) {
        const { topic, id, producer } = await open()
        const ended = await session().endRaising(id, producer, isCommit)
        expect(await session().endRaising(id, producer, isCommit)).toEqual(ended)
        expect(await session().endRaising(id, producer, !isCommit)).toEqual({
          errorCode: kafkaError.INVALID_TXN_STATE,
          producer: nobody,
        })
        await session().sendEntering(id, topic, ['next'], { producer: ended.producer, sequence: 0 })
        expect(await session().endRaising(id, producer, isCommit)).toEqual({
          errorCode: kafkaError.PRODUCER_FENCED,
          producer: nobody,
        })
        expect((await session().endRaising(id, ended.producer, true)).errorCode).toBe(0)
      }
    })

    it('that was never begun may be aborted, which raises the epoch, and not committed', async () => {
      const { id, producer } = await fresh()
      const errorOf = async (by: ProducerIdentity) => (await session().endRaising(id, by, true)).errorCode
      expect(await errorOf(producer)).toBe(kafkaError.INVALID_TXN_STATE)
      const once = await session().endRaising(id, producer, false)
      expect(once).toEqual({ errorCode: 0, producer: next(producer) })
      const twice = await session().endRaising(id, once.producer, false)
      expect(twice).toEqual({ errorCode: 0, producer: next(once.producer) })
      expect(await errorOf(twice.producer)).toBe(kafkaError.INVALID_TXN_STATE)
    })

    it('is not for a producer of another id, nor for one without any', async () => {
      const { topic, id } = await open()
      const other = await session().init(name('id'))
      expect((await session().sendEntering(id, topic, ['x'], { producer: other, sequence: 0 })).errorCode).toBe(
        kafkaError.INVALID_PRODUCER_ID_MAPPING,
      )
      for (const claimed of [id, name('id')]) {
        const { errorCode } = await session().endRaising(claimed, other, true)
        expect(errorCode).toBe(kafkaError.INVALID_PRODUCER_ID_MAPPING)
      }
    })

    it('is aborted by InitProducerId, and its producer fenced', async () => {
      const { topic, id, producer } = await open()
      const fencing = await session().init(id)
      expect(fencing).toEqual(next(next(producer)))
      expect((await session().sendEntering(id, topic, ['zombie'], { producer, sequence: 1 })).errorCode).toBe(
        kafkaError.INVALID_PRODUCER_EPOCH,
      )
      for (const isCommit of [true, false]) {
        expect((await session().endRaising(id, producer, isCommit)).errorCode).toBe(kafkaError.PRODUCER_FENCED)
      }
      expect(await committed(topic)).toEqual([])
      expect((await session().fetch(topic, 0, { committed: true })).lastStableOffset).toBe(2)
    })

    it('whose answer was lost is settled by InitProducerId: committed is committed', async () => {
      const { topic, id, producer } = await open()
      const ended = await session().endRaising(id, producer, true)
      // Under the epoch of before it is the same producer that asks: nothing has to change.
      expect(await session().initOnce(id, 60_000, producer)).toMatchObject({ errorCode: 0, ...ended.producer })
      expect(await session().init(id)).toEqual(next(ended.producer))
      expect(await committed(topic)).toEqual(['first'])
    })

    it('is aborted when its time is up: a commit under its epoch is refused, an abort is what has happened', async () => {
      const { topic, id, producer } = await open(1, 1000)
      await until(
        () => session().fetch(topic, 0, { committed: true }),
        ({ lastStableOffset }) => lastStableOffset === 2,
      )
      expect((await session().sendEntering(id, topic, ['late'], { producer, sequence: 1 })).errorCode).toBe(
        kafkaError.INVALID_PRODUCER_EPOCH,
      )
      expect((await session().endRaising(id, producer, true)).errorCode).toBe(kafkaError.INVALID_TXN_STATE)
      expect(await session().endRaising(id, producer, false)).toEqual({ errorCode: 0, producer: next(producer) })
      expect(await committed(topic)).toEqual([])
    }, 30_000)

    it('may be followed by one of version 1 from the same producer, and the other way round', async () => {
      const { topic, id, producer } = await open()
      const { producer: second } = await session().endRaising(id, producer, true)
      expect(await session().addPartitions(id, second, topic)).toEqual([0])
      expect((await session().sendIn(id, topic, ['second'], { producer: second, sequence: 0 })).errorCode).toBe(0)
      expect(await session().end(id, second, true)).toBe(0)
      const third = await session().sendEntering(id, topic, ['third'], { producer: second, sequence: 1 })
      expect(third.errorCode).toBe(0)
      expect(await session().endRaising(id, second, true)).toEqual({ errorCode: 0, producer: next(second) })
      expect(await committed(topic)).toEqual(['first', 'second', 'third'])
    })

    it('is not what the versions below mean: those that know TRANSACTION_ABORTABLE are told that', async () => {
      const { topic, id, producer } = await open(2)
      const group = name('group')
      await session().findCoordinator(group, 0)
      const sent = await session().sendIn(id, topic, ['x'], { producer, sequence: 0 }, 1, 11)
      expect(sent.errorCode).toBe(kafkaError.TRANSACTION_ABORTABLE)
      expect(await session().commitInTxn(id, producer, group, { [topic]: [5] }, undefined, 4)).toEqual([
        kafkaError.TRANSACTION_ABORTABLE,
      ])
    })
  })

  describe('offsets in a transaction of version 2', () => {
    const begin = async () => {
      const begun = await fresh(2)
      const group = name('group')
      await session().findCoordinator(group, 0)
      return { ...begun, group }
    }
    const stable = (group: string, topic: string) =>
      until(
        () => session().committed(group, topic, [0], true),
        ([one]) => one?.[1] === 0,
      )

    it('open it by themselves, take effect when it commits, and not when it aborts', async () => {
      const { topic, id, producer, group } = await begin()
      const commit = (by: ProducerIdentity, offset: number) =>
        session().commitInTxn(id, by, group, { [topic]: [offset] }, undefined, 5)
      expect(await commit(producer, 5)).toEqual([0])
      expect((await described(id))?.transactionState).toBe('Ongoing')
      expect(await session().committed(group, topic, [0], true)).toEqual([[-1, kafkaError.UNSTABLE_OFFSET_COMMIT]])
      const first = await session().endRaising(id, producer, true)
      expect(await stable(group, topic)).toEqual([[5, 0]])
      expect(await commit(first.producer, 9)).toEqual([0])
      await session().endRaising(id, first.producer, false)
      expect(await stable(group, topic)).toEqual([[5, 0]])
    })

    it('are refused under the epoch of before, and open nothing', async () => {
      const { topic, id, producer, group } = await begin()
      await session().commitInTxn(id, producer, group, { [topic]: [5] }, undefined, 5)
      await session().endRaising(id, producer, true)
      expect(await session().commitInTxn(id, producer, group, { [topic]: [6] }, undefined, 5)).toEqual([
        kafkaError.INVALID_PRODUCER_EPOCH,
      ])
      expect((await described(id))?.transactionState).toBe('CompleteCommit')
    })

    it('are checked against the membership, and the transaction goes on behind a refusal', async () => {
      const { topic, id, producer, group } = await begin()
      const member = await session().joinAlone(group)
      const commit = (by: typeof member, offsets: readonly number[]) =>
        session().commitInTxn(id, producer, group, { [topic]: offsets }, by, 5)
      expect(await commit({ ...member, generationId: member.generationId + 1 }, [5])).toEqual([
        kafkaError.ILLEGAL_GENERATION,
      ])
      expect(await commit({ ...member, memberId: 'stranger' }, [5])).toEqual([kafkaError.UNKNOWN_MEMBER_ID])
      expect((await described(id))?.transactionState).toBe('Ongoing')
      expect(await commit(member, [5, 6])).toEqual([0, 0])
      expect((await session().endRaising(id, producer, true)).errorCode).toBe(0)
      expect(await stable(group, topic)).toEqual([[5, 0]])
    })

    it('that are none open nothing', async () => {
      const { id, producer, group } = await begin()
      expect(await session().commitInTxn(id, producer, group, {}, undefined, 5)).toEqual([])
      expect((await described(id))?.transactionState).toBe('Empty')
    })
  })
}
