import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../src/core/random.ts'
import type { ProducerIdentity } from '../../src/protocol/record-batch-writer.ts'
import { committedTextsIn } from '../support/broker-harness.ts'
import { type BrokerProcess, startBrokerProcess } from '../support/broker-process.ts'
import { KafkaSession } from '../support/kafka-session.ts'
import { rawClientAt } from '../support/raw-client.ts'
import { testSeed } from '../support/seed.ts'
import { temporaryDirectory } from '../support/temp-dir.ts'

/** One writer: what it sent, what was acknowledged, and the request that was under way when the broker died. */
interface Writer {
  acknowledged: number
  /** The value whose answer never came, if any: it may be there or not, but never twice and never in part. */
  inDoubt: boolean
}

const topic = 'kept'
const group = 'kept-group'
const partitions = { idempotent: 0, transactional: 1 }

/**
 * Writers go on until the broker is killed at a random moment. Then it is started again on the same directory, and
 * everything that was acknowledged must be there: each writer goes on from what it finds.
 */
describe('an embedded broker killed with kill -9', () => {
  it(`loses nothing that it acknowledged, repeats nothing, and shows no half transaction (seed ${testSeed})`, async () => {
    await using directory = await temporaryDirectory('broker-kill')
    const random = seededRandom(testSeed)
    let broker = await startBrokerProcess(directory.path, { segmentBytes: 20_000 })
    const connect = async (): Promise<KafkaSession> => new KafkaSession(await rawClientAt('127.0.0.1', broker.port))
    let session = await connect()
    await session.createTopic(topic, 2)
    const producer = await session.init(null)
    const idempotent: Writer = { acknowledged: 0, inDoubt: false }
    const transactional: Writer = { acknowledged: 0, inDoubt: false }
    for (let round = 0; round < 6; round++) {
      const killed = killAfter(broker, 100 + random.integer(400))
      await Promise.all([
        writeIdempotent(await connect(), producer, idempotent),
        writeTransactional(await connect(), transactional),
        killed,
      ])
      broker = await startBrokerProcess(directory.path, { segmentBytes: 20_000 })
      session = await connect()
      const values = (await readAll(session, partitions.idempotent)).map(([, value]) => Number(value))
      expect(values).toEqual(counting(values.length))
      expect(values.length - idempotent.acknowledged).toBeGreaterThanOrEqual(0)
      expect(values.length - idempotent.acknowledged).toBeLessThanOrEqual(idempotent.inDoubt ? 1 : 0)

      await session.init('kept-id')
      const committed = await readAll(session, partitions.transactional)
      const [[offset]] = (await session.committed(group, topic, [0], true)) as [[number, number]]
      const done = Math.max(offset, 0)
      // Two records and one offset a transaction: all three or none.
      expect(committed.map(([, value]) => Number(value))).toEqual(counting(done).flatMap((n) => [n, n]))
      expect(done - transactional.acknowledged).toBeGreaterThanOrEqual(0)
      expect(done - transactional.acknowledged).toBeLessThanOrEqual(transactional.inDoubt ? 1 : 0)
      transactional.acknowledged = done
      session.client.close()
    }
    expect(idempotent.acknowledged).toBeGreaterThan(10)
    expect(transactional.acknowledged).toBeGreaterThan(10)
    await broker.kill()
  })
})

const counting = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

async function killAfter(broker: BrokerProcess, ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms))
  await broker.kill()
}

/** Writes 0, 1, 2...; what was in doubt is sent again with its sequence, which must not write it twice. */
async function writeIdempotent(session: KafkaSession, producer: ProducerIdentity, writer: Writer): Promise<void> {
  try {
    for (;;) {
      writer.inDoubt = true
      const sequence = writer.acknowledged
      const answer = await session.send(topic, [String(sequence)], { producer, sequence }, partitions.idempotent)
      expect([answer.errorCode, answer.baseOffset]).toEqual([0, sequence])
      writer.inDoubt = false
      writer.acknowledged++
    }
  } catch (error) {
    if (!isLost(error)) throw error
  }
}

async function writeTransactional(session: KafkaSession, writer: Writer): Promise<void> {
  try {
    const id = 'kept-id'
    const producer = await session.init(id)
    for (let sequence = 0; ; sequence += 2) {
      writer.inDoubt = false
      const values = [String(writer.acknowledged), String(writer.acknowledged)]
      expect(await session.addPartitions(id, producer, topic, [partitions.transactional])).toEqual([0])
      const sent = await session.sendIn(id, topic, values, { producer, sequence }, partitions.transactional)
      expect(sent.errorCode).toBe(0)
      expect(await session.addOffsets(id, producer, group)).toBe(0)
      expect(await session.commitInTxn(id, producer, group, { [topic]: [writer.acknowledged + 1] })).toEqual([0])
      writer.inDoubt = true
      expect(await session.endOnce(id, producer, true)).toBe(0)
      writer.acknowledged++
    }
  } catch (error) {
    if (!isLost(error)) throw error
  }
}

const isLost = (error: unknown): boolean => error instanceof Error && error.message === 'the connection was closed'

/** All committed records of a partition. */
async function readAll(session: KafkaSession, index: number): Promise<[number, string][]> {
  const found: [number, string][] = []
  for (let offset = 0; ; ) {
    const answer = await session.fetch(topic, offset, { index, committed: true })
    expect(answer.lastStableOffset).toBe(answer.highWatermark)
    const { texts, nextOffset } = committedTextsIn(answer.records, answer.abortedTransactions ?? [])
    if (nextOffset < 0) return found
    found.push(...texts.filter(([at]) => at >= offset))
    offset = nextOffset
  }
}
