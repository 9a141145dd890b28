import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { MemoryStorage } from '../../src/broker/storage/memory-storage.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { systemClock } from '../../src/core/system-clock.ts'
import type { EmbeddedBroker } from '../../src/job/embedded-broker.ts'
import { KafkajsTransport } from '../../src/kafka/kafkajs-transport.ts'
import { anyNode } from '../../src/kafka/transport.ts'
import { metadata } from '../../src/protocol/messages/metadata.ts'
import { listeningBroker } from '../support/embedded-broker.ts'
import { freePorts } from '../support/free-port.ts'
import { saslHandshake, silentListener } from '../support/silent-listener.ts'

/** The ways out of the transport over sockets: deadlines, brokers that are not there, and its own end. */

const sasl = { mechanism: 'plain', username: 'u', password: 'p' }
const transports: KafkajsTransport[] = []

function transportTo(address: string, more: object = {}) {
  const connection = { brokers: address.split(','), clientId: 'test', ...more }
  const transport = new KafkajsTransport(connection, systemClock, silentLogger)
  transports.push(transport)
  const ask = (ms: number): Promise<Buffer> => {
    const body = metadata.request.encode(9, { topics: [], allowAutoTopicCreation: false })
    return transport.request('admin', anyNode, metadata.key, 9, body, systemClock.monotonicMs() + ms)
  }
  return { transport, ask }
}

describe('a transport over sockets', () => {
  let opened: EmbeddedBroker
  let brokers: string
  beforeAll(async () => {
    const listening = await listeningBroker(new MemoryStorage().open())
    opened = listening.opened
    brokers = listening.brokers
  })
  afterEach(async () => {
    for (const transport of transports.splice(0)) await transport.close()
  })
  afterAll(() => opened.close())

  it('reaches the one broker of its list that is there', async () => {
    const closed = (await freePorts(2)).map((port) => `127.0.0.1:${port}`)
    expect(await transportTo([...closed, brokers].join(',')).ask(10_000)).toBeInstanceOf(Buffer)
  })

  it('says that no broker is there, to be tried again', async () => {
    const [port] = await freePorts(1)
    await expect(transportTo(`127.0.0.1:${port}`).ask(10_000)).rejects.toMatchObject({
      code: 'BROKER_UNREACHABLE',
      action: 'retry',
    })
  })

  it('gives a request up while its connection authenticates, and sends the next over another', async () => {
    await using listener = await silentListener(opened.broker, [saslHandshake])
    const { ask } = transportTo(listener.address, { sasl })
    for (const connections of [1, 2]) {
      await expect(ask(500)).rejects.toMatchObject({ code: 'REQUEST_TIMED_OUT', action: 'retry' })
      expect(listener.accepted).toBe(connections)
    }
  })

  it.each([
    ['connects', null, {}],
    ['authenticates', saslHandshake, { sasl }],
    ['waits for an answer', metadata.key, {}],
  ] as const)(
    'closed while it %s fails what is under way at once, and all that comes later',
    async (_what, api, more) => {
      await using listener = await silentListener(api === null ? null : opened.broker, api === null ? [] : [api])
      const { transport, ask } = transportTo(listener.address, more)
      const asked = ask(20_000).catch((error: unknown) => error)
      const behind = ask(20_000).catch((error: unknown) => error)
      await listener.swallowed
      const closedMs = performance.now()
      await transport.close()
      for (const failed of [await asked, await behind, await ask(1000).catch((error: unknown) => error)]) {
        expect(failed).toMatchObject({ code: 'CONNECTION_LOST', action: 'fail' })
      }
      expect(performance.now() - closedMs).toBeLessThan(500)
      await transport.close()
    },
  )
})
