import { committedWith } from '../checkpoint/offset-metadata.ts'
import type { PositionsRow } from '../checkpoint/positions-row.ts'
import type { StartPosition } from '../checkpoint/start-positions.ts'
import type { TaskStores } from '../checkpoint/task-stores.ts'
import type { StreamError } from '../core/errors.ts'
import { partitionKey, type TopicPartition } from '../core/topic-partition.ts'
import type { OffsetCommit } from '../kafka/offset-commit.ts'
import type { InputSpec } from '../topology/plan.ts'
import { topicName } from '../topology/topic-ref.ts'
import type { InputPosition } from './input-end.ts'
import { PartitionGroup, takenOf } from './partition-group.ts'
import { RecordQueue } from './record-queue.ts'
import type { NewPosition, Purgeable } from './task.ts'
import type { ThreadContext } from './thread-context.ts'

/** From where the inputs of a task go on. */
export interface InputsStart {
  /** What its last commit said of its end. */
  readonly ended: string | null
  /** The greatest timestamp that it had taken, of inputs that its pipeline no longer has, too; -1 before the first (R1). */
  readonly streamTime: number
  /** Positions to be committed before the first record is taken (X2). */
  readonly fresh: readonly NewPosition[]
}

/** The input partitions of one task: from where they are read, how far, and whose record is next. */
export class TaskInputs {
  /** The topics that have the task's partition: those that are merely merged may differ in how many they have. */
  readonly specs: readonly InputSpec[]
  /** Their partitions, in the same order. */
  readonly partitions: readonly TopicPartition[]
  private readonly thread: ThreadContext
  private readonly taskName: string
  private group = new PartitionGroup([])

  constructor(thread: ThreadContext, inputs: readonly InputSpec[], partition: number, taskName: string) {
    const reads = inputs
      .map((input) => ({ input, topic: topicName(thread.app.appId, input.topic) }))
      .filter(({ topic }) => partition < thread.partitionCount(topic))
    this.thread = thread
    this.taskName = taskName
    this.specs = reads.map(({ input }) => input)
    this.partitions = reads.map(({ topic }) => ({ topic, partition }))
  }

  /**
   * A5: begins to fetch where the task's state is, or where the group stands when it has none.
   * @param onSkipped told of records that are passed over: they do not decode, under the policy `skip`, or lack their value
   */
  start(
    positions: ReadonlyMap<string, StartPosition>,
    stores: Pick<TaskStores, 'commitId' | 'start' | 'latestTime'> | null,
    onSkipped: (error: StreamError) => void,
  ): InputsStart {
    const { fetcher, passOver, drain } = this.thread
    const fresh: NewPosition[] = []
    const ends = new Set<string | null>()
    const commitId = stores?.commitId ?? 0
    const queues = this.specs.map((input, index) => {
      const { topic, partition } = this.partitions[index] as TopicPartition
      const key = partitionKey(topic, partition)
      const committed = positions.get(key) ?? { offset: 0, metadata: null, isNew: true }
      const start = stores?.start(key) ?? null
      const offset = start?.offset ?? committed.offset
      if (start && offset !== committed.offset) this.warnOfOffsets(key, offset, committed)
      if (committed.isNew) fresh.push({ topic, partition, offset, commitId })
      ends.add(committed.metadata?.ended ?? null)
      const time = start?.partitionTime ?? committed.metadata?.partitionTime ?? -1
      const fetched = fetcher.assign(topic, partition, offset)
      return new RecordQueue(input, fetched, offset, time, onSkipped, passOver.has(topic))
    })
    this.group = new PartitionGroup(queues, drain)
    const streamTime = Math.max(this.streamTime, stores?.latestTime ?? -1)
    return { ended: ends.size === 1 ? ([...ends][0] ?? null) : null, streamTime, fresh }
  }

  private warnOfOffsets(key: string, offset: number, committed: StartPosition): void {
    const found = committed.isNew ? 'no offset' : `offset ${committed.offset}`
    this.thread.app.ports.logger.warn(
      `task ${this.taskName} goes on at ${key}@${offset}, where its state is; the group has ${found} there`,
    )
  }

  /** Whose head comes next (R3); null when there is none, or one has to be waited for. */
  choose(): RecordQueue | null {
    return this.group.choose()
  }

  /** The greatest timestamp that was taken of any; -1 before the first. */
  get streamTime(): number {
    return this.group.queues.reduce((greatest, { partitionTime }) => Math.max(greatest, partitionTime), -1)
  }

  /** Records known to wait, here and at the brokers; infinite where there are more and nobody can say how many. */
  get waiting(): number {
    let waiting = 0
    for (const queue of this.group.queues) waiting += queue.waiting
    return waiting
  }

  /** How far each has come. */
  positions(): readonly InputPosition[] {
    return this.group.queues.map(({ topic, partition, position }) => ({ topic, partition, position }))
  }

  /** All of them, moved or not, as a commit names them. */
  offsets(commitId: number, ended: string | null): readonly OffsetCommit[] {
    const { app } = this.thread
    return this.group.queues.map(({ topic, partition, position, partitionTime }) => ({
      topic,
      partition,
      offset: position,
      metadata: committedWith(app, topic, { commitId, partitionTime: partitionTime < 0 ? null : partitionTime, ended }),
    }))
  }

  /** The same as a row of the task's stores. */
  row(commitId: number, stores: readonly { readonly name: string }[]): PositionsRow {
    const { app } = this.thread
    const positions: Record<string, number> = {}
    const partitionTimes: Record<string, number> = {}
    const topicIds: Record<string, string> = {}
    for (const queue of this.group.queues) {
      positions[queue.key] = queue.position
      topicIds[queue.topic] = app.topicId(queue.topic)
      if (queue.partitionTime >= 0) partitionTimes[queue.key] = queue.partitionTime
    }
    const names = stores.map(({ name }) => name)
    return { v: 1, commitId, plan: app.planVersion, stores: names, positions, partitionTimes, topicIds }
  }

  /** What was taken since the last call of the topics that only this task reads. */
  taken(): Purgeable {
    return takenOf(this.group.queues)
  }

  close(): void {
    for (const partition of this.partitions) this.thread.fetcher.unassign(partition)
  }
}
