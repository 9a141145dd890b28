import { afterEach, describe, expect, it } from 'vitest'
import { type Broker, createBroker } from '../../../src/broker/broker.ts'
import type { BrokerStorage } from '../../../src/broker/storage/broker-storage.ts'
import { MemoryStorage } from '../../../src/broker/storage/memory-storage.ts'
import { silentLogger } from '../../../src/core/logger.ts'
import { seededRandom } from '../../../src/core/random.ts'
import { KafkaSession } from '../../support/kafka-session.ts'
import { rawClientOver } from '../../support/raw-client.ts'
import { gate, quiet } from '../../support/scripted-transport.ts'
import { SteppedClock } from '../../support/stepped-clock.ts'

let broker: Broker | null = null
afterEach(async () => {
  await broker?.close()
  broker = null
})

describe('a transaction whose time is up', () => {
  it.each([
    ['a partition was being added to it', 'add'],
    ['a batch was being entered into it', 'enter'],
  ] as const)('is aborted though %s at that moment', async (_, how) => {
    const clock = new SteppedClock()
    const disk = new MemoryStorage().open()
    let disked = Promise.resolve()
    const storage: BrokerStorage = {
      ...disk,
      writeFacts: async (changes, options) => {
        await disked
        return disk.writeFacts(changes, options)
      },
    }
    const { connect } = (broker = await createBroker({
      storage,
      clock,
      random: seededRandom(1),
      logger: silentLogger,
    }))
    const session = new KafkaSession(rawClientOver(connect))
    // In steps, since a broker does not count time in which its loop stood still.
    const pass = async (ms: number) => {
      for (let passed = 0; passed < ms; passed += 200) {
        clock.advance(200)
        await quiet()
      }
    }
    await session.createTopic('words', 2)
    const producer = await session.init('id', 10_000)
    await session.addPartitions('id', producer, 'words', [0])
    await pass(9_800)
    const { opened, open } = gate()
    disked = opened
    const batch = { producer, sequence: 0, timestamp: clock.now() }
    const adding =
      how === 'add'
        ? session.addPartitionsOnce('id', producer, 'words', [1])
        : session.sendIn('id', 'words', ['late'], batch, 1, 12).then(({ errorCode }) => [errorCode])
    await quiet()
    await pass(400)
    open()
    expect(await adding).toEqual([0])
    await quiet()
    expect(await session.settled('id')).toBe('CompleteAbort')
    // Nothing of it stays open: a batch that was let in stands before the marker.
    const end = (await session.listOffset('words', 1, -1, 0))?.offset
    expect((await session.listOffset('words', 1, -1, 1))?.offset).toBe(end)
  })
})
