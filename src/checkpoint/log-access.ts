import type { Ports } from '../core/ports.ts'
import type { Admin } from '../kafka/admin.ts'
import type { ClusterMetadata } from '../kafka/cluster-metadata.ts'
import type { ProducerFence } from '../kafka/fencing.ts'
import type { KafkaClient } from '../kafka/kafka-client.ts'
import type { RestoreSlices } from './restore-slices.ts'

/** What of an application is needed to read its committed logs. */
export interface LogAccess {
  readonly appId: string
  readonly ports: Ports
  readonly client: KafkaClient
  readonly metadata: ClusterMetadata
  readonly admin: Admin
  readonly fence: ProducerFence
  /** The turns of all who read changelogs. */
  readonly restoreSlices: RestoreSlices
  /** Transactional ids of the members of the last assignment, this one among them. */
  readonly aliveTransactionalIds: () => ReadonlySet<string>
  /** Aborts when the job stops: what only waits or restores gives up then. */
  readonly signal: AbortSignal
}
