import { newAbort } from '../core/abort.ts'
import { type Clock, type DeadlineMs, remainingMs } from '../core/clock.ts'
import { actionOf, StreamError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { Random } from '../core/random.ts'
import type { Api } from '../protocol/api.ts'
import { kafkaError } from '../protocol/kafka-errors.ts'
import { apiVersions, transactionFeature } from '../protocol/messages/api-versions.ts'
import { findCoordinator, groupCoordinator, transactionCoordinator } from '../protocol/messages/find-coordinator.ts'
import { isRetriable, kafkaFailure } from './kafka-error.ts'
import { anyNode, type Lane, type NodeId, type Transport } from './transport.ts'

/** What the parts of the client share. */
export interface KafkaClientOptions {
  readonly transport: Transport
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** For one request. Default 30,000. */
  readonly requestTimeoutMs?: number
}

/** How long nothing is said of a broker that does not answer. */
const silenceMs = 2000
/** The first version of ApiVersions that tells features. */
const featuresSince = 3
const firstBackoffMs = 20
const lastBackoffMs = 1000

/**
 * Sends described messages over a transport: picks versions, finds coordinators, repeats what may be repeated.
 */
export class KafkaClient {
  readonly transport: Transport
  readonly clock: Clock
  readonly logger: Logger
  readonly requestTimeoutMs: number
  private readonly random: Random
  private readonly closing = newAbort()
  private readonly coordinators = new Map<string, NodeId>()
  /** Connections that a broker wants left alone, `lane:node`. */
  private readonly throttledUntil = new Map<string, DeadlineMs>()
  private versions: Map<number, { readonly min: number; readonly max: number }> | null = null
  /**
   * Which transactions the cluster has agreed on, read when the client opens (KIP-890). In version 2 partitions and groups
   * enter with what is written, and each end raises the producer's epoch. A cluster that agrees otherwise later goes on
   * serving both: there the version of a request decides what is done, not the feature.
   */
  transactionVersion: 1 | 2 = 1

  constructor(options: KafkaClientOptions) {
    this.transport = options.transport
    this.clock = options.clock
    this.random = options.random
    this.logger = options.logger
    this.requestTimeoutMs = options.requestTimeoutMs ?? 30_000
  }

  /** A deadline one request timeout from now, or `ms` from now. */
  deadline(ms: number = this.requestTimeoutMs): DeadlineMs {
    return this.clock.monotonicMs() + ms
  }

  /**
   * Learns which versions the cluster serves, and which transactions it has. Called once, before anything else.
   * @param patienceMs how long to go on trying to reach a broker
   * @throws {StreamError} `BROKER_UNREACHABLE` when none answers in that time, or what answers is no Kafka broker
   */
  async open(patienceMs: number): Promise<void> {
    const until = this.deadline(patienceMs)
    const cancel = this.clock.timer(silenceMs, () => {
      const seconds = Math.round(patienceMs / 1000)
      this.logger.warn(`no Kafka broker answers at ${this.transport.address} yet; it is looked for up to ${seconds} s`)
    })
    const asked = this.retrying(until, async () => {
      // A listener that accepts and stays silent must not eat the whole patience in one request.
      const deadline = Math.min(this.deadline(10_000), until)
      const request = apiVersions.request.encode(0, {})
      const answer = await this.transport.request('admin', anyNode, apiVersions.key, 0, request, deadline)
      const decoded = apiVersions.response.decode(0, answer)
      if (decoded.errorCode !== kafkaError.NONE) throw kafkaFailure(decoded.errorCode, apiVersions.name)
      this.versions = new Map(decoded.apiKeys.map((one) => [one.apiKey, { min: one.minVersion, max: one.maxVersion }]))
      this.transactionVersion = (await this.finalizedTransactions(deadline)) >= 2 ? 2 : 1
    })
    await asked.finally(cancel).catch((error: unknown) => {
      if (error instanceof StreamError && error.code === 'BROKER_UNREACHABLE') throw error
      throw new StreamError(
        'BROKER_UNREACHABLE',
        `what listens at ${this.transport.address} does not answer as a Kafka broker (${error instanceof Error ? error.message : error}); check the address and the listener's security protocol`,
        { cause: error },
      )
    })
  }

  /** The finalized level of the feature that stands for transactions; 0 where brokers are too old to have features. */
  private async finalizedTransactions(deadline: DeadlineMs): Promise<number> {
    if ((this.versions?.get(apiVersions.key)?.max ?? 0) < featuresSince) return 0
    const software = { clientSoftwareName: 'millrace', clientSoftwareVersion: 'unknown' }
    const answer = await this.send('admin', anyNode, apiVersions, software, deadline)
    if (answer.errorCode !== kafkaError.NONE) throw kafkaFailure(answer.errorCode, apiVersions.name)
    if (answer.finalizedFeaturesEpoch < 0) return 0
    return answer.finalizedFeatures.find(({ name }) => name === transactionFeature)?.maxVersionLevel ?? 0
  }

  /**
   * The highest version that both sides have, of those that mean the cluster's transactions.
   * @throws {StreamError} `BROKER_UNSUPPORTED` when there is none
   */
  version(
    api: Pick<Api, 'key' | 'name' | 'minVersion' | 'maxVersion' | 'secondTransactionsSince'>,
    lowest: number = api.minVersion,
  ): number {
    const served = this.versions?.get(api.key)
    const second = api.secondTransactionsSince ?? Number.POSITIVE_INFINITY
    const isSecond = this.transactionVersion === 2 && second <= api.maxVersion
    const [least, most] = isSecond ? [second, api.maxVersion] : [lowest, Math.min(api.maxVersion, second - 1)]
    const version = served ? Math.min(served.max, most) : -1
    if (!served || version < Math.max(served.min, least)) {
      throw new StreamError(
        'BROKER_UNSUPPORTED',
        `${api.name} is needed in a version of ${least} to ${most}, the broker at ${this.transport.address} serves ${
          served ? `${served.min} to ${served.max}` : 'none'
        }; Kafka 3.7 or newer is required`,
        { api: api.name },
      )
    }
    return version
  }

  /**
   * One request, one answer, in the best common version. Error codes inside the answer are the caller's.
   * @param sizeHint bytes of a large request, so that it is written into a buffer of its size
   */
  async send<QIn, ROut>(
    lane: Lane,
    node: NodeId,
    api: Api<unknown, QIn, ROut, never>,
    request: QIn,
    deadline: DeadlineMs = this.deadline(),
    lowestVersion?: number,
    sizeHint?: number,
  ): Promise<ROut> {
    const version = this.version(api, lowestVersion)
    if (this.throttledUntil.size > 0) await this.unthrottled(lane, node)
    const body = api.request.encode(version, request, sizeHint)
    const answer = await this.transport.request(lane, node, api.key, version, body, deadline)
    const decoded = api.response.decode(version, answer)
    this.throttle(lane, node, decoded)
    return decoded
  }

  /** A broker over its quota says how long it wants to be left alone on this connection (KIP-219, X27). */
  private throttle(lane: Lane, node: NodeId, answer: unknown): void {
    const { throttleTimeMs = 0 } = answer as { readonly throttleTimeMs?: number }
    if (throttleTimeMs > 0) this.throttledUntil.set(`${lane}:${node}`, this.deadline(throttleTimeMs))
  }

  private async unthrottled(lane: Lane, node: NodeId): Promise<void> {
    const key = `${lane}:${node}`
    const left = remainingMs(this.clock, this.throttledUntil.get(key) ?? 0)
    if (left > 0) await this.clock.sleep(left, this.closing.signal)
    this.throttledUntil.delete(key)
  }

  /** The coordinator of the group, asked for once and kept until {@link forgetCoordinators}. */
  groupCoordinator(lane: Lane, groupId: string, deadline: DeadlineMs = this.deadline()): Promise<NodeId> {
    return this.coordinator(lane, groupCoordinator, groupId, deadline)
  }

  /** The coordinator of the transactional id. */
  transactionCoordinator(lane: Lane, transactionalId: string, deadline: DeadlineMs = this.deadline()): Promise<NodeId> {
    return this.coordinator(lane, transactionCoordinator, transactionalId, deadline)
  }

  private async coordinator(lane: Lane, keyType: number, key: string, deadline: DeadlineMs): Promise<NodeId> {
    const cacheKey = `${keyType}:${key}`
    const known = this.coordinators.get(cacheKey)
    if (known !== undefined) return known
    return this.retrying(deadline, async () => {
      const answer = await this.send(lane, anyNode, findCoordinator, { key, keyType, coordinatorKeys: [key] }, deadline)
      const found = answer.coordinators[0] ?? answer
      if (found.errorCode !== kafkaError.NONE) throw kafkaFailure(found.errorCode, findCoordinator.name)
      this.coordinators.set(cacheKey, found.nodeId)
      return found.nodeId
    })
  }

  /** To be called when a coordinator answers that it is none any more: the next use asks again. */
  forgetCoordinators(): void {
    this.coordinators.clear()
  }

  /**
   * Repeats `attempt` while it fails with action `retry`, 20 ms to 1 s apart with jitter, until the deadline.
   * @param firstMs the first pause, where 20 ms would be long (a transaction whose markers are still being written)
   * @throws what the last attempt threw
   */
  async retrying<T>(deadline: DeadlineMs, attempt: () => Promise<T>, firstMs: number = firstBackoffMs): Promise<T> {
    for (let backoffMs = firstMs; ; backoffMs = Math.min(backoffMs * 2, lastBackoffMs)) {
      try {
        return await attempt()
      } catch (error) {
        if (actionOf(error) !== 'retry' || remainingMs(this.clock, deadline) <= backoffMs) throw error
        const code = error instanceof StreamError ? error.context.kafkaCode : undefined
        if (code === undefined || isRetriable(code)) this.forgetCoordinators()
        this.logger.debug('a request is repeated', { reason: error instanceof Error ? error.message : String(error) })
        await this.clock.sleep(backoffMs * (0.5 + this.random.next() / 2), this.closing.signal)
      }
    }
  }

  /** Closes the transport, and ends what waits for its time to ask again: all of it fails with action `fail`. Idempotent. */
  async close(): Promise<void> {
    this.closing.abort(new StreamError('CONNECTION_LOST', 'the connection to the broker is closed', { action: 'fail' }))
    await this.transport.close()
  }
}
