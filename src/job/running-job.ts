import { BehaviorSubject, type Observable } from 'rxjs'
import { newAbort } from '../core/abort.ts'
import { within } from '../core/clock.ts'
import { StreamError } from '../core/errors.ts'
import { sameLoopThreads } from '../core/threads.ts'
import type { StoreOf } from '../dsl/query.ts'
import type { KafkaClient } from '../kafka/kafka-client.ts'
import { StoreRegistry } from '../runtime/store-registry.ts'
import type { ThreadEnd } from '../runtime/stream-thread.ts'
import { newThreadMetrics } from '../runtime/task-metrics.ts'
import type { Plan } from '../topology/plan.ts'
import type { AppDirectory } from './app-directory.ts'
import type { EmbeddedBroker } from './embedded-broker.ts'
import type { Job, JobProgress, JobStatus } from './job.ts'
import type { ResolvedJobConfig } from './job-config.ts'
import type { JobPorts } from './job-ports.ts'
import { type LocalStoreView, storeView } from './store-view.ts'
import { type BuiltThread, buildThread } from './thread-setup.ts'

/** How long a thread may take to end once its job has failed, milliseconds. */
const patienceMs = 5000

/** A job at work: one stream thread, its stores, and what the outside sees of them. */
export class RunningJob<Q> implements Job<Q> {
  readonly appId: string
  readonly instanceId: string
  readonly resumed = new Map<string, number>()
  done: Promise<ThreadEnd> = Promise.resolve('stopped')
  private readonly declared: Plan
  private readonly directory: AppDirectory
  private readonly config: ResolvedJobConfig
  private readonly ports: JobPorts
  private readonly stores = new StoreRegistry()
  private readonly abort = newAbort()
  private readonly status = new BehaviorSubject<JobStatus>('starting')
  private readonly metrics: BehaviorSubject<JobProgress>
  private built: BuiltThread | null = null

  constructor(plan: Plan, appId: string, directory: AppDirectory, config: ResolvedJobConfig, ports: JobPorts) {
    this.declared = plan
    this.appId = appId
    this.instanceId = directory.instanceId
    this.directory = directory
    this.config = config
    this.ports = ports
    this.metrics = new BehaviorSubject<JobProgress>({ ...newThreadMetrics(), atMs: ports.clock.monotonicMs() })
  }

  get plan(): Plan {
    return this.built?.topics.plan ?? this.declared
  }

  get status$(): Observable<JobStatus> {
    return this.status.asObservable()
  }

  get metrics$(): Observable<JobProgress> {
    return this.metrics.asObservable()
  }

  /** Prepares topics and the thread. Nothing runs yet. */
  async prepare(client: KafkaClient): Promise<void> {
    const { config, ports, directory, appId, declared: plan } = this
    this.built = await buildThread({
      plan,
      appId,
      instanceId: directory.instanceId,
      index: 0,
      config,
      ports,
      client,
      backends: ports.backends,
      operators: ports.operators,
      stateDirectory: directory.stateDirectory,
      stores: this.stores,
      signal: this.abort.signal,
      onOpened: (resumed) => {
        for (const [key, offset] of resumed) this.resumed.set(key, offset)
      },
      events: {
        onState: (state) => this.status.next(state),
        onCommit: () => this.say(),
        onDone: async (end) => {
          this.say()
          await config.beforeClose?.(end)
        },
      },
    })
  }

  /** Runs what was prepared. `close` is called when it has ended. */
  start(broker: EmbeddedBroker | null, close: () => Promise<void>): void {
    const { thread } = this.built as BuiltThread
    const handle = sameLoopThreads.spawn(0, () => thread.run())
    this.done = this.finish(handle.ended, broker, close)
    // Whoever started the job hears of its end through `done`; until somebody listens it must not count as unhandled.
    this.done.catch(() => undefined)
  }

  private async finish(
    ended: Promise<ThreadEnd>,
    broker: EmbeddedBroker | null,
    close: () => Promise<void>,
  ): Promise<ThreadEnd> {
    const brokerFailed = broker?.broker.failed.then((error) => {
      throw error
    })
    try {
      const end = await Promise.race(brokerFailed ? [ended, brokerFailed] : [ended])
      await close()
      this.status.next(end)
      return end
    } catch (error) {
      this.abort.abort(error)
      await within(this.ports.clock, patienceMs, ended).catch(() => undefined)
      await close()
      this.status.next('failed')
      throw error
    } finally {
      this.status.complete()
      this.metrics.complete()
    }
  }

  private say(): void {
    if (this.built) this.metrics.next({ ...this.built.metrics, atMs: this.ports.clock.monotonicMs() })
  }

  store<N extends keyof Q & string>(name: N): StoreOf<Q[N]> {
    const spec = this.plan.queryables.get(name)
    if (!spec) throw unknownStore(name, [...this.plan.queryables.keys()])
    return this.storeNamed(spec.name) as unknown as StoreOf<Q[N]>
  }

  storeNamed(name: string): LocalStoreView<unknown, unknown> {
    for (const sub of this.plan.subtopologies) {
      const spec = sub.kind === 'processing' ? sub.stores.find((store) => store.name === name) : undefined
      if (spec) return storeView(spec, this.stores, () => this.built?.topics.taskCounts.get(sub.id) ?? 0)
    }
    const all = this.plan.subtopologies.flatMap((sub) => (sub.kind === 'processing' ? sub.stores : []))
    throw unknownStore(
      name,
      all.map((store) => store.name),
    )
  }

  async stop(): Promise<void> {
    this.abort.abort(new StreamError('JOB_CLOSED', 'the job was stopped'))
    this.built?.thread.wake()
    await this.done.catch(() => undefined)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }
}

function unknownStore(name: string, known: readonly string[]): StreamError {
  return new StreamError(
    'STORE_UNKNOWN',
    `there is no store ${name}; the pipeline has ${known.length > 0 ? known.join(', ') : 'none'}`,
    { store: name },
  )
}
