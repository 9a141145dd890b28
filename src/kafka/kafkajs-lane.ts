import Cluster, { type Broker, type Socket } from 'kafkajs/src/cluster/index.js'
import createSocketFactory from 'kafkajs/src/network/socketFactory.js'
import { newAbort, unlessAborted } from '../core/abort.ts'
import type { Clock } from '../core/clock.ts'
import type { Logger } from '../core/logger.ts'
import { anyNode, type NodeId } from './transport.ts'

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

/** Between two tries to connect: milliseconds. */
const pauseMs = 100

/**
 * The connections of one lane: a kafkajs `Cluster` whose sockets are ours, so that breaking it needs nothing of kafkajs.
 *
 * kafkajs has no way out of a connection that is being made: it goes on trying, on timers of its own, and forgets who waits
 * while it authenticates. Here it tries once where it would retry; and once the lane is broken its sockets fail,
 * which ends its timers, it gets no others, and nobody waits for it.
 */
export class KafkajsLane {
  private readonly connection: KafkaConnection
  private readonly clock: Clock
  private readonly cluster: Cluster
  private readonly sockets = new Set<Socket>()
  private readonly broken = newAbort()
  private opening: Promise<void> | null = null

  constructor(connection: KafkaConnection, clock: Clock, logger: Logger) {
    this.connection = connection
    this.clock = clock
    const create = createSocketFactory()
    this.cluster = new Cluster({
      logger: kafkajsLogger(logger),
      socketFactory: (to: unknown): Socket => {
        this.broken.signal.throwIfAborted()
        const socket = create(to)
        this.sockets.add(socket)
        socket.once('close', () => this.sockets.delete(socket))
        return socket
      },
      brokers: [...connection.brokers],
      clientId: connection.clientId,
      ssl: connection.ssl,
      sasl: connection.sasl,
      connectionTimeout: connection.connectTimeoutMs ?? 3000,
      requestTimeout: 1000,
      enforceRequestTimeout: true,
      retry: { retries: 0 },
      allowAutoTopicCreation: false,
    })
  }

  /**
   * Does something with a broker, unless the lane is broken meanwhile.
   * @throws {Error} what it was broken with; {@link unreachable} when there is no such broker; else what `use` fails with
   */
  with<T>(node: NodeId, unreachable: (error: unknown) => Error, use: (broker: Broker) => Promise<T>): Promise<T> {
    const work = async (): Promise<T> => {
      const broker = await this.broker(node).catch((error: unknown) => {
        throw unreachable(error)
      })
      return use(broker)
    }
    return unlessAborted(work(), this.broken.signal)
  }

  /** Finds a broker in the pool, with fresh metadata when the pool does not know it yet. */
  private async broker(node: NodeId): Promise<Broker> {
    this.opening ??= this.open()
    await this.opening
    const { cluster } = this
    if (node === anyNode) return cluster.brokerPool.findConnectedBroker()
    try {
      return await cluster.findBroker({ nodeId: String(node) })
    } catch {
      await cluster.refreshMetadata()
      return cluster.findBroker({ nodeId: String(node) })
    }
  }

  /** A try more than there are brokers in the list; patience beyond that belongs to the caller, who knows the deadline. */
  private async open(): Promise<void> {
    for (let triesLeft = this.connection.brokers.length; ; triesLeft--) {
      try {
        await this.cluster.connect()
        await this.cluster.refreshMetadata()
        return
      } catch (error) {
        if (triesLeft === 0) throw error
        await this.clock.sleep(pauseMs, this.broken.signal)
      }
    }
  }

  /** Breaks all connections at once: whoever waits for the lane gets `error`. Idempotent. */
  break(error: Error): void {
    this.broken.abort(error)
    // With an error: it is what ends kafkajs' timers, also those of a socket that is only connecting.
    for (const socket of this.sockets) socket.destroy(error)
  }
}

/** Adapts our logger: kafkajs says at error level what its caller retries, so all of it is demoted. */
function kafkajsLogger(logger: Logger): unknown {
  const say = (message: string): void => logger.debug(`kafkajs: ${message}`)
  const adapted = { namespace: () => adapted, debug() {}, info: say, warn: say, error: say, setLogLevel() {} }
  return adapted
}
