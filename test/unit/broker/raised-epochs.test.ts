import { afterEach, describe, expect, it } from 'vitest'
import { type Broker, createBroker } from '../../../src/broker/broker.ts'
import type { BrokerOptions } from '../../../src/broker/broker-options.ts'
import { fact } from '../../../src/broker/storage/facts.ts'
import { MemoryStorage } from '../../../src/broker/storage/memory-storage.ts'
import { rowFact, type TransactionRow } from '../../../src/broker/transactions/transaction-row.ts'
import { silentLogger } from '../../../src/core/logger.ts'
import { seededRandom } from '../../../src/core/random.ts'
import { kafkaError } from '../../../src/protocol/kafka-errors.ts'
import { apiVersions, transactionFeature } from '../../../src/protocol/messages/api-versions.ts'
import { committedTextsIn } from '../../support/broker-harness.ts'
import { KafkaSession } from '../../support/kafka-session.ts'
import { rawClientOver } from '../../support/raw-client.ts'
import { SteppedClock } from '../../support/stepped-clock.ts'

/** What transactions of version 2 ask of the coordinator's row, over restarts and at the last epoch of a producer. */

let broker: Broker | null = null
afterEach(async () => {
  await broker?.close()
  broker = null
})

const disk = () => new MemoryStorage()
const clock = new SteppedClock()

/** Starts the broker (again) on what the disk holds. */
async function start(on: MemoryStorage, options: BrokerOptions = {}): Promise<KafkaSession> {
  await broker?.close()
  broker = await createBroker({ storage: on.open(), clock, random: seededRandom(1), logger: silentLogger, options })
  return new KafkaSession(rawClientOver(broker.connect))
}

/** Puts a row among the facts before any broker has started. */
async function put(on: MemoryStorage, row: Partial<TransactionRow>): Promise<void> {
  const storage = on.open()
  const whole: TransactionRow = {
    transactionalId: 'id',
    producerId: 7,
    epoch: 32_766,
    lastProducerId: 7,
    lastEpoch: -1,
    timeoutMs: 60_000,
    state: 'Empty',
    partitions: [],
    groups: [],
    startedAt: -1,
    ...row,
  }
  await storage.writeFacts([rowFact(whole), fact('producer-ids', [], 100)], { sync: false })
  await storage.close()
}

const committed = async (session: KafkaSession): Promise<string[]> => {
  const { records, abortedTransactions } = await session.fetch('words', 0, { committed: true })
  return committedTextsIn(records, abortedTransactions ?? []).texts.map(([, text]) => text)
}

const timestamp = clock.now()

describe('an EndTxn that raises the epoch', () => {
  it('is answered again after a restart, by what the row says of the epoch before', async () => {
    const on = disk()
    let session = await start(on)
    await session.createTopic('words')
    const producer = await session.init('id')
    await session.sendEntering('id', 'words', ['kept'], { producer, sequence: 0, timestamp })
    const ended = await session.endRaising('id', producer, true)
    session = await start(on)
    expect(await session.endRaising('id', producer, true)).toEqual(ended)
    expect((await session.endRaising('id', producer, false)).errorCode).toBe(kafkaError.INVALID_TXN_STATE)
    // The lost answer may be asked for with InitProducerId, too.
    expect(await session.initOnce('id', 60_000, producer)).toMatchObject({ errorCode: 0, ...ended.producer })
    expect(await committed(session)).toEqual(['kept'])
  })

  it('gives another producer id where the epochs have run out, and again to who asks again', async () => {
    const on = disk()
    await put(on, {})
    let session = await start(on)
    await session.createTopic('words')
    const producer = { producerId: 7, producerEpoch: 32_766 }
    await session.sendEntering('id', 'words', ['last'], { producer, sequence: 0, timestamp })
    const ended = await session.endRaising('id', producer, true)
    expect(ended).toEqual({ errorCode: 0, producer: { producerId: 100, producerEpoch: 0 } })
    session = await start(on)
    expect(await session.endRaising('id', producer, true)).toEqual(ended)
    expect((await session.endRaising('id', producer, false)).errorCode).toBe(kafkaError.INVALID_TXN_STATE)
    const old = await session.sendEntering('id', 'words', ['old'], { producer, sequence: 1, timestamp })
    expect(old.errorCode).toBe(kafkaError.INVALID_PRODUCER_EPOCH)
    const by = { producer: ended.producer, sequence: 0, timestamp }
    expect((await session.sendEntering('id', 'words', ['first'], by)).errorCode).toBe(0)
    expect((await session.endRaising('id', producer, true)).errorCode).toBe(kafkaError.INVALID_PRODUCER_ID_MAPPING)
    expect((await session.endRaising('id', ended.producer, true)).errorCode).toBe(0)
    expect(await committed(session)).toEqual(['last', 'first'])
  })

  it('goes on with the id that it took, where the broker died between outcome and end', async () => {
    const on = disk()
    await put(on, { state: 'PrepareCommit', epoch: 32_767, lastEpoch: 32_766, nextProducerId: 99, startedAt: 1 })
    const session = await start(on)
    const answer = await session.endRaising('id', { producerId: 7, producerEpoch: 32_766 }, true)
    expect(answer).toEqual({ errorCode: 0, producer: { producerId: 99, producerEpoch: 0 } })
  })

  it('is refused from a producer that was fenced at its last epoch', async () => {
    const on = disk()
    await put(on, { state: 'CompleteAbort', epoch: 32_767, lastEpoch: 32_766 })
    const session = await start(on)
    const answer = await session.endRaising('id', { producerId: 7, producerEpoch: 32_766 }, false)
    expect(answer.errorCode).toBe(kafkaError.PRODUCER_FENCED)
    expect(await session.init('id')).toEqual({ producerId: 100, producerEpoch: 0 })
  })
})

describe('a broker that tells of transactions of version 1', () => {
  it('finalizes the feature at 1, and serves the same', async () => {
    const session = await start(disk(), { transactionVersion: 1 })
    const answer = await session.request(apiVersions, 3, { clientSoftwareName: 'test', clientSoftwareVersion: '1' })
    const level = { name: transactionFeature, maxVersionLevel: 1, minVersionLevel: 1 }
    expect(answer).toMatchObject({ finalizedFeaturesEpoch: 0, finalizedFeatures: [level] })
    await session.createTopic('words')
    const producer = await session.init('id')
    await session.sendEntering('id', 'words', ['kept'], { producer, sequence: 0, timestamp })
    expect((await session.endRaising('id', producer, true)).errorCode).toBe(0)
    expect(await committed(session)).toEqual(['kept'])
  })
})
