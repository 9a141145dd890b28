import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ChangelogReader } from '../../../src/checkpoint/changelog-reader.ts'
import { Purge } from '../../../src/checkpoint/purge.ts'
import { silentLogger } from '../../../src/core/logger.ts'
import { kafkaError } from '../../../src/protocol/kafka-errors.ts'
import { deleteRecords } from '../../../src/protocol/messages/topics.ts'
import { BareApp } from '../../support/bare-app.ts'
import { SteppedClock } from '../../support/stepped-clock.ts'

const topic = 'app-by-word-repartition'
const megabyte = 1024 * 1024

describe('a purge', () => {
  let world: BareApp
  let clock: SteppedClock
  let purge: Purge
  let requests: number

  beforeEach(async () => {
    world = await BareApp.open()
    await world.createTopic(topic, 2)
    for (const partition of [0, 1]) for (const n of [1, 2, 3]) await world.write(topic, [[`k${n}`, 'v']], partition)
    clock = new SteppedClock()
    purge = new Purge(world.app.admin, clock, silentLogger)
    requests = 0
    world.interceptors.on(deleteRecords.key, () => {
      requests++
      return undefined
    })
  })
  afterEach(() => world.close())

  /** The first offset of each partition. */
  const starts = async (): Promise<number[]> => {
    const reader = new ChangelogReader(world.app)
    return Promise.all([0, 1].map((partition) => reader.startOffset({ topic, partition })))
  }
  const commit = (partition: number, offset: number, bytes = 0) =>
    purge.committed([[`${topic}-${partition}`, offset]], bytes)

  it('deletes up to the position of the latest commit, 30 s after the last', async () => {
    commit(0, 2)
    clock.advance(29_999)
    commit(0, 4)
    await purge.close()
    expect({ starts: await starts(), requests }).toEqual({ starts: [0, 0], requests: 0 })
    clock.advance(1)
    commit(1, 2)
    await purge.close()
    expect({ starts: await starts(), requests }).toEqual({ starts: [4, 2], requests: 1 })
  })

  it('comes early behind 64 MB', async () => {
    commit(0, 2, 63 * megabyte)
    await purge.close()
    expect(requests).toBe(0)
    commit(0, 4, megabyte)
    await purge.close()
    expect(await starts()).toEqual([4, 0])
  })

  it('counts time and bytes anew behind each', async () => {
    commit(0, 2, 64 * megabyte)
    await purge.close()
    clock.advance(29_999)
    commit(0, 4, 63 * megabyte)
    await purge.close()
    expect({ starts: await starts(), requests }).toEqual({ starts: [2, 0], requests: 1 })
    clock.advance(1)
    commit(0, 4)
    await purge.close()
    expect(await starts()).toEqual([4, 0])
  })

  it('never runs twice at once: what is committed meanwhile is for the next', async () => {
    commit(0, 2, 64 * megabyte)
    commit(0, 4, 64 * megabyte)
    clock.advance(60_000)
    commit(1, 4)
    await purge.close()
    expect({ starts: await starts(), requests }).toEqual({ starts: [2, 0], requests: 1 })
    commit(0, 4)
    await purge.close()
    expect({ starts: await starts(), requests }).toEqual({ starts: [4, 4], requests: 2 })
  })

  it('asks for nothing where no internal topic was read', async () => {
    clock.advance(60_000)
    purge.committed([], 64 * megabyte)
    await purge.close()
    expect(requests).toBe(0)
  })

  it('that fails leaves its work to the next commit of the partition, and says nothing to anybody', async () => {
    const refusal = deleteRecords.response.encode(2, {
      throttleTimeMs: 0,
      topics: [
        { name: topic, partitions: [{ index: 0, lowWatermark: -1, errorCode: kafkaError.TOPIC_AUTHORIZATION_FAILED }] },
      ],
    })
    world.interceptors.once(deleteRecords.key, { action: 'reply', body: refusal })
    commit(0, 2, 64 * megabyte)
    await expect(purge.close()).resolves.toBeUndefined()
    expect(await starts()).toEqual([0, 0])
    clock.advance(30_000)
    commit(0, 2)
    await purge.close()
    expect(await starts()).toEqual([2, 0])
  })

  it('is content with a start that has passed the position already', async () => {
    await world.app.admin.deleteRecords([{ topic, partition: 0, offset: 6 }])
    commit(0, 2, 64 * megabyte)
    commit(1, 2)
    await purge.close()
    expect(await starts()).toEqual([6, 0])
  })

  it('that is not running is closed at once', async () => {
    await expect(purge.close()).resolves.toBeUndefined()
    expect(requests).toBe(0)
  })

  it('that failed is repeated by the next, whoever commits then', async () => {
    const refusal = { index: 0, lowWatermark: -1, errorCode: kafkaError.TOPIC_AUTHORIZATION_FAILED }
    const body = deleteRecords.response.encode(2, {
      throttleTimeMs: 0,
      topics: [{ name: topic, partitions: [refusal] }],
    })
    world.interceptors.once(deleteRecords.key, { action: 'reply', body })
    clock.advance(30_000)
    commit(0, 2)
    await purge.close()
    clock.advance(30_000)
    commit(1, 4)
    await purge.close()
    expect(await starts()).toEqual([2, 4])
  })
})
