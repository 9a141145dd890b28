import { BehaviorSubject, type Observable } from 'rxjs'
import { openFileStorage } from '../broker/file-storage.ts'
import { newAbort } from '../core/abort.ts'
import { StreamError } from '../core/errors.ts'
import { silentLogger } from '../core/logger.ts'
import { nodeFileSystem } from '../core/node-file-system.ts'
import type { Ports } from '../core/ports.ts'
import { nodeProcess } from '../core/process-port.ts'
import { runStep } from '../core/steps.ts'
import { systemClock } from '../core/system-clock.ts'
import { systemRandom } from '../core/system-random.ts'
import { sameLoopThreads } from '../core/threads.ts'
import type { Pipeline } from '../dsl/pipeline.ts'
import type { StoreOf } from '../dsl/query.ts'
import { HandlerTransport } from '../kafka/handler-transport.ts'
import { KafkaClient } from '../kafka/kafka-client.ts'
import { KafkajsTransport } from '../kafka/kafkajs-transport.ts'
import type { Transport } from '../kafka/transport.ts'
import { StoreRegistry } from '../runtime/store-registry.ts'
import type { ThreadEnd } from '../runtime/stream-thread.ts'
import { newThreadMetrics, type ThreadMetrics } from '../runtime/task-metrics.ts'
import { levelBackends } from '../state/level-backend.ts'
import type { StateBackends } from '../state/state-backend.ts'
import { manifestOf } from '../topology/manifest.ts'
import { checkName } from '../topology/naming.ts'
import type { Plan } from '../topology/plan.ts'
import { refuseInternalTopics } from '../topology/validate.ts'
import { type AppDirectory, openAppDirectory } from './app-directory.ts'
import { type EmbeddedBroker, openEmbeddedBroker } from './embedded-broker.ts'
import type { JobConfig, ResolvedJobConfig } from './job-config.ts'
import { type LocalStoreView, storeView } from './store-view.ts'
import { type BuiltThread, buildThread } from './thread-setup.ts'

/** What a job is doing. `ended`: a bounded job has done all there is; `stopped`: it was told to stop. */
export type JobStatus = 'starting' | 'restoring' | 'running' | 'ended' | 'stopped' | 'failed'

/** A commit, as `progress$` tells it. */
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

/** How long a thread may take to end once its job has failed, milliseconds. */
const patienceMs = 5000

/** The outside of a job, as ports: what `run` fills in, and a simulation replaces. */
export interface JobPorts extends Ports {
  readonly backends: StateBackends
  readonly pid: number
  /** Opens the way to the brokers. */
  readonly connect: () => Promise<{ readonly transport: Transport; readonly broker: EmbeddedBroker | null }>
}

/** Fills in the defaults. */
export function resolveJobConfig(config: JobConfig): ResolvedJobConfig {
  return {
    parameters: {},
    dataDirectory: '.millrace',
    follow: false,
    leave: false,
    commitIntervalMs: 100,
    commitShareMax: 0.1,
    recordDeadlineMs: 30_000,
    fetchBytes: 64 * 1024 * 1024,
    cacheBytes: 64 * 1024 * 1024,
    ingestAheadBytes: 64 * 1024 * 1024,
    brokerPatienceMs: 15_000,
    logger: silentLogger,
    ...config,
  }
}

/**
 * Runs a pipeline in this process: on the brokers of the configuration, or else on the embedded broker.
 *
 * Resolves when the job's topics are there and its thread runs; `job.done` tells how it ends.
 *
 * @throws {StreamError} what keeps a job from starting, each named with its remedy
 */
export async function run<Q>(pipeline: Pipeline<Q>, config: JobConfig = {}): Promise<Job<Q>> {
  const resolved = resolveJobConfig(config)
  const { logger } = resolved
  const pid = nodeProcess.pid
  const clock = systemClock
  const random = systemRandom
  const appId = resolved.appId ?? pipeline.name
  const connect = async () => {
    if (resolved.brokers) {
      const { brokers, ssl, sasl } = resolved
      return { transport: new KafkajsTransport({ brokers, clientId: appId, ssl, sasl }, clock, logger), broker: null }
    }
    const directory = `${await nodeFileSystem.resolve(resolved.dataDirectory)}/broker`
    const storage = await openFileStorage(directory, pid)
    const broker = await openEmbeddedBroker({ storage, clock, random, logger, listen: resolved.listen })
    return { transport: new HandlerTransport(broker.broker.connect, clock, appId), broker }
  }
  return startJob(pipeline, resolved, {
    clock,
    random,
    logger,
    files: nodeFileSystem,
    steps: runStep,
    backends: levelBackends({ pid }),
    pid,
    connect,
  })
}

/** As {@link run}, over given ports. */
export async function startJob<Q>(pipeline: Pipeline<Q>, config: ResolvedJobConfig, ports: JobPorts): Promise<Job<Q>> {
  const appId = config.appId ?? pipeline.name
  checkName('the application id', appId)
  const plan = await pipeline.build(config.parameters)
  refuseInternalTopics(plan, appId)
  const { dataDirectory, instanceId } = config
  const { clock, files, logger, random, pid, backends } = ports
  const directory = await openAppDirectory({ dataDirectory, appId, instanceId, files, logger, random, pid, backends })
  const cleanup: (() => Promise<void>)[] = [() => directory.release()]
  const close = async (): Promise<void> => {
    for (const step of cleanup.splice(0).reverse()) await step()
  }
  try {
    await directory.manifest.check(manifestOf(plan, appId))
    const { transport, broker } = await ports.connect()
    if (broker) cleanup.push(() => broker.close())
    cleanup.push(() => transport.close())
    const { signal } = config
    const client = new KafkaClient({ transport, clock, random, logger })
    await unlessAborted(client.open(config.brokerPatienceMs), signal)
    const job = new RunningJob<Q>(plan, appId, directory, config, ports)
    await unlessAborted(job.prepare(client), signal)
    await job.start(broker, close)
    const stop = (): void => void job.stop()
    signal?.addEventListener('abort', stop, { once: true })
    job.done.finally(() => signal?.removeEventListener('abort', stop)).catch(() => undefined)
    return job
  } catch (error) {
    await close()
    throw error
  }
}

/** What a job begins with may take long: nothing is lost when nobody waits for it any more. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work
  let stop = (): void => {}
  try {
    const stopped = new Promise<never>((_, reject) => {
      stop = () => reject(new StreamError('JOB_CLOSED', 'the job was stopped before it had started'))
      if (signal.aborted) stop()
      signal.addEventListener('abort', stop, { once: true })
    })
    return await Promise.race([work, stopped])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

class RunningJob<Q> implements Job<Q> {
  readonly appId: string
  readonly instanceId: string
  readonly plan: Plan
  readonly resumed = new Map<string, number>()
  done: Promise<ThreadEnd> = Promise.resolve('stopped')
  private readonly directory: AppDirectory
  private readonly config: ResolvedJobConfig
  private readonly ports: JobPorts
  private readonly stores = new StoreRegistry()
  private readonly abort = newAbort()
  private readonly status = new BehaviorSubject<JobStatus>('starting')
  private readonly metrics: BehaviorSubject<JobProgress>
  private built: BuiltThread | null = null

  constructor(plan: Plan, appId: string, directory: AppDirectory, config: ResolvedJobConfig, ports: JobPorts) {
    this.plan = plan
    this.appId = appId
    this.instanceId = directory.instanceId
    this.directory = directory
    this.config = config
    this.ports = ports
    this.metrics = new BehaviorSubject<JobProgress>({ ...newThreadMetrics(), atMs: ports.clock.monotonicMs() })
  }

  get status$(): Observable<JobStatus> {
    return this.status.asObservable()
  }

  get metrics$(): Observable<JobProgress> {
    return this.metrics.asObservable()
  }

  /** Prepares topics and the thread. Nothing runs yet. */
  async prepare(client: KafkaClient): Promise<void> {
    const { config, ports, directory, appId, plan } = this
    this.built = await buildThread({
      plan,
      appId,
      instanceId: directory.instanceId,
      index: 0,
      config,
      ports,
      client,
      backends: ports.backends,
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
  async start(broker: EmbeddedBroker | null, close: () => Promise<void>): Promise<void> {
    const { thread, topics } = this.built as BuiltThread
    await this.directory.manifest.write(manifestOf(this.plan, this.appId, topics.partitions))
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
      await this.within(patienceMs, ended)
      await close()
      this.status.next('failed')
      throw error
    } finally {
      this.status.complete()
      this.metrics.complete()
    }
  }

  /** Waits for work to end, however it ends, for so long at most. */
  private async within(milliseconds: number, work: Promise<unknown>): Promise<void> {
    await new Promise<void>((resolve) => {
      const cancel = this.ports.clock.timer(milliseconds, resolve)
      const ended = (): void => {
        // Left alone the timer would keep the process alive.
        cancel()
        resolve()
      }
      work.then(ended, ended)
    })
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
