import { afterEach, describe, expect, it } from 'vitest'
import { Interceptors } from '../../../src/broker/net/interceptors.ts'
import { noHeaders } from '../../../src/core/record.ts'
import { HandlerTransport } from '../../../src/kafka/handler-transport.ts'
import type { Lane } from '../../../src/kafka/transport.ts'
import type { Handler } from '../../../src/protocol/frame.ts'
import { readRequestHeader } from '../../../src/protocol/frame.ts'
import { apiVersions } from '../../../src/protocol/messages/api-versions.ts'
import { fetch } from '../../../src/protocol/messages/fetch.ts'
import { metadata } from '../../../src/protocol/messages/metadata.ts'
import { produce } from '../../../src/protocol/messages/produce.ts'
import { RecordBatchWriter } from '../../../src/protocol/record-batch-writer.ts'
import { WireReader } from '../../../src/protocol/wire-reader.ts'
import { textsIn } from '../../support/broker-harness.ts'
import { clientOfBroker, gate, quiet } from '../../support/scripted-transport.ts'
import { SteppedClock } from '../../support/stepped-clock.ts'

let closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing) await close()
  closing = []
})

/** A transport of its own into an embedded broker that has the topic `words`. */
async function overBroker(interceptors = new Interceptors()) {
  const world = await clientOfBroker({ interceptors })
  await world.session.createTopic('words')
  const transport = new HandlerTransport(world.broker.connect, world.clock, 'test')
  closing.push(() => transport.close(), world.close)
  return { ...world, transport, interceptors }
}

/** A fetch of `words` that waits at the broker for a record behind `offset`. */
const fetchFrom = (fetchOffset: number, maxWaitMs = 20_000): Buffer =>
  fetch.request.encode(12, {
    maxWaitMs,
    minBytes: 1,
    maxBytes: 1 << 20,
    isolationLevel: 0,
    topics: [{ name: 'words', partitions: [{ index: 0, fetchOffset, maxBytes: 1 << 20 }] }],
  })
const textsOf = (answer: Buffer) => textsIn(fetch.response.decode(12, answer).topics[0]?.partitions[0]?.records ?? null)
const asksVersions = apiVersions.request.encode(0, {})
const asksBrokers = metadata.request.encode(12, { topics: [] })

/** A broker of which a test says what it answers. It tells the correlation ids that came, connection by connection. */
function handled(answer: (frame: Buffer, connection: number) => Promise<Buffer | null>) {
  const clock = new SteppedClock()
  const connections: { readonly came: number[]; isClosed: boolean }[] = []
  const connect = (): { handle: Handler; close: () => void } => {
    const connection = { came: [] as number[], isClosed: false }
    const number = connections.push(connection)
    return {
      handle: (frame) => {
        connection.came.push(readRequestHeader(new WireReader(frame)).correlationId)
        return answer(frame, number)
      },
      close: () => {
        connection.isClosed = true
      },
    }
  }
  const transport = new HandlerTransport(connect, clock, 'test')
  const ask = (lane: Lane, deadline = 1000) => transport.request(lane, 0, apiVersions.key, 0, asksVersions, deadline)
  return { clock, connections, transport, ask }
}

/** The correlation id of a frame and nothing else: an answer without a body. */
const echo = async (frame: Buffer): Promise<Buffer> => Buffer.from(frame.subarray(4, 8))

describe('the transport into a broker of the same process', () => {
  it('carries requests and answers without their headers, in flexible versions and in others', async () => {
    const { transport } = await overBroker()
    for (const version of [0, 3]) {
      const body = apiVersions.request.encode(version, { clientSoftwareName: 'test', clientSoftwareVersion: '1' })
      const answer = await transport.request('admin', -1, apiVersions.key, version, body, 1000)
      expect(apiVersions.response.decode(version, answer).apiKeys.length).toBeGreaterThan(10)
    }
    for (const version of [1, 12]) {
      const body = metadata.request.encode(version, { topics: [{ name: 'words' }] })
      const answer = await transport.request('admin', 99, metadata.key, version, body, 1000)
      expect(metadata.response.decode(version, answer).topics[0]).toMatchObject({ name: 'words', errorCode: 0 })
    }
  })

  it('says where it leads', async () => {
    expect((await overBroker()).transport.address).toBe('embedded broker')
  })

  it('sends the requests of a lane one at a time, in order, whatever broker they are for', async () => {
    const gates = [gate(), gate(), gate()]
    const { connections, transport, ask } = handled(async (frame) => {
      await gates[frame.readInt32BE(4)]?.opened
      return echo(frame)
    })
    const all = [ask('data'), transport.request('data', 7, apiVersions.key, 0, asksVersions, 1000), ask('data')]
    for (const [i, { open }] of gates.entries()) {
      await quiet()
      expect(connections.map(({ came }) => came)).toEqual([[0, 1, 2].slice(0, i + 1)])
      open()
    }
    expect((await Promise.all(all)).length).toBe(3)
  })

  it('gives each lane a connection of its own: a long poll holds up no other lane', async () => {
    const { transport, send } = await overBroker()
    const polled = transport.request('fetch', 0, fetch.key, 12, fetchFrom(0), 30_000)
    const others = (['group', 'data', 'admin'] as const).map((lane) =>
      transport.request(lane, 0, metadata.key, 12, asksBrokers, 30_000),
    )
    expect((await Promise.all(others)).length).toBe(3)
    await send('words', ['at last'])
    expect(textsOf(await polled)).toEqual([[0, 'at last']])
  })

  it('holds up what is behind a long poll on its own lane', async () => {
    const { transport, send } = await overBroker()
    const order: string[] = []
    const polled = transport.request('fetch', 0, fetch.key, 12, fetchFrom(0), 30_000).then(() => order.push('poll'))
    const behind = transport.request('fetch', 0, metadata.key, 12, asksBrokers, 30_000).then(() => order.push('behind'))
    await quiet()
    expect(order).toEqual([])
    await send('words', ['now'])
    await Promise.all([polled, behind])
    expect(order).toEqual(['poll', 'behind'])
  })

  it('answers in a later turn of the event loop, never in the one that asked (X20)', async () => {
    const { transport } = await overBroker()
    const order: string[] = []
    const asked = transport.request('admin', 0, metadata.key, 12, asksBrokers, 1000).then(() => order.push('answer'))
    await new Promise<void>((resolve) =>
      setImmediate(() => {
        order.push('turn')
        resolve()
      }),
    )
    await asked
    expect(order).toEqual(['turn', 'answer'])
  })
})

describe('buffers, as over a socket (X20)', () => {
  it('of the caller may be written over once the answer is there: the broker has its own copy', async () => {
    const { transport } = await overBroker()
    const writer = new RecordBatchWriter(256)
    for (const value of ['first', 'second', 'third']) {
      writer.reset()
      writer.append(null, Buffer.from(value), 1, noHeaders)
      const records = writer.finish(null, 0, false)
      const topics = [{ name: 'words', partitions: [{ index: 0, records }] }]
      const body = produce.request.encode(9, { transactionalId: null, acks: -1, timeoutMs: 1000, topics })
      await transport.request('data', 0, produce.key, 9, body, 1000)
      body.fill(0xee)
      records.fill(0xee)
    }
    const answer = await transport.request('fetch', 0, fetch.key, 12, fetchFrom(0), 1000)
    expect(textsOf(answer)).toEqual([
      [0, 'first'],
      [1, 'second'],
      [2, 'third'],
    ])
  })

  it('of an answer belong to the caller: no later answer changes them, and writing over them changes no log', async () => {
    const { transport, send } = await overBroker()
    await send('words', ['kept'])
    const first = await transport.request('fetch', 0, fetch.key, 12, fetchFrom(0), 1000)
    const copy = Buffer.from(first)
    await send('words', ['another'])
    const second = await transport.request('fetch', 0, fetch.key, 12, fetchFrom(1), 1000)
    expect(first.equals(copy)).toBe(true)
    first.fill(0xee)
    second.fill(0xee)
    expect(textsOf(await transport.request('fetch', 0, fetch.key, 12, fetchFrom(0), 1000))).toEqual([
      [0, 'kept'],
      [1, 'another'],
    ])
  })

  it('of a request stay as they are while it is under way on one lane and others go out', async () => {
    const frames: Buffer[] = []
    const held = gate()
    const { ask } = handled(async (frame) => {
      frames.push(frame)
      await held.opened
      return echo(frame)
    })
    const all = (['group', 'data', 'fetch', 'admin'] as const).map((lane) => ask(lane))
    await quiet()
    expect(frames.map((frame) => frame.readInt32BE(4))).toEqual([0, 1, 2, 3])
    held.open()
    expect((await Promise.all(all)).length).toBe(4)
  })
})

describe('a request that fails', () => {
  it('past its deadline fails with REQUEST_TIMED_OUT by name, and later requests of the lane go on', async () => {
    const { transport, clock, send } = await overBroker()
    const polled = transport.request('fetch', 0, fetch.key, 12, fetchFrom(0), 500).catch((error: unknown) => error)
    await quiet()
    clock.advance(500)
    expect(await polled).toMatchObject({ code: 'REQUEST_TIMED_OUT', action: 'retry', context: { api: 'Fetch' } })
    await send('words', ['later'])
    const next = await transport.request('fetch', 0, fetch.key, 12, fetchFrom(0), clock.monotonicMs() + 500)
    expect(textsOf(next)).toEqual([[0, 'later']])
  })

  it('because its answer is never sent costs its own connection only', async () => {
    const { transport, clock, interceptors } = await overBroker()
    interceptors.once(metadata.key, { action: 'drop-answer' })
    const silent = transport.request('data', 0, metadata.key, 12, asksBrokers, 100).catch((error: unknown) => error)
    const polled = transport.request('fetch', 0, fetch.key, 12, fetchFrom(0, 1000), 60_000)
    await quiet()
    clock.advance(100)
    expect(await silent).toMatchObject({ code: 'REQUEST_TIMED_OUT' })
    const again = transport.request('data', 0, metadata.key, 12, asksBrokers, 60_000)
    expect(metadata.response.decode(12, await again).brokers.length).toBe(1)
    clock.advance(1000)
    expect(textsOf(await polled)).toEqual([])
  })

  it('because the broker cut the connection is CONNECTION_LOST, and the next one opens another', async () => {
    const { transport, interceptors } = await overBroker()
    interceptors.once(metadata.key, { action: 'cut' })
    const cut = transport.request('data', 0, metadata.key, 12, asksBrokers, 1000)
    const next = transport.request('data', 0, metadata.key, 12, asksBrokers, 1000)
    await expect(cut).rejects.toMatchObject({ code: 'CONNECTION_LOST', action: 'retry' })
    expect(metadata.response.decode(12, await next).brokers.length).toBe(1)
  })

  it('because no answer is due is CONNECTION_LOST, and the connection stays', async () => {
    const { ask, connections } = handled(async (frame) => (frame.readInt32BE(4) === 0 ? null : echo(frame)))
    await expect(ask('data')).rejects.toMatchObject({ code: 'CONNECTION_LOST', action: 'retry' })
    expect(await ask('data')).toHaveLength(0)
    expect(connections.length).toBe(1)
  })

  it('because its answer belongs to another request is an error, not a wrong answer', async () => {
    const { ask } = handled(async () => Buffer.from([0, 0, 0, 99]))
    await expect(ask('data')).rejects.toThrow('answer 99 belongs to request 0')
  })
})

describe('closing', () => {
  it('fails what is in flight and what waits behind it with CONNECTION_LOST, on every lane', async () => {
    const { transport } = await overBroker()
    const outcomes = (['fetch', 'data'] as const).flatMap((lane) =>
      [0, 0].map((offset) => transport.request(lane, 0, fetch.key, 12, fetchFrom(offset), 60_000)),
    )
    const settled = Promise.allSettled(outcomes)
    await quiet()
    await transport.close()
    for (const outcome of await settled) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'CONNECTION_LOST', action: 'fail' } })
    }
  })

  it('does not wait for a broker that never settles, and breaks each connection', async () => {
    const { ask, transport, connections } = handled(() => new Promise(() => {}))
    const outcomes = Promise.allSettled([ask('group'), ask('data'), ask('data')])
    await quiet()
    await transport.close()
    expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
    expect(connections.map(({ isClosed }) => isClosed)).toEqual([true, true])
  })

  it('refuses what comes later, opens nothing for it, and may be done twice', async () => {
    const { ask, transport, connections } = handled(echo)
    await transport.close()
    await expect(ask('data')).rejects.toMatchObject({ code: 'CONNECTION_LOST' })
    await transport.close()
    expect(connections).toEqual([])
  })

  it('leaves the broker to others', async () => {
    const { transport, send, session } = await overBroker()
    await transport.close()
    await send('words', ['still here'])
    expect(textsIn((await session.fetch('words', 0)).records)).toEqual([[0, 'still here']])
  })
})
