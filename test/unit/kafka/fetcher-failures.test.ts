import { afterEach, describe, expect, it } from 'vitest'
import { StreamError } from '../../../src/core/errors.ts'
import { kafkaError } from '../../../src/protocol/kafka-errors.ts'
import { fetch } from '../../../src/protocol/messages/fetch.ts'
import { metadata } from '../../../src/protocol/messages/metadata.ts'
import { deleteRecords } from '../../../src/protocol/messages/topics.ts'
import { textBatch } from '../../support/broker-harness.ts'
import { answered, fetcherOverBroker, led, take, wantedBy } from '../../support/fetcher-over-broker.ts'
import { gate, quiet, whileTimePasses } from '../../support/scripted-transport.ts'

let closing: (() => Promise<void>) | null = null
afterEach(async () => {
  await closing?.()
  closing = null
})

async function overBroker() {
  const world = await fetcherOverBroker()
  closing = world.close
  return world
}

describe('a partition that is assigned anew', () => {
  it('is fetched, also when the fetch of before fails behind it', async () => {
    const { fetcher, transport, send, clock } = await overBroker()
    await send('words', ['a'])
    const lost = gate()
    let fetches = 0
    transport.on(fetch, async ({ pass }) => {
      if (fetches++ > 0) return pass()
      await lost.opened
      throw new StreamError('CONNECTION_LOST', 'gone', { action: 'retry' })
    })
    fetcher.assign('words', 0, 0)
    await transport.reached(fetch, 1)
    const queue = fetcher.assign('words', 0, 0)
    await quiet()
    lost.open()
    for (let turn = 0; turn < 50 && queue.fetchOffset === 0; turn++) {
      await quiet()
      clock.advance(50)
    }
    expect([queue.failure, take(queue)]).toEqual([null, [[0, 'a']]])
  })
})

describe('a partition that cannot be read', () => {
  it.each([
    ['before the start of its log', 0],
    ['behind the end of its log', 99],
  ])('because its offset is %s fails by name, once, and the others go on', async (_, offset) => {
    const { fetcher, fetched, transport, session, send } = await overBroker()
    for (const name of ['a', 'b', 'c']) await send('words', [name])
    const topics = [{ name: 'words', partitions: [{ index: 0, offset: 2 }] }]
    await session.request(deleteRecords, 2, { topics, timeoutMs: 1000 })
    const queue = fetcher.assign('words', 0, offset)
    await fetched(() => queue.failure !== null)
    expect(queue.failure).toMatchObject({
      code: 'OFFSET_OUT_OF_RANGE',
      action: 'fail',
      context: { topic: 'words', partition: 0, offset },
    })
    expect(queue.failure?.message).toContain(`words-0 was to be read from offset ${offset}`)
    const other = fetcher.assign('words', 1, 0)
    await send('words', ['goes on'], {}, 1)
    await fetched(() => other.fetchOffset === 1)
    expect(transport.asked(fetch).filter((asked) => wantedBy(asked).some(([index]) => index === 0)).length).toBe(1)
  })

  it.each([
    ['may not be read', answered(kafkaError.TOPIC_AUTHORIZATION_FAILED), 'REQUEST_FAILED'],
    ['is answered with half a batch', answered(0, textBatch(['a']).subarray(0, 65)), 'BATCH_CORRUPT'],
    ['is answered with something else than batches', answered(0, Buffer.alloc(100, 1)), 'BATCH_CORRUPT'],
  ])('because it %s fails, tells, and is not asked for again', async (_, answer, code) => {
    const { fetcher, fetched, transport, budget } = await overBroker()
    transport.on(fetch, () => answer)
    const queue = fetcher.assign('words', 0, 0)
    await fetched(() => queue.failure !== null)
    await quiet()
    expect(queue.failure).toMatchObject({ code })
    expect([queue.isEmpty, budget.takenBytes, transport.asked(fetch).length]).toEqual([true, 0, 1])
  })

  it('is read when it is assigned anew from an offset that is there', async () => {
    const { fetcher, fetched, send } = await overBroker()
    await send('words', ['a'])
    const beyond = fetcher.assign('words', 0, 50)
    await fetched(() => beyond.failure !== null)
    const queue = fetcher.assign('words', 0, 0)
    await fetched(() => queue.fetchOffset === 1)
    expect([queue.failure, take(queue)]).toEqual([null, [[0, 'a']]])
  })
})

describe('a leader', () => {
  it.each(['NOT_LEADER_OR_FOLLOWER', 'UNKNOWN_TOPIC_OR_PARTITION', 'FENCED_LEADER_EPOCH'] as const)(
    'that answers with %s is left for the one that the cluster names next, and nothing is missed',
    async (name) => {
      const { fetcher, fetched, transport, send } = await overBroker()
      const leaders = [1, 2]
      transport.on(metadata, () => led([leaders.shift() ?? 2]))
      transport.on(fetch, ({ node, pass }) => (node === 1 ? answered(kafkaError[name]) : pass()))
      await send('words', ['a'])
      const queue = fetcher.assign('words', 0, 0)
      await fetched(() => queue.fetchOffset === 1)
      expect([queue.failure, take(queue)]).toEqual([null, [[0, 'a']]])
      await quiet()
      expect(transport.asked(fetch).map(({ node }) => node)).toEqual([1, 2, 2])
    },
  )

  it.each([
    ['whose connection breaks', () => Promise.reject(new StreamError('CONNECTION_LOST', 'gone', { action: 'retry' }))],
    ['that refuses the whole request', () => ({ errorCode: kafkaError.NOT_LEADER_OR_FOLLOWER, topics: [] })],
  ])('%s is looked for anew after a pause', async (_, failing) => {
    const { fetcher, fetched, transport, send, clock } = await overBroker()
    let failures = 2
    transport.on(fetch, ({ pass }) => (failures-- > 0 ? failing() : pass()))
    await send('words', ['a'])
    const queue = fetcher.assign('words', 0, 0)
    await whileTimePasses(
      clock,
      fetched(() => queue.fetchOffset === 1),
    )
    expect([queue.failure, take(queue)]).toEqual([null, [[0, 'a']]])
    expect(transport.asked(metadata).length).toBe(3)
  })

  it('of a topic that is not there yet is waited for', async () => {
    const { fetcher, fetched, transport, session, send, clock } = await overBroker()
    const queue = fetcher.assign('soon', 0, 0)
    await transport.reached(metadata, 1)
    await quiet()
    clock.advance(100)
    await transport.reached(metadata, 2)
    await session.createTopic('soon')
    await send('soon', ['here'])
    await whileTimePasses(
      clock,
      fetched(() => queue.fetchOffset === 1),
    )
    expect(take(queue)).toEqual([[0, 'here']])
  })
})
