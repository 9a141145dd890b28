import type { TaskCut } from '../checkpoint/commit.ts'
import { stateIncomplete } from '../checkpoint/commit-agreement.ts'
import { committedWith } from '../checkpoint/offset-metadata.ts'
import type { StartPosition } from '../checkpoint/start-positions.ts'
import type { SourceConnector } from '../connector/source.ts'
import { noHeaders } from '../core/record.ts'
import { formatTaskId, type TaskId } from '../core/task-id.ts'
import { partitionKey, type TopicPartition } from '../core/topic-partition.ts'
import type { PartitionOutput } from '../kafka/partition-output.ts'
import type { SourceSubTopology } from '../topology/plan.ts'
import { topicName } from '../topology/topic-ref.ts'
import { IngestAhead } from './ingest-ahead.ts'
import { drained } from './input-end.ts'
import { SplitLog } from './split-log.ts'
import { SplitPump } from './split-pump.ts'
import { type NewPosition, nothingPurgeable, type Purgeable, type Task, type TaskProgress } from './task.ts'
import type { ThreadContext } from './thread-context.ts'

/**
 * Reads splits of a source connector into one partition of its ingest topic (D6, X16).
 *
 * Its state is where each split is, kept in its partition of the positions topic: assigned, restored, never fetched while
 * it runs. Records and positions go into the thread's one transaction, so a line is in the ingest topic exactly once.
 */
export class SourceTask implements Task {
  readonly id: TaskId
  readonly name: string
  readonly inputs: readonly TopicPartition[]
  readonly pending = null
  readonly nextWakeMs = Number.POSITIVE_INFINITY
  private readonly thread: ThreadContext
  private readonly positions: TopicPartition
  private readonly log: SplitLog
  private readonly pump: SplitPump
  private readonly ahead: IngestAhead
  private readonly ingest: TopicPartition
  private commitId = 0
  private committedOffset = 0
  private recordsSinceCut = 0
  private endToCommit: string | null = null
  private isRunning = false
  ended: string | null = null

  constructor(thread: ThreadContext, sub: SourceSubTopology, id: TaskId) {
    const { app } = thread
    const connector = sub.source.connector as SourceConnector
    this.thread = thread
    this.id = id
    this.name = formatTaskId(id)
    this.positions = {
      topic: topicName(app.appId, { role: 'positions', name: sub.source.name }),
      partition: id.partition,
    }
    this.ingest = { topic: topicName(app.appId, { role: 'ingest', name: sub.source.name }), partition: id.partition }
    this.inputs = [this.positions]
    this.log = new SplitLog(app, this.positions, sub.source.partitions)
    this.pump = new SplitPump(thread, connector, this.log, this.name)
    this.ahead = new IngestAhead(thread, this.ingest)
  }

  get hasUncommitted(): boolean {
    return this.recordsSinceCut > 0 || this.log.hasChanges || this.endToCommit !== this.ended
  }

  get waiting(): number {
    return this.pump.waiting
  }

  get isFull(): boolean {
    return false
  }

  async open(): Promise<void> {
    this.committedOffset = await this.log.restore()
  }

  start(positions: ReadonlyMap<string, StartPosition>): readonly NewPosition[] {
    const { topic, partition } = this.positions
    const committed = positions.get(partitionKey(topic, partition))
    if (committed && committed.offset > this.committedOffset) {
      const finding = `ends at ${this.committedOffset}, and task ${this.name} has come to ${committed.offset}`
      throw stateIncomplete(this.name, this.positions, finding)
    }
    this.commitId = committed?.metadata?.commitId ?? 0
    this.ended = committed?.metadata?.ended ?? null
    this.isRunning = true
    if (!this.thread.drain) this.pump.start()
    return committed?.isNew === false
      ? []
      : [{ topic, partition, offset: this.committedOffset, commitId: this.commitId }]
  }

  run(untilMs: number): TaskProgress {
    const { clock } = this.thread.app.ports
    let progress: TaskProgress = 'idle'
    do {
      if (this.ahead.isTooFar) break
      const taken = this.pump.take()
      if (taken === null) break
      const { producer } = this.thread
      const output = producer.output(this.ingest.topic, this.ingest.partition)
      const now = clock.now()
      for (const { key, value, timestamp, headers } of taken.records) {
        output.append(key, value, timestamp ?? now, headers ?? noHeaders)
        this.ahead.appended((value?.length ?? 0) + (key?.length ?? 0))
      }
      this.recordsSinceCut += taken.records.length
      if (taken.records.length > 0) progress = 'worked'
    } while (clock.monotonicMs() < untilMs)
    return progress
  }

  cut(): TaskCut | null {
    if (!this.isRunning) return null
    if (this.log.hasChanges) this.endToCommit = null
    if (!this.hasUncommitted) return null
    const changes = this.log.cut()
    const commitId = ++this.commitId
    const ended = this.endToCommit
    const records = this.recordsSinceCut
    const output = (at: TopicPartition): PartitionOutput => this.thread.producer.output(at.topic, at.partition)
    const bytes = this.ahead.cut()
    let ingestEnd = -1
    this.pump.cut()
    this.recordsSinceCut = 0
    this.ended = ended
    return {
      task: this.id,
      records,
      writeChangelogs: () => {
        const now = this.thread.app.ports.clock.now()
        for (const { key, value } of changes) output(this.positions).append(key, value, now, noHeaders)
      },
      acknowledged: () => {
        if (changes.length > 0) this.committedOffset = output(this.positions).endOffset
        ingestEnd = output(this.ingest).endOffset
      },
      offsets: () => {
        const said = { commitId, partitionTime: null, ended }
        const metadata = committedWith(this.thread.app, this.positions.topic, said)
        return [{ ...this.positions, offset: this.committedOffset, metadata }]
      },
      writeStores: async () => undefined,
      publish: () => this.ahead.committed(bytes, ingestEnd),
    }
  }

  async settle(): Promise<void> {}

  purgeable(): Purgeable {
    return nothingPurgeable
  }

  committed(): void {
    this.pump.committed()
  }

  async endToken(): Promise<string | null> {
    if (this.thread.follow || !this.isRunning || this.recordsSinceCut > 0) return null
    if (this.thread.drain) return drained
    return this.pump.isDone ? this.log.roundToken : null
  }

  markEnded(token: string): void {
    this.endToCommit = token
  }

  async close(): Promise<void> {
    this.isRunning = false
    await this.pump.close()
  }
}
