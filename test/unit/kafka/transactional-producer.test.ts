import { afterEach, describe, expect, it } from 'vitest'
import { StreamError } from '../../../src/core/errors.ts'
import { noHeaders } from '../../../src/core/record.ts'
import { runStep } from '../../../src/core/steps.ts'
import { Admin } from '../../../src/kafka/admin.ts'
import { ClusterMetadata } from '../../../src/kafka/cluster-metadata.ts'
import { TopicLimits } from '../../../src/kafka/topic-limits.ts'
import { TransactionalProducer } from '../../../src/kafka/transactional-producer.ts'
import { readBatchHeader } from '../../../src/protocol/batch-header.ts'
import { kafkaError } from '../../../src/protocol/kafka-errors.ts'
import { describeConfigs } from '../../../src/protocol/messages/configs.ts'
import { metadata } from '../../../src/protocol/messages/metadata.ts'
import { produce } from '../../../src/protocol/messages/produce.ts'
import {
  addOffsetsToTxn,
  addPartitionsToTxn,
  endTxn,
  initProducerId,
  txnOffsetCommit,
} from '../../../src/protocol/messages/transaction.ts'
import { committedTextsIn } from '../../support/broker-harness.ts'
import { led } from '../../support/fetcher-over-broker.ts'
import { clientOfBroker, gate, quiet, whileTimePasses } from '../../support/scripted-transport.ts'

/** What a transport says of a broker that died. */
const gone = () =>
  Promise.reject(new StreamError('BROKER_UNREACHABLE', 'no Kafka broker answers at node 1', { action: 'retry' }))

let closing: (() => Promise<void>) | null = null
afterEach(async () => {
  await closing?.()
  closing = null
})

/** A producer over an embedded broker with the topic `words` of two partitions. */
async function openOver(transactionVersion: 1 | 2, batchBytes?: number, config: Readonly<Record<string, string>> = {}) {
  const world = await clientOfBroker({ transactionVersion })
  closing = world.close
  await world.session.createTopic('words', 2, config)
  const { client, clock } = world
  const cluster = new ClusterMetadata(client)
  const limits = new TopicLimits(new Admin(client, cluster), batchBytes)
  const producer = new TransactionalProducer({
    client,
    metadata: cluster,
    limits,
    transactionalId: 'app-one-0',
    transactionTimeoutMs: 60_000,
    steps: runStep,
  })
  await producer.init()
  const write = (text: string, partition = 0): void =>
    producer.output('words', partition).append(Buffer.from('k'), Buffer.from(text), clock.now(), noHeaders)
  const committed = async (partition = 0): Promise<string[]> => {
    const { records, abortedTransactions } = await world.session.fetch('words', 0, {
      committed: true,
      index: partition,
    })
    return committedTextsIn(records, abortedTransactions ?? []).texts.map(([, text]) => text)
  }
  const inTime = <T>(work: Promise<T>): Promise<T> => whileTimePasses(clock, work, 1)
  const commitOffset = async (offset: number): Promise<void> => {
    if (transactionVersion === 1) await inTime(producer.addOffsets('app'))
    const offsets = [{ topic: 'words', partition: 0, offset, metadata: `up to ${offset}` }]
    await inTime(producer.commitOffsets(group, offsets))
  }
  const offset = async () => (await world.session.committed('app', 'words'))[0]?.[0]
  return { ...world, producer, limits, write, committed, inTime, commitOffset, offset }
}

const group = { groupId: 'app', generationId: -1, memberId: '', groupInstanceId: null }

const promises = (transactionVersion: 1 | 2) => () => {
  const open = (batchBytes?: number, config?: Readonly<Record<string, string>>) =>
    openOver(transactionVersion, batchBytes, config)

  it('shows what it wrote only when its transaction is committed, each partition in order', async () => {
    const { producer, write, committed, inTime } = await open()
    for (const text of ['a', 'b', 'c']) write(text)
    write('other', 1)
    await inTime(producer.flush())
    expect(await committed()).toEqual([])
    await inTime(producer.commit())
    expect([await committed(), await committed(1)]).toEqual([['a', 'b', 'c'], ['other']])
    expect(producer.output('words', 0).endOffset).toBe(3)
  })

  it('opens no transaction before something is written', async () => {
    const { producer, transport, write, inTime } = await open()
    await producer.flush()
    expect(producer.hasTransaction).toBe(false)
    expect([transport.asked(addPartitionsToTxn), transport.asked(produce)]).toEqual([[], []])
    write('a')
    await inTime(producer.flush())
    expect(producer.hasTransaction).toBe(true)
    await inTime(producer.commit())
    expect(producer.hasTransaction).toBe(false)
    write('b')
    await inTime(producer.flush())
    expect(producer.hasTransaction).toBe(true)
  })

  it('sends what is full while more comes in, one request at a time', async () => {
    const { producer, transport, write, committed, inTime } = await open(400)
    const held = gate()
    let underWay = 0
    let most = 0
    transport.on(produce, async (asked) => {
      most = Math.max(most, ++underWay)
      await held.opened
      underWay--
      return asked.pass()
    })
    const texts = Array.from({ length: 40 }, (_, n) => `text ${n} ${'x'.repeat(60)}`)
    for (const text of texts) write(text)
    await quiet()
    expect(transport.asked(produce)).toHaveLength(1)
    expect(producer.pendingBytes).toBeGreaterThan(2000)
    held.open()
    await inTime(producer.flush())
    expect([most, producer.pendingBytes]).toEqual([1, 0])
    await inTime(producer.commit())
    expect(await committed()).toEqual(texts)
  })

  it('holds back what is written behind a transaction that is being committed, and counts it', async () => {
    const { producer, transport, write, committed, inTime } = await open(400)
    write('first')
    producer.hold()
    const texts = Array.from({ length: 20 }, (_, n) => `text ${n} ${'x'.repeat(60)}`)
    for (const text of texts) write(text)
    await inTime(producer.flush())
    const requests = transport.asked(produce).length
    expect(requests).toBe(1)
    expect(producer.pendingBytes).toBeGreaterThan(1000)
    // What a cut has to know: where its own records end.
    expect(producer.output('words', 0).endOffset).toBe(1)
    await inTime(producer.drained())
    expect(await committed()).toEqual([])
    await inTime(producer.commit())
    expect(await committed()).toEqual(['first'])
    await inTime(producer.flush())
    await inTime(producer.commit())
    expect(await committed()).toEqual(['first', ...texts])
    expect(producer.pendingBytes).toBe(0)
  })

  it('begins the transaction that was held back like any other: its partitions are added to it', async () => {
    const { producer, transport, write, inTime } = await open(100)
    write('first')
    producer.hold()
    write('second'.padEnd(120))
    await inTime(producer.flush())
    await inTime(producer.commit())
    await inTime(producer.flush())
    expect(producer.hasTransaction).toBe(true)
    expect(transport.asked(addPartitionsToTxn)).toHaveLength(transactionVersion === 1 ? 2 : 0)
    await inTime(producer.commit())
  })

  it('drops what was held back with the transaction before it', async () => {
    const { producer, transport, write, committed, inTime } = await open(200)
    write('first')
    producer.hold()
    for (const text of ['second', 'third']) write(text.padEnd(120))
    await inTime(producer.flush())
    transport.on(endTxn, () => Promise.reject(new StreamError('CONNECTION_LOST', 'gone', { action: 'retry' })))
    await expect(inTime(producer.commit())).rejects.toMatchObject({ code: 'TRANSACTION_UNKNOWN' })
    transport.on(endTxn, (asked) => asked.pass())
    await inTime(producer.init())
    expect(producer.pendingBytes).toBe(0)
    write('again')
    await inTime(producer.flush())
    await inTime(producer.commit())
    expect(await committed()).toEqual(['again'])
  })

  it('hides what an aborted transaction wrote, and goes on', async () => {
    const { producer, write, committed, inTime } = await open()
    write('taken back')
    await inTime(producer.flush())
    await inTime(producer.abort())
    await inTime(producer.init())
    write('stays')
    await inTime(producer.flush())
    await inTime(producer.commit())
    expect(await committed()).toEqual(['stays'])
  })

  it('commits offsets with its records, or neither', async () => {
    const { producer, write, inTime, commitOffset, offset } = await open()
    const step = async (to: number, isCommit: boolean): Promise<void> => {
      write('a')
      await inTime(producer.flush())
      await commitOffset(to)
      await inTime(isCommit ? producer.commit() : producer.abort())
    }
    await step(7, true)
    expect(await offset()).toBe(7)
    await step(8, true)
    expect(await offset()).toBe(8)
    await step(9, false)
    expect(await offset()).toBe(8)
  })

  it('commits offsets alone, and aborts them alone, where nothing was written', async () => {
    const { producer, inTime, commitOffset, offset, write, committed } = await open()
    await commitOffset(7)
    expect(producer.hasTransaction).toBe(true)
    await inTime(producer.commit())
    expect([producer.hasTransaction, await offset()]).toEqual([false, 7])
    await commitOffset(9)
    await inTime(producer.abort())
    expect(await offset()).toBe(7)
    await inTime(producer.init())
    write('next')
    await inTime(producer.flush())
    await inTime(producer.commit())
    expect(await committed()).toEqual(['next'])
  })

  it('sends a batch again as it was where the broker has appended nothing yet', async () => {
    const { producer, transport, write, committed, inTime } = await open()
    const busy = [kafkaError.CONCURRENT_TRANSACTIONS, kafkaError.NOT_ENOUGH_REPLICAS]
    transport.on(produce, (asked) => {
      const errorCode = busy.shift()
      if (errorCode === undefined) return asked.pass()
      return { topics: [{ name: 'words', partitions: [{ index: 0, errorCode, baseOffset: -1 }] }] }
    })
    write('once')
    await inTime(producer.flush())
    await inTime(producer.commit())
    const sent = transport.asked(produce).map(({ request }) => request.topics[0]?.partitions[0]?.records)
    expect(sent).toEqual([sent[0], sent[0], sent[0]])
    expect(transport.asked(metadata)).toHaveLength(1)
    expect(await committed()).toEqual(['once'])
  })

  it('asks of the broker only what its transactions have', async () => {
    const { producer, transport, write, inTime, commitOffset } = await open()
    for (const offset of [1, 2]) {
      write('a')
      await inTime(producer.flush())
      await commitOffset(offset)
      await inTime(producer.commit())
    }
    const versionsOf = (asked: readonly { readonly version: number }[]) => asked.map(({ version }) => version)
    const [writing, entering] =
      transactionVersion === 1
        ? [
            [11, 4, 4],
            [3, 4],
          ]
        : [[12, 5, 5], []]
    expect([
      versionsOf(transport.asked(produce)),
      versionsOf(transport.asked(txnOffsetCommit)),
      versionsOf(transport.asked(endTxn)),
    ]).toEqual(writing.map((version) => [version, version]))
    expect([
      ...versionsOf(transport.asked(addPartitionsToTxn)),
      ...versionsOf(transport.asked(addOffsetsToTxn)),
    ]).toEqual(entering.flatMap((version) => [version, version]))
  })

  it('numbers its batches on within an epoch, and from 0 in the next', async () => {
    const { producer, transport, write, committed, inTime } = await open()
    const first = producer.producer
    for (const texts of [['a', 'b'], ['c'], ['d', 'e']]) {
      for (const text of texts) write(text)
      await inTime(producer.flush())
      write(`${texts}, more`)
      await inTime(producer.flush())
      await inTime(producer.commit())
    }
    const sent = transport.asked(produce).map(({ request }) => {
      const records = request.topics[0]?.partitions[0]?.records as Buffer
      const { producerId, producerEpoch, baseSequence } = readBatchHeader(records, 0, records.length)
      expect(producerId).toBe(first.producerId)
      return [producerEpoch - first.producerEpoch, baseSequence]
    })
    const expected =
      transactionVersion === 1
        ? [
            [0, 0],
            [0, 2],
            [0, 3],
            [0, 4],
            [0, 5],
            [0, 7],
          ]
        : [
            [0, 0],
            [0, 2],
            [1, 0],
            [1, 1],
            [2, 0],
            [2, 2],
          ]
    expect(sent).toEqual(expected)
    expect(await committed()).toEqual(['a', 'b', 'a,b, more', 'c', 'c, more', 'd', 'e', 'd,e, more'])
  })

  it('keeps a failed produce for the next flush, and begins anew after init', async () => {
    const { producer, transport, write, committed, inTime } = await open()
    let refusals = 0
    transport.on(produce, (asked) => {
      if (refusals++ > 0) return asked.pass()
      const partition = { index: 0, errorCode: kafkaError.INVALID_TXN_STATE, baseOffset: -1 }
      return produce.response.encode(asked.version, { topics: [{ name: 'words', partitions: [partition] }] } as never)
    })
    write('lost')
    await expect(inTime(producer.flush())).rejects.toMatchObject({
      code: 'TRANSACTION_UNKNOWN',
      action: 'reset-task',
    })
    write('never sent')
    await expect(inTime(producer.flush())).rejects.toMatchObject({ code: 'TRANSACTION_UNKNOWN' })
    await inTime(producer.init())
    write('again')
    await inTime(producer.flush())
    await inTime(producer.commit())
    expect(await committed()).toEqual(['again'])
  })

  it('learns a limit that was lowered from the refusal, and fits its batches after the reset', async () => {
    const { producer, session, write, committed, inTime } = await open()
    await session.alterTopic('words', { 'max.message.bytes': '500' })
    const texts = Array.from({ length: 20 }, (_, n) => `text ${n} ${'x'.repeat(60)}`)
    for (const text of texts) write(text)
    await expect(inTime(producer.flush())).rejects.toMatchObject({
      code: 'RECORD_TOO_LARGE',
      action: 'reset-task',
      message: expect.stringMatching(/words, whose max\.message\.bytes is 500/),
    })
    await inTime(producer.init())
    for (const text of texts) write(text)
    expect(() => write('x'.repeat(500))).toThrow(expect.objectContaining({ code: 'RECORD_TOO_LARGE', action: 'fail' }))
    await inTime(producer.flush())
    await inTime(producer.commit())
    expect(await committed()).toEqual(texts)
  })

  it('halves its batches where the settings do not say what was too large, and ends where one record is', async () => {
    const { producer, transport, session, write, committed, inTime } = await open()
    await session.alterTopic('words', { 'max.message.bytes': '500' })
    const unreadable = { errorCode: 29, errorMessage: null, resourceType: 2, resourceName: 'words', configs: [] }
    transport.on(describeConfigs, () => ({ results: [unreadable] }) as never)
    const texts = Array.from({ length: 20 }, (_, n) => `text ${n} ${'x'.repeat(60)}`)
    let resets = 0
    for (; ; resets++) {
      for (const text of texts) write(text)
      const failure: unknown = await inTime(producer.flush()).then(
        () => null,
        (error: unknown) => error,
      )
      if (failure === null) break
      expect(failure).toMatchObject({ code: 'RECORD_TOO_LARGE', action: 'reset-task' })
      await inTime(producer.init())
    }
    await inTime(producer.commit())
    expect(resets).toBe(2)
    expect(await committed()).toEqual(texts)
    write('x'.repeat(500))
    await expect(inTime(producer.flush())).rejects.toMatchObject({
      code: 'RECORD_TOO_LARGE',
      action: 'fail',
      context: { topic: 'words', partition: 0 },
    })
  })

  it('holds no more memory for many small batches than for few large ones', async () => {
    const { producer, limits, transport, write, inTime } = await open(undefined, { 'max.message.bytes': '2000' })
    await limits.read(['words'])
    const held = gate()
    transport.on(produce, async (asked) => {
      await held.opened
      return asked.pass()
    })
    const before = process.memoryUsage().arrayBuffers
    for (let i = 0; i < 20_000; i++) write('x'.repeat(100))
    const { pendingBytes } = producer
    expect(pendingBytes).toBeGreaterThan(2_000_000)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(3 * pendingBytes)
    held.open()
    await inTime(producer.flush())
    await inTime(producer.commit())
  })

  it('takes the least of the settings that limit a batch', async () => {
    const config = { 'max.message.bytes': '3000000', 'segment.bytes': '1048576' }
    const { producer, limits, write, committed, inTime } = await open(undefined, config)
    await limits.read(['words'])
    const most = 'x'.repeat(1_048_576 - 73)
    expect(() => write(`${most}x`)).toThrow(
      '1048577 bytes as a batch of its own does not fit the topic words, whose segment.bytes is 1048576',
    )
    write(most)
    await inTime(producer.flush())
    await inTime(producer.commit())
    expect((await committed()).map(({ length }) => length)).toEqual([most.length])
  })

  it('takes a lost answer to EndTxn for an unknown outcome', async () => {
    const { producer, transport, write, committed, inTime } = await open()
    transport.on(endTxn, async (asked) => {
      await asked.pass()
      throw new StreamError('CONNECTION_LOST', 'the connection broke behind the request', { action: 'retry' })
    })
    write('committed after all')
    await inTime(producer.flush())
    await expect(inTime(producer.commit())).rejects.toMatchObject({
      code: 'TRANSACTION_UNKNOWN',
      action: 'reset-task',
    })
    expect(await committed()).toEqual(['committed after all'])
  })

  it('hands on what no repetition cures as it is, so that a defect ends the job instead of being replayed for ever', async () => {
    const { producer, transport, write, inTime } = await open()
    const defect = new TypeError('a defect of ours')
    transport.on(produce, () => Promise.reject(defect))
    write('one')
    await expect(inTime(producer.flush())).rejects.toBe(defect)
    await inTime(producer.init())
    transport.on(endTxn, () => Promise.reject(defect))
    await expect(inTime(producer.commit())).rejects.toBe(defect)
  })

  it('sends nothing any more behind an abort, and leaves no transaction open', async () => {
    const { producer, transport, session, clock, write, inTime } = await open(200)
    const answer = gate()
    let asked = 0
    transport.on(produce, async ({ pass }) => {
      const answered = await pass()
      if (asked++ === 0) await answer.opened
      return answered
    })
    for (const text of ['one', 'two', 'three']) write(text.padEnd(120))
    for (const text of ['four', 'five', 'six']) write(text.padEnd(120), 1)
    await transport.reached(produce, 1)
    const aborted = whileTimePasses(clock, producer.abort())
    await quiet()
    // Aborted before it is answered, the request under way would begin a transaction of its own.
    expect(await session.settled('app-one-0')).toBe('Ongoing')
    answer.open()
    await aborted
    for (let turn = 0; turn < 20; turn++) {
      await quiet()
      clock.advance(10)
    }
    expect([asked, await session.settled('app-one-0')]).toEqual([1, 'CompleteAbort'])
    expect((await session.listOffset('words', 1, -1, 1))?.offset).toBe(0)
    await inTime(producer.init())
    write('next')
    await inTime(producer.flush())
  })

  it('leaves a leader that died, its partition led by another broker now', async () => {
    const { producer, transport, write, inTime } = await open()
    transport.on(metadata, () => led([1, 1]))
    write('one')
    await inTime(producer.flush())
    await inTime(producer.commit())
    transport.on(metadata, () => led([2, 2]))
    transport.on(produce, ({ node, pass }) => (node === 1 ? gone() : pass()))
    write('lost')
    await expect(inTime(producer.flush())).rejects.toMatchObject({ action: 'reset-task' })
    await inTime(producer.init())
    write('two')
    await inTime(producer.flush())
    expect(transport.asked(produce).map(({ node }) => node)).toEqual([1, 1, 2])
  })

  it('is fenced by whoever takes its id, and says so', async () => {
    const { producer, session, write, inTime } = await open()
    await session.init('app-one-0')
    write('too late')
    await expect(inTime(producer.flush())).rejects.toMatchObject({ code: 'PRODUCER_FENCED', action: 'reset-task' })
  })

  it('commits offsets under the membership that it is given, all of it (KIP-447)', async () => {
    const { producer, transport, inTime } = await open()
    const member = { groupId: 'app', generationId: 7, memberId: 'member-1', groupInstanceId: 'instance-1' }
    if (transactionVersion === 1) await inTime(producer.addOffsets('app'))
    const offsets = [{ topic: 'words', partition: 0, offset: 3, metadata: 'm' }]
    // There is no such generation: the broker refuses, and that is the fence.
    await expect(inTime(producer.commitOffsets(member, offsets))).rejects.toMatchObject({ code: 'MEMBERSHIP_LOST' })
    expect(transport.asked(txnOffsetCommit)).toMatchObject([{ request: member }])
  })

  it('takes no number from the answer to an attempt that was given up', async () => {
    const { producer, transport, write, inTime } = await open()
    const held = gate()
    transport.on(produce, async (asked) => {
      const answer = await asked.pass()
      await held.opened
      return answer
    })
    write('given up')
    producer.flush().catch(() => undefined)
    await transport.reached(produce, 1)
    await inTime(producer.init())
    held.open()
    await quiet()
    expect([producer.output('words', 0).endOffset, producer.pendingBytes]).toEqual([-1, 0])
  })
}

describe('a transactional producer', promises(1))
describe('a transactional producer in transactions of version 2', promises(2))

describe('a transactional producer whose partitions are being added', () => {
  it('sends nothing of an attempt that was given up under the epoch of the next', async () => {
    const { producer, transport, write, committed, inTime } = await openOver(1)
    const held = gate()
    let isFirst = true
    transport.on(addPartitionsToTxn, async (asked) => {
      if (isFirst) {
        isFirst = false
        await held.opened
      }
      return asked.pass()
    })
    write('given up')
    const first = producer.flush()
    first.catch(() => undefined)
    await transport.reached(addPartitionsToTxn, 1)
    await inTime(producer.init())
    held.open()
    await quiet()
    expect(transport.asked(produce)).toEqual([])
    write('of the next')
    await inTime(producer.flush())
    await inTime(producer.commit())
    expect(await committed()).toEqual(['of the next'])
    expect(transport.asked(initProducerId)).toHaveLength(2)
  })
})

describe('a transactional producer whose epochs have run out', () => {
  it('goes on with the id that the end of its transaction gave', async () => {
    const { producer, transport, write, inTime } = await openOver(2)
    transport.on(endTxn, () => ({ errorCode: 0, producerId: 99, producerEpoch: 0 }))
    write('the last of its id')
    await inTime(producer.flush())
    await inTime(producer.commit())
    expect(producer.producer).toEqual({ producerId: 99, producerEpoch: 0 })
    transport.on(produce, () => ({
      topics: [{ name: 'words', partitions: [{ index: 0, errorCode: 0, baseOffset: 2 }] }],
    }))
    write('the first of another')
    await inTime(producer.flush())
    await inTime(producer.commit())
    const records = transport.asked(produce)[1]?.request.topics[0]?.partitions[0]?.records as Buffer
    expect(readBatchHeader(records, 0, records.length)).toMatchObject({
      producerId: 99,
      producerEpoch: 0,
      baseSequence: 0,
    })
    expect(transport.asked(endTxn)[1]?.request).toMatchObject({ producerId: 99, producerEpoch: 0 })
  })
})

describe('a transactional producer that was given up while its transaction ended', () => {
  it('takes no epoch from the answer', async () => {
    const { producer, transport, write, committed, inTime } = await openOver(2)
    const held = gate()
    transport.on(endTxn, async ({ pass }) => {
      const answer = await pass()
      await held.opened
      return answer
    })
    write('committed after all')
    await inTime(producer.flush())
    const late = producer.commit()
    await transport.reached(endTxn, 1)
    await inTime(producer.init())
    const { producer: identity } = producer
    held.open()
    await late
    expect(producer.producer).toEqual(identity)
    write('of the next')
    await inTime(producer.flush())
    expect(producer.hasTransaction).toBe(true)
    await inTime(producer.commit())
    expect(await committed()).toEqual(['committed after all', 'of the next'])
  })
})
