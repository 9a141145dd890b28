import { createBroker } from '../../src/broker/broker.ts'
import type { BrokerOptions } from '../../src/broker/broker-options.ts'
import { MemoryStorage } from '../../src/broker/storage/memory-storage.ts'
import type { DeadlineMs } from '../../src/core/clock.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { seededRandom } from '../../src/core/random.ts'
import { HandlerTransport } from '../../src/kafka/handler-transport.ts'
import { KafkaClient } from '../../src/kafka/kafka-client.ts'
import type { Lane, NodeId, Transport } from '../../src/kafka/transport.ts'
import type { Api } from '../../src/protocol/api.ts'
import { apis } from '../../src/protocol/apis.ts'
import { apiVersions } from '../../src/protocol/messages/api-versions.ts'
import type { BatchBy } from './broker-harness.ts'
import { KafkaSession } from './kafka-session.ts'
import { rawClientOver } from './raw-client.ts'
import { SteppedClock } from './stepped-clock.ts'

/** A request as the script sees it. */
export interface Asked<Q> {
  readonly request: Q
  readonly lane: Lane
  readonly node: NodeId
  readonly version: number
  readonly deadline: DeadlineMs
  /** What the transport behind the script answers. */
  readonly pass: () => Promise<Buffer>
}

type Script = (asked: Asked<unknown>) => Promise<Buffer>

/**
 * A way to brokers that a test writes: a described answer, bytes, or an error for each API, and everything else is left
 * to the transport behind it. It remembers what it was asked, and a test can wait for a request to come.
 */
export class ScriptedTransport implements Transport {
  readonly address = 'a script'
  private readonly behind: Transport | null
  private readonly scripts = new Map<number, Script>()
  private readonly seen: (Asked<unknown> & { readonly apiKey: number })[] = []
  private watchers: (() => void)[] = []

  constructor(behind: Transport | null = null) {
    this.behind = behind
    if (!behind) this.serves({})
  }

  /** Answers requests of this API from now on. */
  on<Q, R>(api: Api<Q, never, unknown, R>, answer: (asked: Asked<Q>) => Promise<R | Buffer> | R | Buffer): this {
    this.scripts.set(api.key, async (asked) => {
      const given = await answer(asked as Asked<Q>)
      return Buffer.isBuffer(given) ? given : api.response.encode(asked.version, given)
    })
    return this
  }

  /** Serves every API that is described, but these in other versions or, with null, not at all. */
  serves(changed: Readonly<Record<string, readonly [min: number, max: number] | null>>): this {
    const apiKeys = apis.flatMap(({ key, name, minVersion, maxVersion }) => {
      const versions = changed[name] === undefined ? [minVersion, maxVersion] : changed[name]
      return versions ? [{ apiKey: key, minVersion: versions[0] as number, maxVersion: versions[1] as number }] : []
    })
    return this.on(apiVersions, () => ({ errorCode: 0, apiKeys }))
  }

  /** The requests of an API that came, in order. */
  asked<Q>(api: Api<Q, never, unknown, never>): Asked<Q>[] {
    return this.seen.filter(({ apiKey }) => apiKey === api.key) as unknown as Asked<Q>[]
  }

  /** Resolves with the request of an API that came as the `count`th. */
  async reached<Q>(api: Api<Q, never, unknown, never>, count: number): Promise<Asked<Q>> {
    for (;;) {
      const found = this.asked(api)[count - 1]
      if (found) return found
      await new Promise<void>((resolve) => this.watchers.push(resolve))
    }
  }

  async request(
    lane: Lane,
    node: NodeId,
    apiKey: number,
    version: number,
    body: Buffer,
    deadline: DeadlineMs,
  ): Promise<Buffer> {
    const api = apis.find(({ key }) => key === apiKey)
    if (!api) throw new Error(`API ${apiKey} is not described`)
    const pass = async (): Promise<Buffer> => {
      if (!this.behind) throw new Error(`${api.name} is not in the script`)
      return this.behind.request(lane, node, apiKey, version, body, deadline)
    }
    const asked = { request: api.request.decode(version, body), lane, node, version, deadline, pass, apiKey }
    this.seen.push(asked)
    for (const watcher of this.watchers.splice(0)) watcher()
    return this.scripts.get(apiKey)?.(asked) ?? pass()
  }

  async close(): Promise<void> {
    await this.behind?.close()
  }
}

/** A client over a script, on a clock that stands still; its versions are negotiated. */
export async function scriptedClient(transport = new ScriptedTransport(), clock = new SteppedClock()) {
  const client = new KafkaClient({ transport, clock, random: seededRandom(1), logger: silentLogger })
  await client.open(1000)
  return { client, transport, clock }
}

/** An embedded broker in memory on a clock that stands still, and a client of it through a script that passes all on. */
export async function clientOfBroker(options: BrokerOptions = {}) {
  const clock = new SteppedClock()
  const storage = new MemoryStorage().open()
  const broker = await createBroker({ storage, clock, random: seededRandom(2), logger: silentLogger, options })
  const transport = new ScriptedTransport(new HandlerTransport(broker.connect, clock, 'client'))
  const { client } = await scriptedClient(transport, clock)
  const session = new KafkaSession(rawClientOver(broker.connect))
  /** Appends texts, at the time that the broker's clock shows. */
  const send = async (topic: string, values: readonly string[], by: BatchBy = {}, index = 0): Promise<void> => {
    const { errorCode } = await session.send(topic, values, { timestamp: clock.now(), ...by }, index)
    if (errorCode !== 0) throw new Error(`Produce: ${errorCode}`)
  }
  const close = async (): Promise<void> => {
    await transport.close()
    session.client.close()
    await broker.close()
  }
  return { clock, broker, client, transport, session, send, close }
}

/** Something that a test lets through when it is time. */
export function gate<T = void>(): { readonly opened: Promise<T>; readonly open: (value: T) => void } {
  let open: (value: T) => void = () => {}
  const opened = new Promise<T>((resolve) => {
    open = resolve
  })
  return { opened, open }
}

/** Lets all that can go on without time go on: what has not happened then waits for something. */
export async function quiet(): Promise<void> {
  for (let turn = 0; turn < 30; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** Moves the clock whenever something waits for it, until `work` settles. */
export async function whileTimePasses<T>(clock: SteppedClock, work: Promise<T>, stepMs = 10): Promise<T> {
  let isOver = false
  const settled = work.then(
    () => {
      isOver = true
    },
    () => {
      isOver = true
    },
  )
  while (!isOver) {
    await Promise.race([clock.slept(), settled])
    clock.advance(stepMs)
    await quiet()
  }
  return work
}
