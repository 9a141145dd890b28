import type { StoreOptions } from '../state/row-store.ts'
import type { StateBackends } from '../state/state-backend.ts'
import type { ControlTopic } from './control-topic.ts'
import type { LogAccess } from './log-access.ts'

/** What every task of an application is opened with and commits through. One a stream thread. */
export interface AppContext extends LogAccess {
  readonly backends: StateBackends
  /** What is true of the application as a whole. */
  readonly control: ControlTopic
  /** The version of the plan that this process runs: commits bear it. */
  readonly planVersion: number
  /** The id of a topic of the plan, by its name in Kafka. */
  readonly topicId: (topic: string) => string
  /** Stores that the user lets begin anew where what they had is lost. */
  readonly freshStores: ReadonlySet<string>
  /** Where stores are, `<store>/<partition>` each: `<data-dir>/<app-id>/stores`. */
  readonly stateDirectory: string
  readonly storeOptions: StoreOptions
  /** Paths of stores that were found damaged while they were open: put aside at the next opening. */
  readonly damagedStores: Set<string>
  /** Where outside topics that are read to an end have it, by partition: fixed once a run, whatever is opened anew (X18). */
  readonly inputEnds: Map<string, number>
  /** Of this thread: `<app>-<instance>-<thread>`. */
  readonly transactionalId: string
}
