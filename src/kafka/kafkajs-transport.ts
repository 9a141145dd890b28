import Cluster, { type Broker } from 'kafkajs/src/cluster/index.js'
import RequestQueue from 'kafkajs/src/network/requestQueue/index.js'
import createSocketFactory from 'kafkajs/src/network/socketFactory.js'
import Encoder from 'kafkajs/src/protocol/encoder.js'
import { assert } from '../core/assert.ts'
import { type Clock, type DeadlineMs, remainingMs } from '../core/clock.ts'
import { messageOf, StreamError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { isFlexible } from '../protocol/api.ts'
import { apiOf } from '../protocol/apis.ts'
import { hasResponseTags, skipTags } from '../protocol/frame.ts'
import { WireReader } from '../protocol/wire-reader.ts'
import { LaneOrder } from './lane-order.ts'
import { anyNode, type Lane, type NodeId, type Transport } from './transport.ts'

/** How to reach a cluster: passed through to kafkajs whole. */
export interface KafkaConnection {
  /** `host:port`, at least one. */
  readonly brokers: readonly string[]
  readonly clientId: string
  readonly ssl?: unknown
  readonly sasl?: unknown
  /** Default 3,000. */
  readonly connectTimeoutMs?: number
}

/**
 * The transport over kafkajs' sockets: it brings TLS, SASL, bootstrap and the broker pool; nothing else of it is used (D1).
 *
 * Each lane is a `Cluster` of its own, so a JoinGroup that a broker holds for seconds blocks no other lane. A request
 * past its deadline costs its lane the connections, since a broker answers a connection's requests in order.
 */
export class KafkajsTransport implements Transport {
  readonly address: string
  private readonly connection: KafkaConnection
  private readonly clock: Clock
  private readonly logger: Logger
  private readonly order = new LaneOrder()
  private readonly clusters = new Map<Lane, Promise<Cluster>>()
  private closed = false

  constructor(connection: KafkaConnection, clock: Clock, logger: Logger) {
    this.connection = connection
    this.address = connection.brokers.join(',')
    this.clock = clock
    this.logger = logger
    cureIdleSpin()
  }

  request(
    lane: Lane,
    node: NodeId,
    apiKey: number,
    version: number,
    body: Buffer,
    deadline: DeadlineMs,
  ): Promise<Buffer> {
    const description = apiOf(apiKey)
    assert(description, `API key ${apiKey} is described`)
    const send = async (): Promise<Buffer> => {
      const broker = await this.broker(lane, node)
      try {
        return await broker.connectionPool.send({
          request: {
            apiKey,
            apiVersion: version,
            apiName: description.name,
            expectResponse: () => true,
            encode: async () => encodeBody(body, isFlexible(description, version)),
          },
          response: {
            decode: async (raw) => ({ body: raw, clientSideThrottleTime: 0 }),
            parse: async (decoded) => stripTags(decoded.body, hasResponseTags(description, version)),
          },
          requestTimeout: Math.max(1000, remainingMs(this.clock, deadline) + 1000),
          logResponseError: false,
        })
      } catch (error) {
        throw this.lost(error, description.name)
      }
    }
    const turn = { lane, node, clock: this.clock, deadline, what: description.name }
    return this.order.runWithin(turn, send, () => this.drop(lane))
  }

  /** Finds the broker in the lane's pool, with fresh metadata when the pool does not know it yet. */
  private async broker(lane: Lane, node: NodeId): Promise<Broker> {
    const cluster = await this.cluster(lane)
    try {
      if (node === anyNode) return await cluster.brokerPool.findConnectedBroker()
      try {
        return await cluster.findBroker({ nodeId: String(node) })
      } catch {
        await cluster.refreshMetadata()
        return await cluster.findBroker({ nodeId: String(node) })
      }
    } catch (error) {
      this.drop(lane)
      throw this.unreachable(error)
    }
  }

  private cluster(lane: Lane): Promise<Cluster> {
    if (this.closed) return Promise.reject(this.lost(new Error('closed'), 'a request'))
    let opening = this.clusters.get(lane)
    if (!opening) {
      opening = this.open()
      this.clusters.set(lane, opening)
      opening.catch(() => {
        if (this.clusters.get(lane) === opening) this.clusters.delete(lane)
      })
    }
    return opening
  }

  private async open(): Promise<Cluster> {
    const cluster = new Cluster({
      logger: kafkajsLogger(this.logger),
      socketFactory: createSocketFactory(),
      brokers: [...this.connection.brokers],
      clientId: this.connection.clientId,
      ssl: this.connection.ssl,
      sasl: this.connection.sasl,
      connectionTimeout: this.connection.connectTimeoutMs ?? 3000,
      requestTimeout: 1000,
      enforceRequestTimeout: true,
      // A try per broker of the list; patience beyond that belongs to the caller, who knows the deadline.
      retry: { retries: this.connection.brokers.length, initialRetryTime: 50, maxRetryTime: 500 },
      allowAutoTopicCreation: false,
    })
    try {
      await cluster.connect()
      await cluster.refreshMetadata()
      return cluster
    } catch (error) {
      destroy(cluster)
      throw this.unreachable(error)
    }
  }

  private unreachable(error: unknown): StreamError {
    return new StreamError(
      'BROKER_UNREACHABLE',
      `no Kafka broker answers at ${this.address} (${messageOf(error)}); check the address, that the broker runs, and its listeners`,
      { action: 'retry', cause: error, node: this.address },
    )
  }

  private lost(error: unknown, api: string): StreamError {
    return new StreamError('CONNECTION_LOST', `${api} to ${this.address} broke off: ${messageOf(error)}`, {
      // Closed by its owner: there is nothing to try again.
      action: this.closed ? 'fail' : 'retry',
      cause: error,
      api,
    })
  }

  private drop(lane: Lane): void {
    const opening = this.clusters.get(lane)
    this.clusters.delete(lane)
    opening?.then(destroy, () => undefined)
  }

  async close(): Promise<void> {
    this.closed = true
    const all = [...this.clusters.values()]
    this.clusters.clear()
    for (const opening of all) await opening.then(destroy, () => undefined)
  }
}

/** kafkajs writes the request header without a tag section, so in flexible versions the body begins with an empty one. */
function encodeBody(body: Buffer, flexible: boolean): Encoder {
  const encoder = new Encoder(body.length + 1)
  if (flexible) encoder.writeBufferInternal(Buffer.of(0))
  encoder.writeBufferInternal(body)
  return encoder
}

function stripTags(raw: Buffer, tags: boolean): Buffer {
  if (!tags) return raw
  const reader = new WireReader(raw)
  skipTags(reader)
  return reader.slice(reader.remaining)
}

/** kafkajs' own disconnect waits for what is in flight; here nothing may wait. */
function destroy(cluster: Cluster): void {
  const brokers = new Set([...Object.values(cluster.brokerPool.brokers), cluster.brokerPool.seedBroker])
  for (const broker of brokers) {
    for (const connection of broker?.connectionPool.pool ?? []) {
      connection.rejectRequests(new Error('the connection was closed'))
      connection.disconnect().catch(() => undefined)
      connection.socket?.destroy()
    }
  }
}

/** Adapts our logger: kafkajs says at error level what its caller retries, so all of it is demoted. */
function kafkajsLogger(logger: Logger): unknown {
  const say = (message: string): void => logger.debug(`kafkajs: ${message}`)
  const adapted = { namespace: () => adapted, debug() {}, info: say, warn: say, error: say, setLogLevel() {} }
  return adapted
}

const cured = Symbol.for('millrace.kafkajs.idle-spin')

/**
 * kafkajs checks its queue of pending requests every millisecond even when it is empty: about 900 wake-ups a second and
 * connection. Here the check is only scheduled when something is pending (kafka-notes 1.4, row 12).
 */
function cureIdleSpin(): void {
  const prototype = RequestQueue.prototype as RequestQueue & { [cured]?: true }
  if (prototype[cured]) return
  prototype[cured] = true
  const schedule = prototype.scheduleCheckPendingRequests
  prototype.scheduleCheckPendingRequests = function (this: RequestQueue): void {
    if (this.pending.length > 0) schedule.call(this)
  }
}
