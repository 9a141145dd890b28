import type { Observable } from 'rxjs'
import type { StoreOf } from '../dsl/query.ts'
import type { ThreadEnd } from '../runtime/stream-thread.ts'
import type { ThreadMetrics } from '../runtime/task-metrics.ts'
import type { Plan } from '../topology/plan.ts'
import type { LocalStoreView } from './store-view.ts'

/** What a job is doing. `ended`: a bounded job has done all there is; `stopped`: it was told to stop. */
export type JobStatus = 'starting' | 'restoring' | 'running' | 'ended' | 'stopped' | 'failed'

/** A commit, as `metrics$` tells it. */
export interface JobProgress extends Readonly<ThreadMetrics> {
  /** When this was said, monotonic milliseconds. */
  readonly atMs: number
}

/** A pipeline at work in this process. */
export interface Job<out Q = {}> extends AsyncDisposable {
  readonly appId: string
  readonly instanceId: string
  /** The plan that runs. */
  readonly plan: Plan
  /** The state now and each one after it; completes with the job. */
  readonly status$: Observable<JobStatus>
  /** Totals after each commit; completes with the job. */
  readonly metrics$: Observable<JobProgress>
  /** Committed offsets that tasks went on from when they were opened, by `topic-partition`; empty on a first start. */
  readonly resumed: ReadonlyMap<string, number>
  /** Resolves when the job has ended or was stopped, all closed; rejects with what it failed with. */
  readonly done: Promise<ThreadEnd>
  /** A store that the pipeline's build function returned, by the name it has there. */
  store<N extends keyof Q & string>(name: N): StoreOf<Q[N]>
  /** A store by the name that the pipeline gave it, private or not: for tools. */
  storeNamed(name: string): LocalStoreView<unknown, unknown>
  /** Stops intake, commits, closes. Resolves when all is closed. Idempotent. */
  stop(): Promise<void>
}
