import type { AppContext } from '../checkpoint/app-context.ts'
import { RestoreSlices } from '../checkpoint/restore-slices.ts'
import { committedPlans } from '../checkpoint/start-positions.ts'
import { silentLogger } from '../core/logger.ts'
import { LoopTime } from '../core/loop-time.ts'
import { MemoryBudget } from '../core/memory-budget.ts'
import type { Ports } from '../core/ports.ts'
import { formatTaskId } from '../core/task-id.ts'
import { Admin } from '../kafka/admin.ts'
import { type PlanPart, tasksOf } from '../kafka/assignment.ts'
import { ByteBudget } from '../kafka/byte-budget.ts'
import { ClusterMetadata } from '../kafka/cluster-metadata.ts'
import { ProducerFence } from '../kafka/fencing.ts'
import { Fetcher } from '../kafka/fetcher.ts'
import { defaultMembershipTiming, GroupMember } from '../kafka/group-member.ts'
import type { KafkaClient } from '../kafka/kafka-client.ts'
import { TransactionalProducer } from '../kafka/transactional-producer.ts'
import type { OperatorTable } from '../operators/operator-table.ts'
import { BoundedEnd, type SubTopologyInputs } from '../runtime/bounded-end.ts'
import { RecordCollector } from '../runtime/record-collector.ts'
import type { StoreRegistry } from '../runtime/store-registry.ts'
import { StreamThread, type ThreadEvents } from '../runtime/stream-thread.ts'
import { TaskManager } from '../runtime/task-manager.ts'
import { newThreadMetrics, type ThreadMetrics } from '../runtime/task-metrics.ts'
import type { ThreadContext } from '../runtime/thread-context.ts'
import type { StateBackends } from '../state/state-backend.ts'
import { manifestOf } from '../topology/manifest.ts'
import type { Plan, SubTopology } from '../topology/plan.ts'
import { topicName } from '../topology/topic-ref.ts'
import type { ResolvedJobConfig } from './job-config.ts'
import { enterPlan } from './plan-entry.ts'
import { type PreparedTopics, prepareTopics } from './topic-setup.ts'

/** What a stream thread is built from. */
export interface ThreadParts {
  readonly plan: Plan
  readonly appId: string
  readonly instanceId: string
  readonly index: number
  readonly config: ResolvedJobConfig
  readonly ports: Ports
  readonly client: KafkaClient
  readonly backends: StateBackends
  readonly operators: OperatorTable
  readonly stateDirectory: string
  readonly stores: StoreRegistry
  readonly signal: AbortSignal
  readonly events: ThreadEvents
  /** Told of committed offsets that opened tasks go on from. */
  readonly onOpened: (resumed: ReadonlyMap<string, number>) => void
}

/** A stream thread, ready to run. */
export interface BuiltThread {
  readonly thread: StreamThread
  readonly metrics: ThreadMetrics
  readonly topics: PreparedTopics
}

/** Prepares the topics of a plan and puts a stream thread together. Nothing of it runs yet. */
export async function buildThread(parts: ThreadParts): Promise<BuiltThread> {
  const { appId, config, ports, client, signal } = parts
  const metadata = new ClusterMetadata(client)
  const admin = new Admin(client, metadata)
  // The embedded broker is one node, and whoever uses it knows.
  const topics = await prepareTopics(parts.plan, appId, admin, metadata, config.brokers ? ports.logger : silentLogger)
  const { plan, partitions } = topics
  const transactionalId = `${appId}-${parts.instanceId}-${parts.index}`
  const transactionTimeoutMs = 3 * (config.commitIntervalMs + config.recordDeadlineMs)
  const planParts = plan.subtopologies.map((sub) => partOf(sub, appId, topics))
  const subs: readonly SubTopologyInputs[] = plan.subtopologies.map((sub, at) => ({
    sub,
    tasks: tasksOf(planParts.slice(at, at + 1)).map(({ inputs }) => inputs),
  }))
  const manifest = manifestOf(plan, appId, partitions)
  let running: TaskManager | null = null
  const alive = (): ReadonlySet<string> =>
    new Set([transactionalId, ...(running?.assignment?.members ?? []).map((member) => member.transactionalId)])
  const memory = new MemoryBudget(config.memoryBytes)
  const stores = plan.subtopologies.reduce((count, sub) => count + storesOf(sub, topics), 0)
  const fetched = new ByteBudget(() => memory.fetchedBytesMax)
  memory.observeFetched(() => fetched.takenBytes)
  const freshStores = new Set(config.freshStores)
  const passOver = new Set(config.passOver)
  const opened: Omit<AppContext, 'control' | 'planVersion'> = {
    appId,
    ports,
    client,
    metadata,
    admin,
    fence: new ProducerFence(client, metadata, appId, transactionTimeoutMs),
    backends: parts.backends,
    stateDirectory: parts.stateDirectory,
    storeOptions: { memory, backendBytes: memory.backendBytes(stores), hashSeed: ports.random.integer(2 ** 32) },
    restoreSlices: new RestoreSlices(),
    damagedStores: new Set(),
    inputEnds: new Map(),
    transactionalId,
    aliveTransactionalIds: alive,
    signal,
    freshStores,
    topicId: (topic) => metadata.topic(topic)?.topicId ?? '',
  }
  const producer = new TransactionalProducer({
    client,
    metadata,
    limits: topics.limits,
    transactionalId,
    transactionTimeoutMs,
    steps: ports.steps,
  })
  const control = await enterPlan({ app: opened, plan, manifest, partitions, subs, freshStores, passOver, producer })
  const app: AppContext = { ...opened, control, planVersion: control.plan?.version ?? 0 }
  const wake = (): void => thread.wake()
  const fetcher = new Fetcher(client, metadata, fetched, wake)
  const member = new GroupMember({
    client,
    groupId: appId,
    groupInstanceId: `${parts.instanceId}-${parts.index}`,
    topics: [...new Set(subs.flatMap(({ tasks: all }) => all.flat().map((input) => input.topic)))],
    self: () => ({
      v: 1,
      transactionalId,
      planHash: manifest.hash,
      planVersion: app.planVersion,
      tasks: tasks.running.map((task) => formatTaskId(task.id)),
      parts: planParts,
    }),
    newestPlan: async () => {
      await control.refresh()
      return control.plan?.version ?? 0
    },
    committedUnder: (inputs) => committedPlans(app, inputs),
    timing: defaultMembershipTiming,
    onChange: wake,
  })
  const metrics = newThreadMetrics()
  const partitionCount = (topic: string): number => partitions.get(topic) ?? 0
  const context: ThreadContext = {
    app,
    plan,
    operators: parts.operators,
    partitionCount,
    producer,
    fetcher,
    collector: new RecordCollector(producer, (topic) => partitionCount(topic) || 1),
    stores: parts.stores,
    metrics,
    recordDeadlineMs: config.recordDeadlineMs,
    time: new LoopTime(ports.clock),
    ingestAheadBytes: config.ingestAheadBytes,
    follow: config.follow,
    drain: config.drain,
    passOver,
    leftOut: new Set(),
    sentBytesMax: memory.sentBytesMax,
    group: () => member.identity,
    commitIntervalMs: config.commitIntervalMs,
    commitMinIntervalMs: config.commitMinIntervalMs,
    commitShareMax: config.commitShareMax,
    wake,
  }
  const tasks = new TaskManager(context, parts.onOpened)
  running = tasks
  const boundedEnd = config.follow ? null : new BoundedEnd(app, subs, config.drain)
  const thread = new StreamThread({
    context,
    member,
    tasks,
    fetcher,
    boundedEnd,
    events: parts.events,
    leaveAtStop: config.leave,
  })
  return { thread, metrics, topics }
}

/** Stores of all tasks of a sub-topology: this process may get them all. */
function storesOf(sub: SubTopology, topics: PreparedTopics): number {
  return sub.kind === 'processing' ? sub.stores.length * (topics.taskCounts.get(sub.id) ?? 0) : 0
}

/** A sub-topology as whoever leads the group has to know it. */
function partOf(sub: SubTopology, appId: string, topics: PreparedTopics): PlanPart {
  const inputs = sub.kind === 'processing' ? sub.inputs : sub.kind === 'sink' ? [sub.input] : []
  const internal = inputs.filter(({ topic }) => topic.role !== 'external')
  return {
    name: sub.name,
    tasks: topics.taskCounts.get(sub.id) ?? 0,
    reads: topicsOf(sub, appId).map((topic) => [topic, topics.partitions.get(topic) ?? 0]),
    encodings: Object.fromEntries(internal.map(({ topic, value }) => [topicName(appId, topic), value.id])),
  }
}

function topicsOf(sub: SubTopology, appId: string): readonly string[] {
  switch (sub.kind) {
    case 'source':
      return [topicName(appId, { role: 'positions', name: sub.source.name })]
    case 'processing':
      return sub.inputs.map((input) => topicName(appId, input.topic))
    case 'sink':
      return [topicName(appId, sub.input.topic)]
  }
}
