import type { Clock } from '../core/clock.ts'
import { messageOf } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { LoopTime } from '../core/loop-time.ts'
import type { Random } from '../core/random.ts'
import type { Connect } from '../protocol/frame.ts'
import { type BrokerOptions, resolveOptions } from './broker-options.ts'
import { GroupCoordinator } from './groups/group-coordinator.ts'
import { GroupOffsets } from './groups/group-offsets.ts'
import { TailBudget } from './log/tail-cache.ts'
import { servedApis } from './net/api-table.ts'
import { Connection, type ConnectionOrigin } from './net/connection.ts'
import type { Services } from './services.ts'
import type { BrokerStorage } from './storage/broker-storage.ts'
import { Facts, fact } from './storage/facts.ts'
import { Topics } from './topics.ts'
import { ProducerIds } from './transactions/producer-ids.ts'
import { TransactionCoordinator } from './transactions/transaction-coordinator.ts'

/** What a broker needs of the world. */
export interface BrokerPorts {
  readonly storage: BrokerStorage
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly options?: BrokerOptions
}

/** A running embedded broker. */
export interface Broker {
  /** Opens a connection from this process; answers come in a later turn of the event loop (X20). */
  readonly connect: Connect
  /** Opens a connection for a client elsewhere, told to come back to `advertised`. For listeners. */
  accept(origin: Omit<ConnectionOrigin, 'isLocal'>): ReturnType<Connect>
  /**
   * Settles with the error when the storage failed: `DISK_FULL` and the like. From then on every write is refused, and
   * what was acknowledged is safe: close the broker, tell the user, start again. Never rejects.
   */
  readonly failed: Promise<unknown>
  readonly logger: Logger
  readonly clock: Clock
  /** Closes connections, writes what is queued and frees the storage. Idempotent. */
  close(): Promise<void>
}

/**
 * Starts the embedded Kafka broker on a storage: one node, every group and transaction its own. It serves nobody until
 * somebody connects.
 *
 * @throws {StreamError} what the storage throws when it cannot be read
 */
export async function createBroker(ports: BrokerPorts): Promise<Broker> {
  const { storage, clock, random, logger } = ports
  const options = resolveOptions(ports.options ?? {})
  let fail: (error: unknown) => void = () => {}
  const failed = new Promise<unknown>((resolve) => {
    fail = resolve
  })
  const stop = (error: unknown): void => {
    logger.debug('the embedded broker cannot write any more', { reason: messageOf(error), at: storage.location })
    fail(error)
  }
  const facts = await Facts.load(storage, options.sync, stop)
  const starts = (facts.take<number>('starts')[0]?.value ?? -1) + 1
  const clusterId = facts.take<string>('cluster')[0]?.value ?? newClusterId(random)
  await facts.write([fact('starts', [], starts), fact('cluster', [], clusterId)])
  const environment = {
    storage,
    tails: new TailBudget(options.tailCacheBytes),
    sync: options.sync,
    segmentBytes: options.segmentBytes,
    leaderEpoch: starts,
    failed: stop,
  }
  const topics = await Topics.open(environment, facts, random, (log, bytes) =>
    logger.warn('a write torn by a crash was cut off a log of the embedded broker; it was never acknowledged', {
      topic: log.topic,
      partition: log.partition,
      bytes,
      endOffset: log.endOffset,
    }),
  )
  const time = new LoopTime(clock)
  const offsets = new GroupOffsets(facts)
  const producerIds = new ProducerIds(facts)
  const groups = new GroupCoordinator({ facts, time, random, logger, options })
  const transactions = new TransactionCoordinator({
    facts,
    topics,
    offsets,
    producerIds,
    clock,
    time,
    logger,
    options,
    coordinatorEpoch: starts,
  })
  await transactions.recover()
  const served = new Map(servedApis.map((one) => [one.description.key, one]))
  const services: Services = {
    clock,
    random,
    logger,
    options,
    clusterId,
    apis: served,
    topics,
    producerIds,
    facts,
    groups,
    offsets,
    transactions,
  }
  const connections = new Set<Connection>()
  const open = (origin: ConnectionOrigin): ReturnType<Connect> => {
    const connection = new Connection(services, served, origin)
    connections.add(connection)
    connection.onClose(() => connections.delete(connection))
    return { handle: (frame) => connection.handle(frame), close: () => connection.close() }
  }
  let closing: Promise<void> | null = null
  const close = async (): Promise<void> => {
    for (const connection of [...connections]) connection.close()
    time.close()
    await topics.close()
    await storage.close()
  }
  return {
    connect: () => open({ advertised: { host: 'localhost', port: 0 }, remoteHost: 'in-process', isLocal: true }),
    accept: (origin) => open({ ...origin, isLocal: false }),
    failed,
    logger,
    clock,
    close: () => {
      closing ??= close()
      return closing
    },
  }
}

/** 16 random bytes as Kafka writes ids: base64 for URLs, 22 characters. */
function newClusterId(random: Random): string {
  return Buffer.from(random.uuid().replaceAll('-', ''), 'hex').toString('base64url')
}
