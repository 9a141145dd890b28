import { deleteRetentionMs } from '../checkpoint/task-store.ts'
import { StreamError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { Admin, NewTopic } from '../kafka/admin.ts'
import type { ClusterMetadata } from '../kafka/cluster-metadata.ts'
import { TopicLimits } from '../kafka/topic-limits.ts'
import type { ClusterFacts } from '../topology/graph.ts'
import type { Plan, SubTopology } from '../topology/plan.ts'
import { buildPlan } from '../topology/plan-builder.ts'
import { controlTopic, refKey, type TopicRef, topicName } from '../topology/topic-ref.ts'
import { refuseInternalTopics } from '../topology/validate.ts'

/** What a job knows of its topics once they are all there. */
export interface PreparedTopics {
  /** The plan that fits them: topics that are read together and differ may need one between them and a store. */
  readonly plan: Plan
  /** Partitions of every topic of the plan, by its name in Kafka. */
  readonly partitions: ReadonlyMap<string, number>
  /** Tasks of each sub-topology. */
  readonly taskCounts: ReadonlyMap<number, number>
  /** How large batches and records of each topic may be. */
  readonly limits: TopicLimits
}

/** Fewer copies than this, and the loss of one broker may stop the application or cost it records (X27). */
const replicasSafe = 3

/** Settings of internal topics (R12, R17, X10). */
const settings: Readonly<Record<Exclude<TopicRef['role'], 'external'>, Readonly<Record<string, string>>>> = {
  repartition: { 'cleanup.policy': 'delete', 'retention.ms': '-1', 'message.timestamp.type': 'CreateTime' },
  ingest: { 'cleanup.policy': 'delete', 'retention.ms': '-1', 'message.timestamp.type': 'CreateTime' },
  egress: { 'cleanup.policy': 'delete', 'retention.ms': '-1', 'message.timestamp.type': 'CreateTime' },
  changelog: {
    'cleanup.policy': 'compact',
    'delete.retention.ms': String(deleteRetentionMs),
    // A row's time is its record's: it has to come back as it was written.
    'message.timestamp.type': 'CreateTime',
  },
  positions: { 'cleanup.policy': 'compact', 'delete.retention.ms': String(deleteRetentionMs) },
}

const controlSettings = { 'cleanup.policy': 'compact' }

/**
 * Makes sure that every topic of a plan is there with the right number of partitions: topics that are read must exist,
 * internal ones and those that are only written are created.
 *
 * @throws {StreamError} `PLAN_INVALID` where a topic of the user's is called like one that the engine needs now;
 * `TOPIC_MISSING` naming every topic that is read and not there; `TOPIC_MISMATCH` where partition
 * counts do not fit, naming both
 */
export async function prepareTopics(
  plan: Plan,
  appId: string,
  admin: Admin,
  metadata: ClusterMetadata,
  logger: Logger,
): Promise<PreparedTopics> {
  return new TopicSetup(plan, appId, admin, metadata, logger).run()
}

class TopicSetup {
  private plan: Plan
  private readonly appId: string
  private readonly admin: Admin
  private readonly metadata: ClusterMetadata
  private readonly logger: Logger
  private readonly wanted = new Map<string, NewTopic>()
  private readonly taskCounts = new Map<number, number>()
  /** Tasks of the greatest of those who write a repartition topic, by topic. */
  private readonly written = new Map<string, number>()

  constructor(plan: Plan, appId: string, admin: Admin, metadata: ClusterMetadata, logger: Logger) {
    this.plan = plan
    this.appId = appId
    this.admin = admin
    this.metadata = metadata
    this.logger = logger
  }

  async run(): Promise<PreparedTopics> {
    await this.findExternal()
    this.plan = buildPlan(this.plan, await this.clusterFacts())
    // The cluster may have added a repartition topic, whose name only the application id tells.
    refuseInternalTopics(this.plan, this.appId)
    this.sayApart()
    // In plan order a sub-topology's inputs are sized before it is.
    for (const sub of this.plan.subtopologies) this.size(sub)
    const control = controlTopic(this.appId)
    this.wanted.set(control, { name: control, partitions: 1, config: controlSettings })
    const names = [...this.wanted.keys()]
    await this.metadata.refresh('admin', names)
    const missing = [...this.wanted.values()].filter((topic) => !this.metadata.topic(topic.name))
    await this.admin.createTopics(missing)
    await this.awaitLeaders(missing.map((topic) => topic.name))
    this.warnOfReplication(missing.map((topic) => topic.name))
    for (const { name, partitions } of this.wanted.values()) this.checkCount(name, partitions)
    const all = [...names, ...this.external()]
    const limits = new TopicLimits(this.admin)
    await limits.read(all)
    return {
      plan: this.plan,
      partitions: new Map(all.map((name) => [name, this.metadata.partitionCount(name)])),
      taskCounts: this.taskCounts,
      limits,
    }
  }

  /** Said once, when the topics are created: they take the broker's default. */
  private warnOfReplication(created: readonly string[]): void {
    const few = created.filter((name) => (this.metadata.topic(name)?.replicas ?? replicasSafe) < replicasSafe)
    if (few.length === 0) return
    const replicas = Math.min(...few.map((name) => this.metadata.topic(name)?.replicas ?? replicasSafe))
    this.logger.warn(
      `${few.length} topics of ${this.appId} were created with ${replicas} of ${replicasSafe} copies, the broker's default: fine on one machine; on a cluster raise default.replication.factor, or create them beforehand`,
      { first: few[0] },
    )
  }

  /** Topics outside that are read. */
  private external(): string[] {
    const refs = this.plan.subtopologies.flatMap((sub) => inputsOf(sub))
    return [...new Set(refs.filter((ref) => ref.role === 'external').map((ref) => ref.name))]
  }

  private async findExternal(): Promise<void> {
    const names = this.external()
    await this.metadata.refresh('admin', names)
    const missing = names.filter((name) => !this.metadata.topic(name))
    if (missing.length === 0) return
    throw new StreamError(
      'TOPIC_MISSING',
      `the pipeline ${this.plan.name} reads ${missing.length === 1 ? 'the topic' : 'the topics'} ${missing.join(', ')}, which the cluster does not have; create ${missing.length === 1 ? 'it' : 'them'} or correct the name`,
      { topic: missing[0] as string },
    )
  }

  /** Counts a sub-topology's tasks, and asks for the topics it needs with as many partitions. */
  private size(sub: SubTopology): void {
    if (sub.kind === 'source') {
      this.taskCounts.set(sub.id, sub.source.partitions)
      this.want({ role: 'positions', name: sub.source.name }, sub.source.partitions)
      this.want({ role: 'ingest', name: sub.source.name }, sub.source.partitions)
      return
    }
    const inputs = inputsOf(sub)
    const given = inputs.filter(({ role }) => role !== 'repartition')
    // Topics from outside say how many tasks there are, else those who write the rest. A task reads what has its partition.
    const counts = (given.length > 0 ? given : inputs).map((ref) => this.count(ref))
    const count = Math.max(...counts)
    this.taskCounts.set(sub.id, count)
    if (sub.kind === 'sink') return
    for (const { topic } of sub.inputs) if (topic.role === 'repartition') this.want(topic, count)
    for (const store of sub.stores) this.want({ role: 'changelog', name: store.name }, count)
    for (const { topic } of sub.outputs) {
      const key = refKey(topic)
      this.written.set(key, Math.max(this.written.get(key) ?? 0, count))
      if (topic.role === 'egress') this.want(topic, count)
    }
    for (const node of sub.nodes) {
      if (node.kind !== 'topic-sink') continue
      const written = this.plan.written.find((topic) => topic.name === node.topic.name)
      if (!written || this.wanted.has(written.name)) continue
      this.wanted.set(written.name, {
        name: written.name,
        partitions: written.partitions ?? count,
        config: written.config ?? {},
      })
    }
  }

  private want(ref: TopicRef, partitions: number): void {
    const name = topicName(this.appId, ref)
    const config = ref.role === 'external' ? {} : settings[ref.role]
    this.wanted.set(name, { name, partitions, config })
  }

  /** Partitions of a topic that is read: of an internal one as its writers, which come before in the plan, have tasks (R13). */
  private count(ref: TopicRef): number {
    const name = topicName(this.appId, ref)
    return this.wanted.get(name)?.partitions ?? this.written.get(refKey(ref)) ?? this.metadata.partitionCount(name)
  }

  /** What of the cluster the plan depends on: outside topics were looked at, repartition topics of stores are looked for. */
  private async clusterFacts(): Promise<ClusterFacts> {
    const repartition = (name: string): string => topicName(this.appId, { role: 'repartition', name })
    const stores = this.plan.subtopologies.flatMap((sub) => (sub.kind === 'processing' ? sub.stores : []))
    await this.metadata.refresh(
      'admin',
      stores.map(({ name }) => repartition(name)),
    )
    return {
      partitionsOf: (topic) => this.metadata.topic(topic) && this.metadata.partitionCount(topic),
      hasRepartition: (name) => this.metadata.topic(repartition(name)) !== undefined,
    }
  }

  /** Which records take a way that the pipeline does not name, since its topics are as they are (R10). */
  private sayApart(): void {
    const inputs = this.plan.subtopologies.flatMap((sub) => (sub.kind === 'processing' ? sub.inputs : []))
    for (const { through, reason } of inputs.flatMap(({ edges }) => edges)) {
      if (through === null || (reason !== 'uneven inputs' && reason !== 'as before')) continue
      const why =
        reason === 'as before' ? 'went' : 'come from topics that differ in their number of partitions: they go'
      const before = reason === 'as before' ? ' before, and still do' : ', by key'
      this.logger.info(
        `the records of the store ${through.name} ${why} through ${topicName(this.appId, through)}${before}`,
      )
    }
  }

  /** Topics that were there already keep their count; internal ones must have the one that the plan needs now. */
  private checkCount(name: string, partitions: number): void {
    const found = this.metadata.partitionCount(name)
    const isOwn = this.plan.written.some((topic) => topic.name === name)
    if (found === partitions || (isOwn && found > 0)) return
    throw new StreamError(
      'TOPIC_MISMATCH',
      `the topic ${name} has ${found} partitions, the pipeline ${this.plan.name} needs ${partitions}: an input has grown, or the application id is another pipeline's; use another application id, or reset this one`,
      { topic: name },
    )
  }

  /** A created topic may take a moment until its leaders are known everywhere. */
  private async awaitLeaders(names: readonly string[]): Promise<void> {
    for (const name of names) {
      await this.metadata.refresh('admin', [name])
      const partitions = this.wanted.get(name)?.partitions ?? 0
      for (let partition = 0; partition < partitions; partition++) {
        await this.metadata.leaderSoon('admin', name, partition)
      }
    }
  }
}

function inputsOf(sub: SubTopology): readonly TopicRef[] {
  switch (sub.kind) {
    case 'source':
      return []
    case 'processing':
      return sub.inputs.map((input) => input.topic)
    case 'sink':
      return [sub.input.topic]
  }
}
