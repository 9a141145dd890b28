import type { TaskCut } from '../checkpoint/commit.ts'
import { encodeOffsetMetadata } from '../checkpoint/offset-metadata.ts'
import type { PositionsRow } from '../checkpoint/positions-row.ts'
import type { StartPosition } from '../checkpoint/start-positions.ts'
import type { TaskStore } from '../checkpoint/task-store.ts'
import { TaskStores } from '../checkpoint/task-stores.ts'
import { allDone } from '../core/all-done.ts'
import { messageOf, StreamError } from '../core/errors.ts'
import { formatTaskId, type TaskId } from '../core/task-id.ts'
import { partitionKey, type TopicPartition } from '../core/topic-partition.ts'
import type { OffsetCommit } from '../kafka/offset-commit.ts'
import type { RowChanges } from '../state/row-changes.ts'
import type { InputSpec, ProcessingSubTopology } from '../topology/plan.ts'
import { topicName } from '../topology/topic-ref.ts'
import { buildChain, type Chain } from './chain.ts'
import { InputEnd } from './input-end.ts'
import { PartitionGroup, takenOf } from './partition-group.ts'
import { RecordInHand } from './record-in-hand.ts'
import { RecordQueue } from './record-queue.ts'
import { type NewPosition, nothingPurgeable, type Purgeable, type Task, type TaskProgress } from './task.ts'
import { TaskContext } from './task-context.ts'
import { type TaskState, transition } from './task-state.ts'
import type { ThreadContext } from './thread-context.ts'

/** Records between two looks at the clock and at what has changed; a long one counts as one for each 4 KiB of it. */
const recordsPerLook = 64
const longRecordShift = 12

/** Runs one sub-topology on one partition: takes records in the order of R3 and pushes each through its chain. */
export class ProcessingTask implements Task {
  readonly id: TaskId
  readonly name: string
  readonly inputs: readonly TopicPartition[]
  readonly nextWakeMs = Number.POSITIVE_INFINITY
  /** The topics that have the task's partition: those that are merely merged may differ in how many they have. */
  private readonly reads: readonly (TopicPartition & { readonly input: InputSpec })[]
  private readonly thread: ThreadContext
  private readonly sub: ProcessingSubTopology
  private readonly context: TaskContext
  private stores: TaskStores | null = null
  private readonly inHand: RecordInHand
  private readonly end: InputEnd
  private chain: Chain | null = null
  private group = new PartitionGroup([])
  private state: TaskState = 'CREATED'
  private commitId = 0
  private recordsSinceCut = 0
  private endToCommit: string | null = null
  /** Of the last cut, whose commit may still fail; and of the last known commit. */
  private lastCut: Purgeable = nothingPurgeable
  private safe: Purgeable = nothingPurgeable
  ended: string | null = null

  constructor(thread: ThreadContext, sub: ProcessingSubTopology, id: TaskId) {
    this.thread = thread
    this.sub = sub
    this.id = id
    this.name = formatTaskId(id)
    this.reads = sub.inputs
      .map((input) => ({ input, topic: topicName(thread.app.appId, input.topic), partition: id.partition }))
      .filter(({ topic, partition }) => partition < thread.partitionCount(topic))
    this.inputs = this.reads.map(({ topic, partition }) => ({ topic, partition }))
    this.context = new TaskContext(thread, this.name, id.partition)
    this.inHand = new RecordInHand(thread, this.name, this.context)
    this.end = new InputEnd(
      thread.app,
      this.reads.map(({ input }) => input),
      thread.drain,
    )
  }

  get pending(): Promise<void> | null {
    return this.inHand.pending
  }

  get hasUncommitted(): boolean {
    return this.recordsSinceCut > 0 || this.context.hasEffects || this.endToCommit !== this.ended
  }

  get waiting(): number {
    let waiting = this.inHand.isWaiting ? 1 : 0
    for (const queue of this.group.queues) waiting += queue.waiting
    return waiting
  }

  get isFull(): boolean {
    return this.stores?.isFull ?? false
  }

  async open(committed: ReadonlyMap<string, StartPosition>): Promise<void> {
    const { app, metrics, stores } = this.thread
    this.state = transition(this.name, this.state, 'RESTORING')
    if (!this.thread.follow) await this.end.fix(this.inputs)
    const { id, name, inputs, sub } = this
    const opened = await TaskStores.open({
      app,
      taskId: name,
      partition: id.partition,
      specs: sub.stores,
      inputs,
      committed,
    })
    this.stores = opened
    metrics.restored += opened.restored
    for (const { store } of opened.all) {
      this.context.addStore(store)
      stores.add(id, store)
    }
    this.chain = buildChain(sub, app.appId, this.context)
  }

  start(positions: ReadonlyMap<string, StartPosition>): readonly NewPosition[] {
    const fresh: NewPosition[] = []
    this.commitId = this.stores?.commitId ?? 0
    const ends = new Set<string | null>()
    const queues = this.reads.map(({ input, topic, partition }) => {
      const key = partitionKey(topic, partition)
      const committed = positions.get(key) ?? { offset: 0, metadata: null, isNew: true }
      const start = this.stores?.start(key) ?? null
      const offset = start?.offset ?? committed.offset
      if (start && offset !== committed.offset) this.warnOfOffsets(key, offset, committed)
      if (committed.isNew) fresh.push({ topic, partition, offset, commitId: this.commitId })
      ends.add(committed.metadata?.ended ?? null)
      const time = start?.partitionTime ?? committed.metadata?.partitionTime ?? -1
      const fetched = this.thread.fetcher.assign(topic, partition, offset)
      const onSkipped = (error: StreamError): void => this.context.skipped(error)
      return new RecordQueue(input, fetched, offset, time, onSkipped, this.thread.passOver.has(topic))
    })
    this.group = new PartitionGroup(queues, this.thread.drain)
    this.ended = ends.size === 1 ? ([...ends][0] ?? null) : null
    this.state = transition(this.name, this.state, 'RUNNING')
    return fresh
  }

  private warnOfOffsets(key: string, offset: number, committed: StartPosition): void {
    const found = committed.isNew ? 'no offset' : `offset ${committed.offset}`
    this.thread.app.ports.logger.warn(
      `task ${this.name} goes on at ${key}@${offset}, where its state is; the group has ${found} there`,
    )
  }

  run(untilMs: number): TaskProgress {
    const { clock } = this.thread.app.ports
    this.inHand.throwFailure()
    if (this.inHand.isWaiting) return 'idle'
    for (let left = recordsPerLook; ; ) {
      if (left <= 0) {
        if (clock.monotonicMs() >= untilMs || this.isFull) return 'worked'
        left = recordsPerLook
      }
      const queue = this.group.choose()
      if (queue === null) return left === recordsPerLook ? 'idle' : 'worked'
      left -= this.take(queue)
      if (this.inHand.isWaiting) return 'worked'
    }
  }

  /** @returns as how many records it counts */
  private take(queue: RecordQueue): number {
    const { chain } = this
    const record = queue.take()
    if (record === null || chain === null) return 1
    // What has no key or no value has a length of -1.
    const counts = 1 + ((record.keyLength + record.valueLength + 2) >> longRecordShift)
    this.recordsSinceCut++
    this.endToCommit = null
    this.inHand.process(chain, queue, record)
    return counts
  }

  cut(): TaskCut | null {
    if (this.state !== 'RUNNING') return null
    this.inHand.throwFailure()
    if (!this.hasUncommitted) return null
    const cuts = this.cutStores()
    const commitId = ++this.commitId
    const records = this.recordsSinceCut
    const ended = this.recordsSinceCut > 0 ? null : this.endToCommit
    const all = this.stores?.all ?? []
    const changes = all.map((opened) => ({ opened, rows: cuts.get(opened.store.name) ?? opened.store.cut() }))
    const row = this.positionsRow(commitId)
    const offsets = this.offsets(commitId, ended)
    this.lastCut = takenOf(this.group.queues)
    this.recordsSinceCut = 0
    this.context.clearEffects()
    this.ended = ended
    let ends: readonly number[] = []
    return {
      task: this.id,
      records,
      offsets: () => offsets,
      acknowledged: () => {
        ends = changes.map(({ opened }) => this.changelogOutput(opened).endOffset)
      },
      writeChangelogs: () => {
        for (const { opened, rows } of changes) opened.log(this.changelogOutput(opened), rows, row)
        this.stores?.writeBeginnings(this.thread.producer, commitId)
      },
      writeStores: async () => {
        await allDone(changes.map(({ opened, rows }, store) => opened.write(rows, row, ends[store] as number)))
      },
      publish: () => {
        for (const { opened, rows } of changes) this.thread.stores.publish(opened.store.name, rows)
      },
    }
  }

  private offsets(commitId: number, ended: string | null): OffsetCommit[] {
    const { app } = this.thread
    return this.group.queues.map(({ topic, partition, position, partitionTime }) => ({
      topic,
      partition,
      offset: position,
      metadata: encodeOffsetMetadata({
        v: 1,
        commitId,
        plan: app.planVersion,
        txnId: app.transactionalId,
        topicId: app.topicId(topic),
        partitionTime: partitionTime < 0 ? null : partitionTime,
        ended,
      }),
    }))
  }

  private cutStores(): ReadonlyMap<string, RowChanges> {
    try {
      return this.chain?.cut() ?? new Map()
    } catch (error) {
      if (error instanceof StreamError) throw error
      throw new StreamError('RECORD_PROCESSING', `task ${this.name} failed on a table's changes: ${messageOf(error)}`, {
        taskId: this.name,
        cause: error,
      })
    }
  }

  private positionsRow(commitId: number): PositionsRow {
    const positions: Record<string, number> = {}
    const partitionTimes: Record<string, number> = {}
    const topicIds: Record<string, string> = {}
    const { app } = this.thread
    for (const queue of this.group.queues) {
      positions[queue.key] = queue.position
      topicIds[queue.topic] = app.topicId(queue.topic)
      if (queue.partitionTime >= 0) partitionTimes[queue.key] = queue.partitionTime
    }
    const stores = this.sub.stores.map(({ name }) => name)
    return { v: 1, commitId, plan: app.planVersion, stores, positions, partitionTimes, topicIds }
  }

  private changelogOutput(opened: TaskStore) {
    return this.thread.producer.output(opened.changelog.topic, opened.changelog.partition)
  }

  committed(): void {
    this.stores?.committed()
    this.safe = { positions: this.lastCut.positions, bytes: this.safe.bytes + this.lastCut.bytes }
    this.lastCut = { ...this.lastCut, bytes: 0 }
  }

  async settle(): Promise<void> {}

  purgeable(): Purgeable {
    const { safe } = this
    this.safe = nothingPurgeable
    return safe
  }

  async close(): Promise<void> {
    if (this.state === 'CLOSED') return
    this.state = transition(this.name, this.state, 'CLOSED')
    this.inHand.cancel()
    this.context.close()
    for (const input of this.inputs) this.thread.fetcher.unassign(input)
    for (const { store } of this.stores?.all ?? []) this.thread.stores.remove(this.id, store)
    await this.stores?.close()
  }

  async endToken(upstream: readonly string[]): Promise<string | null> {
    if (this.state !== 'RUNNING' || this.inHand.isWaiting || this.recordsSinceCut > 0) return null
    const positions = this.group.queues.map(({ topic, partition, position }) => ({ topic, partition, position }))
    return this.end.token(upstream, positions)
  }

  markEnded(token: string): void {
    this.endToCommit = token
  }
}
