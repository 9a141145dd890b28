import { afterEach, describe, expect, it } from 'vitest'
import { kafkaError } from '../../../src/protocol/kafka-errors.ts'
import { fetch } from '../../../src/protocol/messages/fetch.ts'
import { metadata } from '../../../src/protocol/messages/metadata.ts'
import { fetcherOverBroker, large, take } from '../../support/fetcher-over-broker.ts'
import { quiet } from '../../support/scripted-transport.ts'

let closing: (() => Promise<void>) | null = null
afterEach(async () => {
  await closing?.()
  closing = null
})

async function open(...given: Parameters<typeof fetcherOverBroker>) {
  const world = await fetcherOverBroker(...given)
  closing = world.close
  const pass = async (times: number): Promise<void> => {
    for (let n = 0; n < times; n++) {
      await quiet()
      world.clock.advance(100)
    }
    await quiet()
  }
  return { ...world, pass }
}

describe('a fetcher', () => {
  it('gives what an ended partition held of the budget to the others at once', async () => {
    const { fetcher, send, fetched } = await open({ partitionBytes: 1100 }, 1000)
    await send('words', [large('a')])
    const full = fetcher.assign('words', 0, 0)
    await fetched(() => full.fetchOffset === 1)
    const other = fetcher.assign('words', 1, 0)
    await send('words', ['b'], {}, 1)
    await quiet()
    expect(other.fetchOffset).toBe(0)
    fetcher.unassign(full)
    await quiet()
    expect(take(other)).toEqual([[0, 'b']])
  })

  it('reads a new partition that comes in the turn in which a known one is assigned anew', async () => {
    const { fetcher, send, fetched, pass } = await open()
    await send('words', ['a'])
    await send('words', ['b'], {}, 1)
    const first = fetcher.assign('words', 0, 0)
    await fetched(() => first.fetchOffset === 1)
    await quiet()
    fetcher.assign('words', 0, 0)
    const fresh = fetcher.assign('words', 1, 0)
    await pass(2)
    expect(take(fresh)).toEqual([[0, 'b']])
  })

  it('reads one topic while another has no leader', async () => {
    const { fetcher, send, transport, pass } = await open()
    await send('words', ['a'])
    const electing = { errorCode: kafkaError.LEADER_NOT_AVAILABLE, name: 'electing', partitions: [] }
    transport.on(metadata, (asked) =>
      asked.request.topics?.[0]?.name === 'electing' ? { brokers: [], topics: [electing] } : asked.pass(),
    )
    fetcher.assign('electing', 0, 0)
    const queue = fetcher.assign('words', 0, 0)
    await pass(5)
    expect(take(queue)).toEqual([[0, 'a']])
  })

  it('fails a partition of a topic that it may not see', async () => {
    const { fetcher, transport, pass } = await open()
    const hidden = { errorCode: kafkaError.TOPIC_AUTHORIZATION_FAILED, name: 'words', partitions: [] }
    transport.on(metadata, () => ({ brokers: [], topics: [hidden] }))
    const queue = fetcher.assign('words', 0, 0)
    await pass(3)
    expect(queue.failure).toMatchObject({ code: 'REQUEST_FAILED', action: 'fail' })
  })

  it('fails all that it asked for when a broker refuses the whole fetch for good', async () => {
    const { fetcher, transport, pass } = await open()
    transport.on(fetch, () => ({ errorCode: kafkaError.CLUSTER_AUTHORIZATION_FAILED, topics: [] }))
    const queues = [fetcher.assign('words', 0, 0), fetcher.assign('words', 1, 0)]
    await pass(3)
    for (const { failure } of queues) expect(failure).toMatchObject({ code: 'REQUEST_FAILED', action: 'fail' })
  })
})
