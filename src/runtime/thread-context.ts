import type { AppContext } from '../checkpoint/app-context.ts'
import type { LoopTime } from '../core/loop-time.ts'
import type { Fetcher } from '../kafka/fetcher.ts'
import type { GroupIdentity } from '../kafka/offset-commit.ts'
import type { TransactionalProducer } from '../kafka/transactional-producer.ts'
import type { OperatorTable } from '../operators/operator-table.ts'
import type { Plan } from '../topology/plan.ts'
import type { RecordCollector } from './record-collector.ts'
import type { StoreRegistry } from './store-registry.ts'
import type { ThreadMetrics } from './task-metrics.ts'

/** What the tasks of one stream thread share. */
export interface ThreadContext {
  readonly app: AppContext
  readonly plan: Plan
  /** How chains come by their operators. */
  readonly operators: OperatorTable
  /** Partitions of a topic of the plan, by its name in Kafka. */
  readonly partitionCount: (topic: string) => number
  readonly producer: TransactionalProducer
  readonly fetcher: Fetcher
  readonly collector: RecordCollector
  readonly stores: StoreRegistry
  readonly metrics: ThreadMetrics
  /** How long one unit of work may take, milliseconds (X7). */
  readonly recordDeadlineMs: number
  /** What deadlines go by: closed when the thread ends. */
  readonly time: LoopTime
  /** Bytes that a source may be ahead of those who read its ingest topic (X16). */
  readonly ingestAheadBytes: number
  /** Sealed and unacknowledged bytes beyond which tasks wait for the brokers. */
  readonly sentBytesMax: number
  /** Whether sources go on at the end of what is there. */
  readonly follow: boolean
  /** Whether nothing is taken from outside any more. */
  readonly drain: boolean
  /** Topics in which records without a value that is needed are passed over. */
  readonly passOver: ReadonlySet<string>
  /** Units that a replay leaves out, by name: each failed once after it had had effects (X7). */
  readonly leftOut: Set<string>
  /** The membership that holds now. */
  readonly group: () => GroupIdentity
  /** The longest that a processed record waits for its commit, milliseconds. */
  readonly commitIntervalMs: number
  /** Commits never begin closer than that, milliseconds. */
  readonly commitMinIntervalMs: number
  /** The share of time that commits may take before they come less often. */
  readonly commitShareMax: number
  /** Wakes the thread: something came for one of its tasks. */
  readonly wake: () => void
}
