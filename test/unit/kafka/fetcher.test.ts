import { afterEach, describe, expect, it } from 'vitest'
import type { FetchQueue } from '../../../src/kafka/fetch-queue.ts'
import type { FetcherLimits } from '../../../src/kafka/fetcher.ts'
import type { RequestOf } from '../../../src/protocol/api.ts'
import { fetch } from '../../../src/protocol/messages/fetch.ts'
import { metadata } from '../../../src/protocol/messages/metadata.ts'
import { committedTextsIn, textsIn } from '../../support/broker-harness.ts'
import { fetcherOverBroker, large, led, namesIn, take, wantedBy } from '../../support/fetcher-over-broker.ts'
import { type Asked, gate, quiet } from '../../support/scripted-transport.ts'

let closing: (() => Promise<void>) | null = null
afterEach(async () => {
  await closing?.()
  closing = null
})

async function overBroker(limits?: FetcherLimits, budgetBytes?: number) {
  const world = await fetcherOverBroker(limits, budgetBytes)
  closing = world.close
  return world
}

describe('a fetcher', () => {
  it('brings what is there and what comes later, in order, from the offset it was given', async () => {
    const { fetcher, fetched, send } = await overBroker()
    await send('words', ['a'])
    await send('words', ['b'])
    await send('words', ['c'])
    const queue = fetcher.assign('words', 0, 1)
    await fetched(() => queue.fetchOffset === 3)
    expect(take(queue)).toEqual([
      [1, 'b'],
      [2, 'c'],
    ])
    expect(queue).toMatchObject({ highWatermark: 3, lastStableOffset: 3, logStartOffset: 0 })
    await send('words', ['d'])
    await fetched(() => queue.fetchOffset === 4)
    expect(take(queue)).toEqual([[3, 'd']])
  })

  it('brings nothing of a transaction before it ends, and then what it takes to leave an aborted one out', async () => {
    const { fetcher, fetched, session, clock, told } = await overBroker()
    const queue = fetcher.assign('words', 0, 0)
    const expected: string[] = []
    for (const committed of [true, false]) {
      const id = `writer-${committed}`
      const producer = await session.init(id)
      await session.addPartitions(id, producer, 'words')
      const before = told()
      await session.sendIn(id, 'words', [id], { producer, timestamp: clock.now() })
      await quiet()
      expect(told()).toBe(before)
      await session.end(id, producer, committed)
      if (committed) expected.push(id)
    }
    await fetched(() => queue.fetchOffset === 4)
    const texts: string[] = []
    for (let chunk = queue.take(); chunk; chunk = queue.take()) {
      texts.push(...committedTextsIn(chunk.records, chunk.aborted).texts.map(([, text]) => text))
    }
    expect(texts).toEqual(expected)
  })

  it('keeps one fetch in flight at each broker, whatever the number of its partitions', async () => {
    const { fetcher, transport } = await overBroker()
    transport.on(metadata, () => led([1, 1, 2]))
    const inFlight = new Map<number, number>()
    const gates = [gate(), gate(), gate()]
    let asked = 0
    transport.on(fetch, async ({ node }) => {
      const now = (inFlight.get(node) ?? 0) + 1
      expect(now).toBe(1)
      inFlight.set(node, now)
      await gates[asked++]?.opened
      inFlight.set(node, 0)
      return { topics: [] }
    })
    for (const partition of [0, 1, 2]) fetcher.assign('words', partition, 0)
    await transport.reached(fetch, 2)
    await quiet()
    expect(transport.asked(fetch).map(({ node, lane }) => [node, lane])).toEqual([
      [1, 'fetch'],
      [2, 'fetch'],
    ])
    gates[0]?.open()
    const third = await transport.reached(fetch, 3)
    await quiet()
    expect(third.node).toBe(1)
    expect(wantedBy(third)).toEqual([
      [0, 0],
      [1, 0],
    ])
    expect(transport.asked(fetch).length).toBe(3)
  })

  it('asks for committed records, for no more than the budget has left, and lets a broker wait 100 ms', async () => {
    const { fetcher, transport } = await overBroker({ partitionBytes: 1000 }, 5000)
    fetcher.assign('words', 0, 0)
    const { request } = await transport.reached(fetch, 1)
    expect(request).toMatchObject({ isolationLevel: 1, maxBytes: 5000, maxWaitMs: 100, minBytes: 1 })
    expect(request.topics[0]?.partitions[0]).toMatchObject({ index: 0, fetchOffset: 0, maxBytes: 1000 })
  })

  it('goes on asking when a broker had nothing, with every partition that was assigned meanwhile', async () => {
    const { fetcher, transport, clock } = await overBroker()
    fetcher.assign('words', 0, 0)
    await transport.reached(fetch, 1)
    fetcher.assign('words', 1, 0)
    fetcher.assign('words', 2, 0)
    await quiet()
    expect(transport.asked(fetch).length).toBe(1)
    clock.advance(100)
    expect(wantedBy(await transport.reached(fetch, 2))).toEqual([
      [0, 0],
      [1, 0],
      [2, 0],
    ])
  })
})

describe('a fetcher that has enough', () => {
  it('stops when the byte budget is spent, and resumes when some of it is released', async () => {
    // Room for one answer and a part of the next: answers count whole, small ones with the 8 KiB that they are cut from.
    const { fetcher, fetched, transport, send, budget } = await overBroker({ partitionBytes: 1100 }, 12_000)
    const names = ['a', 'b', 'c', 'd', 'e']
    for (const name of names) await send('words', [large(name)])
    const queue = fetcher.assign('words', 0, 0)
    await fetched(() => budget.isExhausted)
    await quiet()
    expect([queue.fetchOffset, transport.asked(fetch).length]).toEqual([2, 2])
    const first = queue.take()
    await quiet()
    expect(transport.asked(fetch).length).toBe(2)
    if (first) queue.release(first)
    await fetched(() => queue.fetchOffset === 3)
    await quiet()
    expect(transport.asked(fetch).length).toBe(3)
    const texts = textsIn(first?.records ?? null)
    while (texts.length < names.length) {
      await fetched(() => !queue.isEmpty)
      texts.push(...take(queue))
    }
    expect(namesIn(texts)).toEqual(names)
    expect(budget.takenBytes).toBe(0)
  })

  it('leaves out a partition whose queue is full, and asks for those at their end after a pause, without being held', async () => {
    const { fetcher, fetched, transport, send, clock } = await overBroker({ partitionBytes: 1100, queueBytes: 1000 })
    for (const name of ['a', 'b']) await send('words', [large(name)])
    const full = fetcher.assign('words', 0, 0)
    const other = fetcher.assign('words', 1, 0)
    await fetched(() => full.fetchOffset === 1)
    await quiet()
    const { length } = transport.asked(fetch)
    await send('words', ['c'], {}, 1)
    clock.advance(24)
    await quiet()
    expect(transport.asked(fetch).length).toBe(length)
    clock.advance(1)
    await fetched(() => other.fetchOffset === 1)
    const without = transport.asked(fetch).at(-1) as Asked<RequestOf<typeof fetch>>
    expect([wantedBy(without), without.request.maxWaitMs]).toEqual([[[1, 0]], 0])
    expect(take(other)).toEqual([[0, 'c']])
  })

  it('asks at once for a partition that has room again', async () => {
    const { fetcher, fetched, transport, send } = await overBroker({ partitionBytes: 1100, queueBytes: 1000 })
    for (const name of ['a', 'b']) await send('words', [large(name)])
    const full = fetcher.assign('words', 0, 0)
    fetcher.assign('words', 1, 0)
    await fetched(() => full.fetchOffset === 1)
    await quiet()
    expect(namesIn(take(full))).toEqual(['a'])
    await fetched(() => full.fetchOffset === 2)
    const last = transport.asked(fetch).at(-1) as Asked<RequestOf<typeof fetch>>
    expect(wantedBy(last)).toEqual([
      [1, 0],
      [0, 1],
    ])
    expect(namesIn(take(full))).toEqual(['b'])
  })

  it('does not forget partitions at their end while others go from full to room and back', async () => {
    const { fetcher, fetched, transport, send, clock } = await overBroker({ partitionBytes: 1100, queueBytes: 1000 })
    const full = [0, 1].map((partition) => fetcher.assign('words', partition, 0))
    const other = fetcher.assign('words', 2, 0)
    await transport.reached(fetch, 1)
    await quiet()
    for (const partition of [0, 1]) await send('words', [large(`first of ${partition}`)], {}, partition)
    await fetched(() => full.every(({ fetchOffset }) => fetchOffset === 1))
    await send('words', ['c'], {}, 2)
    // Each turn makes room in one of the two full ones: the pause of the third is not begun again by that.
    for (let turn = 0; turn < 5 && other.fetchOffset === 0; turn++) {
      clock.advance(10)
      await quiet()
      fetcher.unassign({ topic: 'nothing', partition: turn })
    }
    await fetched(() => other.fetchOffset === 1)
    expect(take(other)).toEqual([[0, 'c']])
  })

  it('asks for nothing while every queue is full', async () => {
    const { fetcher, fetched, transport, send, clock } = await overBroker({ partitionBytes: 1100, queueBytes: 1000 })
    for (const name of ['a', 'b']) await send('words', [large(name)])
    const queue = fetcher.assign('words', 0, 0)
    await fetched(() => queue.fetchOffset === 1)
    clock.advance(10_000)
    await quiet()
    expect(transport.asked(fetch).length).toBe(1)
    take(queue)
    await fetched(() => queue.fetchOffset === 2)
    expect(namesIn(take(queue))).toEqual(['b'])
  })
})

describe('an answer on its way', () => {
  /** The first answer to a fetch waits here, with what the broker had when it was asked. */
  async function held() {
    const world = await overBroker()
    const { transport, send } = world
    await send('words', ['a'])
    await send('words', ['b'])
    const { opened, open } = gate()
    let isFirst = true
    transport.on(fetch, async ({ pass }) => {
      const waits = isFirst
      isFirst = false
      const answer = await pass()
      if (waits) await opened
      return answer
    })
    return { ...world, open }
  }

  it('is dropped when its partition is unassigned, and charges nobody', async () => {
    const { fetcher, transport, open, told, budget } = await held()
    const queue = fetcher.assign('words', 0, 0)
    await transport.reached(fetch, 1)
    await quiet()
    fetcher.unassign({ topic: 'words', partition: 0 })
    open()
    await quiet()
    expect([queue.isEmpty, queue.fetchOffset, told(), budget.takenBytes]).toEqual([true, 0, 0, 0])
    expect(transport.asked(fetch).length).toBe(1)
  })

  it('is dropped when its partition was assigned anew: the new queue gets what it asked for itself', async () => {
    const { fetcher, fetched, transport, open, budget } = await held()
    const old = fetcher.assign('words', 0, 0)
    await transport.reached(fetch, 1)
    await quiet()
    const anew = fetcher.assign('words', 0, 1)
    open()
    await fetched(() => anew.fetchOffset === 2)
    expect([old.isEmpty, take(anew)]).toEqual([true, [[1, 'b']]])
    expect(budget.takenBytes).toBe(0)
  })

  it('still counts for the partitions that stay', async () => {
    const { fetcher, fetched, transport, clock, send } = await overBroker()
    fetcher.assign('words', 0, 0)
    const stays = fetcher.assign('words', 1, 0)
    await transport.reached(fetch, 1)
    await quiet()
    clock.advance(100)
    expect(wantedBy(await transport.reached(fetch, 2)).length).toBe(2)
    fetcher.unassign({ topic: 'words', partition: 0 })
    await send('words', ['stays'], {}, 1)
    await fetched(() => stays.fetchOffset === 1)
    expect(take(stays)).toEqual([[0, 'stays']])
  })

  it('is dropped by closing, after which nothing is asked for and the budget is whole', async () => {
    const { fetcher, fetched, transport, open, budget, send } = await held()
    const waits = fetcher.assign('words', 0, 0)
    await transport.reached(fetch, 1)
    await quiet()
    open()
    await fetched(() => waits.fetchOffset === 2)
    expect(budget.takenBytes).toBeGreaterThan(0)
    fetcher.close()
    await send('words', ['late'])
    await quiet()
    expect([waits.isEmpty, budget.takenBytes]).toEqual([true, 0])
    const { length } = transport.asked(fetch)
    await quiet()
    expect(transport.asked(fetch).length).toBe(length)
  })
})

describe('a fetcher of partitions that have more than one answer holds', () => {
  it('asks first for those that the last answers left out', async () => {
    const { fetcher, fetched, transport, send } = await overBroker({ partitionBytes: 1100 }, 1500)
    for (const partition of [0, 1]) {
      for (const name of ['a', 'b']) await send('words', [large(`${name}${partition}`)], {}, partition)
    }
    const [first, second] = [0, 1].map((partition) => fetcher.assign('words', partition, 0)) as [FetchQueue, FetchQueue]
    await fetched(() => first.fetchOffset === 1)
    expect(namesIn(take(first))).toEqual(['a0'])
    await fetched(() => second.fetchOffset === 1)
    expect(wantedBy(transport.asked(fetch)[1] as Asked<RequestOf<typeof fetch>>)).toEqual([
      [1, 0],
      [0, 1],
    ])
  })

  it('gives a partition with a large batch its turn, though its neighbours in order are of a topic that has more and more', async () => {
    // A broker gives a batch that is larger than it was asked for only to the first partition that has anything.
    const { fetcher, fetched, send, session } = await overBroker({ partitionBytes: 900 })
    await session.createTopic('others', 1)
    for (let n = 0; n < 20; n++) await send('words', [large(`hot${n}`)], {}, 1)
    await send('others', [large('rare')])
    const hot = fetcher.assign('words', 1, 0)
    fetcher.assign('words', 0, 0)
    const rare = fetcher.assign('others', 0, 0)
    await fetched(() => rare.fetchOffset === 1)
    expect(namesIn(take(rare))).toEqual(['rare'])
    expect(hot.fetchOffset).toBeLessThan(5)
  })
})

describe('a fetcher whose budget is spent', () => {
  /** Partition 0 holds the whole budget; the others have their records at the broker. */
  async function spent(limits: FetcherLimits = {}) {
    const world = await overBroker({ partitionBytes: 1100, ...limits }, 1000)
    await world.send('words', [large('a')])
    const holder = world.fetcher.assign('words', 0, 0)
    await world.fetched(() => holder.fetchOffset === 1)
    for (const partition of [1, 2]) {
      for (const name of ['b', 'c']) await world.send('words', [large(`${name}${partition}`)], {}, partition)
    }
    const [first, second] = [1, 2].map((partition) => world.fetcher.assign('words', partition, 0)) as [
      FetchQueue,
      FetchQueue,
    ]
    await quiet()
    expect([world.budget.isExhausted, first.fetchOffset, second.fetchOffset]).toEqual([true, 0, 0])
    return { ...world, holder, first, second }
  }

  it('still asks for a partition that somebody waits for, one small slice of it', async () => {
    const { fetched, first, second, transport } = await spent({ sliceBytes: 1050 })
    expect(first.take()).toBeUndefined()
    await fetched(() => first.fetchOffset === 1)
    await quiet()
    const last = transport.asked(fetch).at(-1) as Asked<RequestOf<typeof fetch>>
    expect(last.request).toMatchObject({ maxBytes: 1050, maxWaitMs: 0 })
    expect(last.request.topics).toMatchObject([{ partitions: [{ index: 1, maxBytes: 1050 }] }])
    expect([first.fetchOffset, second.fetchOffset]).toEqual([1, 0])
    expect(namesIn(take(first))).toEqual(['b1'])
    await fetched(() => first.fetchOffset === 2)
    expect(namesIn(take(first))).toEqual(['c1'])
  })

  it('gives each of many that are waited for its turn, a few in one fetch', async () => {
    const { fetched, first, second, transport } = await spent({ sliceBytes: 1050, slicesAtOnce: 1 })
    const { length } = transport.asked(fetch)
    for (const queue of [first, second]) expect(queue.take()).toBeUndefined()
    await fetched(() => first.fetchOffset + second.fetchOffset === 2)
    await quiet()
    // The first is waited for again and has more: the second comes before it all the same.
    expect(namesIn(take(first))).toEqual(['b1'])
    await fetched(() => first.fetchOffset === 2)
    await quiet()
    const turns = transport.asked(fetch).slice(length).map(wantedBy)
    expect(turns).toEqual([[[1, 0]], [[2, 0]], [[1, 1]]])
  })

  it('asks for it at another broker, too', async () => {
    const { fetcher, fetched, transport, send } = await overBroker({ partitionBytes: 1100 }, 1000)
    transport.on(metadata, () => led([1, 2, 2]))
    await send('words', [large('a')])
    await send('words', ['b'], {}, 1)
    const holder = fetcher.assign('words', 0, 0)
    await fetched(() => holder.fetchOffset === 1)
    await quiet()
    const other = fetcher.assign('words', 1, 0)
    await quiet()
    expect(other.fetchOffset).toBe(0)
    expect(take(other)).toEqual([])
    await fetched(() => other.fetchOffset === 1)
    expect(transport.asked(fetch).at(-1)?.node).toBe(2)
    expect(take(other)).toEqual([[0, 'b']])
  })
})
