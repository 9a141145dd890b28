import type { Ports } from '../core/ports.ts'
import type { Admin } from '../kafka/admin.ts'
import type { ClusterMetadata } from '../kafka/cluster-metadata.ts'
import type { ProducerFence } from '../kafka/fencing.ts'
import type { KafkaClient } from '../kafka/kafka-client.ts'
import type { StoreOptions } from '../state/key-value-store.ts'
import type { StateBackends } from '../state/state-backend.ts'
import type { RestoreSlices } from './restore-slices.ts'

/** What every task of an application is opened with and commits through. One a stream thread. */
export interface AppContext {
  readonly appId: string
  readonly ports: Ports
  readonly client: KafkaClient
  readonly metadata: ClusterMetadata
  readonly admin: Admin
  readonly fence: ProducerFence
  readonly backends: StateBackends
  /** Where stores are, `<store>/<partition>` each: `<data-dir>/<app-id>/stores`. */
  readonly stateDirectory: string
  readonly storeOptions: StoreOptions
  /** The turns of all who read changelogs. */
  readonly restoreSlices: RestoreSlices
  /** Paths of stores that were found damaged while they were open: put aside at the next opening. */
  readonly damagedStores: Set<string>
  /** Where outside topics that are read to an end have it, by partition: fixed once a run, whatever is opened anew (X18). */
  readonly inputEnds: Map<string, number>
  /** Of this thread: `<app>-<instance>-<thread>`. */
  readonly transactionalId: string
  /** Transactional ids of the members of the last assignment, this one among them. */
  readonly aliveTransactionalIds: () => ReadonlySet<string>
  /** Aborts when the job stops: what only waits or restores gives up then. */
  readonly signal: AbortSignal
}
