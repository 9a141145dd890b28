import { afterEach, describe, expect, it } from 'vitest'
import type { Broker } from '../../../src/broker/broker.ts'
import type { BrokerOptions } from '../../../src/broker/broker-options.ts'
import { PartitionLog } from '../../../src/broker/log/partition-log.ts'
import { TailBudget } from '../../../src/broker/log/tail-cache.ts'
import type { BrokerStorage } from '../../../src/broker/storage/broker-storage.ts'
import { MemoryStorage } from '../../../src/broker/storage/memory-storage.ts'
import { readBatchHeader } from '../../../src/protocol/batch-header.ts'
import { offsetForLeaderEpoch } from '../../../src/protocol/messages/offsets.ts'
import { deleteRecords } from '../../../src/protocol/messages/topics.ts'
import { committedTextsIn, startBroker, textBatch } from '../../support/broker-harness.ts'
import { KafkaSession } from '../../support/kafka-session.ts'
import { rawClientOver } from '../../support/raw-client.ts'
import { gate, quiet } from '../../support/scripted-transport.ts'

let broker: Broker | null = null
afterEach(async () => {
  await broker?.close()
  broker = null
})

async function start(options: BrokerOptions = {}, storage: BrokerStorage = new MemoryStorage().open()) {
  broker = await startBroker(options, storage)
  return new KafkaSession(rawClientOver(broker.connect))
}

const deleteTo = (session: KafkaSession, name: string, offset: number) =>
  session.request(deleteRecords, 2, { topics: [{ name, partitions: [{ index: 0, offset }] }], timeoutMs: 1000 })

const place = { topic: 'words', partition: 0, name: 'id/0' }

/** A log alone on a disk. */
async function openOn(disk: MemoryStorage, segmentBytes = 200) {
  const storage = disk.open()
  const tails = new TailBudget(1 << 20)
  const environment = { storage, tails, sync: false, segmentBytes, leaderEpoch: 0, failed() {} }
  const { log } = await PartitionLog.open(environment, place, 0, null)
  const append = (text: string): number => {
    const batch = textBatch([text])
    return log.append(batch, readBatchHeader(batch, 0, batch.length))
  }
  return { log, storage, append }
}

describe('the start of a log', () => {
  it('is where a search by time goes on behind the records that were deleted', async () => {
    const session = await start()
    await session.createTopic('words')
    const now = Date.now()
    for (let i = 0; i < 4; i++) await session.send('words', ['x'.repeat(40_000)], { timestamp: now + i })
    expect(await session.listOffset('words', 0, now)).toMatchObject({ offset: 0 })
    await deleteTo(session, 'words', 2)
    expect(await session.listOffset('words', 0, now)).toMatchObject({ errorCode: 0, offset: 2 })
  })

  it('is never above the last stable offset, also when an open transaction begins before it', async () => {
    const session = await start()
    await session.createTopic('words')
    const producer = await session.init('id')
    await session.addPartitions('id', producer, 'words')
    await session.sendIn('id', 'words', ['a'], { producer })
    await session.send('words', ['b'])
    await deleteTo(session, 'words', 2)
    expect(await session.listOffset('words', 0, -2, 1)).toMatchObject({ offset: 2 })
    expect(await session.listOffset('words', 0, -1, 1)).toMatchObject({ offset: 2 })
  })
})

describe('a read of a log', () => {
  it('lists an aborted transaction whose records it gives, whatever is deleted meanwhile', async () => {
    const storage = new MemoryStorage().open()
    let held: ReturnType<typeof gate> | null = null
    const slow: BrokerStorage = {
      ...storage,
      openSegment: async (log, base) => {
        const file = await storage.openSegment(log, base)
        const read = file.read.bind(file)
        file.read = async (position, target) => {
          const count = await read(position, target)
          await held?.opened
          return count
        }
        return file
      },
    }
    const session = await start({ tailCacheBytes: 0 }, slow)
    await session.createTopic('words')
    const producer = await session.init('id')
    await session.addPartitions('id', producer, 'words')
    await session.sendIn('id', 'words', ['aborted'], { producer })
    await session.end('id', producer, false)
    await session.send('words', ['good'])
    held = gate()
    const reader = new KafkaSession(rawClientOver((broker as Broker).connect))
    const reading = reader.fetch('words', 0, { committed: true })
    await quiet()
    await deleteTo(session, 'words', 2)
    held.open(undefined)
    const { records, abortedTransactions } = await reading
    const { texts } = committedTextsIn(records, abortedTransactions ?? [])
    expect(texts.map(([, text]) => text)).toEqual(['good'])
  })

  it.each([
    ['partition', { maxBytes: 1000, partitionBytes: 0 }],
    ['request', { maxBytes: 0, partitionBytes: 1000 }],
  ])('gives one batch, though the limit of the %s is 0', async (_, limits) => {
    const session = await start()
    await session.createTopic('words')
    await session.send('words', ['a'])
    expect((await session.fetch('words', 0, limits)).records?.length).toBeGreaterThan(0)
  })
})

describe('a log that is opened again', () => {
  it('knows where an epoch ended that is older than all that it has', async () => {
    const disk = new MemoryStorage()
    const session = await start({}, disk.open())
    await session.createTopic('words')
    disk.kill()
    const again = await start({}, disk.open())
    const answer = await again.request(offsetForLeaderEpoch, 4, {
      topics: [{ name: 'words', partitions: [{ index: 0, leaderEpoch: 0 }] }],
    })
    expect(answer.topics[0]?.partitions[0]).toMatchObject({ errorCode: 0, leaderEpoch: 0, endOffset: 0 })
  })

  it('ends where its last batch does, also when kill -9 came between the next file and what was to be written before it', async () => {
    const disk = new MemoryStorage()
    const { log, append } = await openOn(disk)
    await log.written(append('a'.repeat(50)) + 1)
    // The second fits the first file, the third begins the next one; the writer comes to neither.
    append('b')
    append('c'.repeat(100))
    disk.kill()
    const again = await openOn(disk)
    expect(again.log.highWatermark).toBe(1)
    await again.log.written(again.append('d') + 1)
    expect(again.log.highWatermark).toBe(2)
  })

  it('is cut off at a write that a crash tore, and keeps what is before it', async () => {
    const disk = new MemoryStorage()
    const { log, storage, append } = await openOn(disk)
    await log.written(append('kept') + 1)
    const file = await storage.openSegment(place.name, 0)
    const torn = textBatch(['torn'])
    torn.writeBigInt64BE(1n, 0)
    await file.append([torn.subarray(0, torn.length - 3)])
    disk.kill()
    expect((await openOn(disk)).log.highWatermark).toBe(1)
  })

  it.each([
    ['its records', 65],
    ['its length', 8],
    ['its magic', 16],
  ])('is refused, and left as it is, where a batch is damaged in %s and whole ones stand behind it', async (_, at) => {
    const disk = new MemoryStorage()
    const { log, storage, append } = await openOn(disk, 1000)
    await log.written(append('first') + 1)
    const position = log.sizeBytes
    await log.written(append('second') + 1)
    await log.written(append('third') + 1)
    const sizeBytes = (await storage.openSegment(place.name, 0)).sizeBytes
    disk.kill()
    disk.damage(place.name, 0, position + at, Buffer.of(0x7f))
    await expect(openOn(disk)).rejects.toMatchObject({
      code: 'BROKER_STORAGE_CORRUPT',
      message: expect.stringContaining(`words-0 is damaged ${position} bytes into a file of ${sizeBytes}`),
    })
    expect((await disk.open().openSegment(place.name, 0)).sizeBytes).toBe(sizeBytes)
  })

  it('is refused where the last batch of a file is damaged and another file follows', async () => {
    const disk = new MemoryStorage()
    const { log, append } = await openOn(disk)
    for (const text of ['a'.repeat(100), 'b'.repeat(100)]) await log.written(append(text) + 1)
    disk.kill()
    disk.damage(place.name, 0, 100, Buffer.of(0x7f))
    await expect(openOn(disk)).rejects.toMatchObject({ code: 'BROKER_STORAGE_CORRUPT' })
  })

  it('is refused, and left as it is, where a file in its middle is gone', async () => {
    const disk = new MemoryStorage()
    const { log, append } = await openOn(disk)
    for (const text of ['a', 'b', 'c']) await log.written(append(text.repeat(150)) + 1)
    await disk.open().removeSegment(place.name, 1)
    await expect(openOn(disk)).rejects.toMatchObject({
      code: 'BROKER_STORAGE_CORRUPT',
      message: expect.stringContaining('words-0 has nothing from offset 1 on, and goes on at offset 2'),
    })
    expect(await disk.open().segments(place.name)).toEqual([0, 2])
  })
})

describe('a log on a disk', () => {
  it('shows nothing before it is written', async () => {
    const { log, append } = await openOn(new MemoryStorage())
    append('a')
    expect([log.endOffset, log.highWatermark]).toEqual([1, 0])
    await log.written(1)
    expect(log.highWatermark).toBe(1)
  })

  it('knows its producers and open transactions again when it is opened anew', async () => {
    const disk = new MemoryStorage()
    const { log } = await openOn(disk)
    const by = { producer: { producerId: 7, producerEpoch: 0 }, transactional: true }
    const batch = textBatch(['a', 'b'], by)
    const header = readBatchHeader(batch, 0, batch.length)
    log.append(batch, header)
    await log.written(2)
    expect(log.lastStableOffset).toBe(0)
    await log.close()
    const again = await openOn(disk)
    expect(again.log.producers.judge(header)).toMatchObject({ kind: 'duplicate', baseOffset: 0 })
    expect([again.log.highWatermark, again.log.lastStableOffset]).toEqual([2, 0])
  })
})
