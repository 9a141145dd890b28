import RequestQueue from 'kafkajs/src/network/requestQueue/index.js'
import Encoder from 'kafkajs/src/protocol/encoder.js'
import { assert } from '../core/assert.ts'
import { type Clock, type DeadlineMs, remainingMs } from '../core/clock.ts'
import { hasCode, messageOf, StreamError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { isFlexible } from '../protocol/api.ts'
import { apiOf } from '../protocol/apis.ts'
import { hasResponseTags, skipTags } from '../protocol/frame.ts'
import { WireReader } from '../protocol/wire-reader.ts'
import { type KafkaConnection, KafkajsLane } from './kafkajs-lane.ts'
import { LaneOrder } from './lane-order.ts'
import type { Lane, NodeId, Transport } from './transport.ts'

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
  private readonly lanes = new Map<Lane, KafkajsLane>()
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
    const exchange = {
      request: {
        apiKey,
        apiVersion: version,
        apiName: description.name,
        expectResponse: () => true,
        encode: async () => encodeBody(body, isFlexible(description, version)),
      },
      response: {
        decode: async (raw: Buffer) => ({ body: raw, clientSideThrottleTime: 0 }),
        parse: async (decoded: { readonly body: Buffer }) =>
          stripTags(decoded.body, hasResponseTags(description, version)),
      },
      logResponseError: false,
    }
    const send = async (): Promise<Buffer> => {
      if (this.closed) throw this.lost(closedError(), description.name)
      const open = this.lane(lane)
      try {
        return await open.with(
          node,
          (error) => this.unreachable(error),
          (broker) => {
            const requestTimeout = Math.max(1000, remainingMs(this.clock, deadline) + 1000)
            return broker.connectionPool.send({ ...exchange, requestTimeout })
          },
        )
      } catch (error) {
        if (!hasCode(error, 'BROKER_UNREACHABLE')) throw this.lost(error, description.name)
        this.drop(lane, open)
        throw error
      }
    }
    const turn = { lane, node, clock: this.clock, deadline, what: description.name }
    return this.order.runWithin(turn, send, () => this.drop(lane, this.lanes.get(lane)))
  }

  private lane(lane: Lane): KafkajsLane {
    let open = this.lanes.get(lane)
    if (!open) {
      open = new KafkajsLane(this.connection, this.clock, this.logger)
      this.lanes.set(lane, open)
    }
    return open
  }

  private unreachable(error: unknown): StreamError {
    return new StreamError(
      'BROKER_UNREACHABLE',
      `no Kafka broker answers at ${this.address} (${messageOf(error)}); check the address, that the broker runs, and its listeners`,
      { action: this.closed ? 'fail' : 'retry', cause: error, node: this.address },
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

  /** Breaks a lane's connections; the next request makes new ones. */
  private drop(lane: Lane, open: KafkajsLane | undefined): void {
    if (this.lanes.get(lane) === open) this.lanes.delete(lane)
    open?.break(closedError())
  }

  async close(): Promise<void> {
    this.closed = true
    for (const [lane, open] of [...this.lanes]) this.drop(lane, open)
  }
}

const closedError = (): Error => new Error('the connection was closed')

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

const cured = Symbol.for('millrace.kafkajs.idle-spin')

/**
 * kafkajs checks its queue of pending requests every millisecond even when it is empty: about 900 wake-ups a second and
 * connection. Here the check is only scheduled when something is pending.
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
