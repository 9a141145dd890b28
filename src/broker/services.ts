import type { Clock } from '../core/clock.ts'
import type { Logger } from '../core/logger.ts'
import type { Random } from '../core/random.ts'
import type { Api } from '../protocol/api.ts'
import type { ResolvedOptions } from './broker-options.ts'
import type { GroupCoordinator } from './groups/group-coordinator.ts'
import type { GroupOffsets } from './groups/group-offsets.ts'
import type { Facts } from './storage/facts.ts'
import type { Topics } from './topics.ts'
import type { ProducerIds } from './transactions/producer-ids.ts'
import type { TransactionCoordinator } from './transactions/transaction-coordinator.ts'

/** An API and the versions of it that are served. */
export interface ServedRange {
  readonly description: Pick<Api, 'key' | 'name' | 'flexibleSince'>
  readonly minVersion: number
  readonly maxVersion: number
  /** The lowest version that ApiVersions tells; lower than what is served only for Produce. */
  readonly advertisedMinVersion: number
}

/** What the handlers of a broker work on. */
export interface Services {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly options: ResolvedOptions
  readonly clusterId: string
  /** What is served, by API key. */
  readonly apis: ReadonlyMap<number, ServedRange>
  readonly topics: Topics
  readonly producerIds: ProducerIds
  readonly facts: Facts
  readonly groups: GroupCoordinator
  readonly offsets: GroupOffsets
  readonly transactions: TransactionCoordinator
}

/** Where clients reach the broker. */
export interface Address {
  readonly host: string
  readonly port: number
}

/** A connection as handlers see it. */
export interface ConnectionScope {
  /** The address to tell this client in metadata. */
  readonly advertised: Address
  readonly remoteHost: string
  readonly isClosed: boolean
  /** Calls `closed` when the connection ends. @returns what takes it off again */
  onClose(closed: () => void): () => void
}

/** What is known about a request beside its message. */
export interface RequestContext {
  readonly version: number
  readonly clientId: string
  readonly connection: ConnectionScope
}

/** Serves one API: message in, message out; null when no answer is due. */
export type ApiHandler<Q, R> = (services: Services, request: Q, context: RequestContext) => R | null | Promise<R | null>
