import { committedWith } from '../checkpoint/offset-metadata.ts'
import type { StartPosition } from '../checkpoint/start-positions.ts'
import type { SinkConnector, SinkRecord } from '../connector/sink.ts'
import { formatTaskId, type TaskId } from '../core/task-id.ts'
import { partitionKey, type TopicPartition } from '../core/topic-partition.ts'
import type { SinkSubTopology } from '../topology/plan.ts'
import { topicName } from '../topology/topic-ref.ts'
import { ConnectorCalls } from './connector-calls.ts'
import { InputEnd } from './input-end.ts'
import { takenOf } from './partition-group.ts'
import { RecordQueue } from './record-queue.ts'
import { openSink, type SinkPort } from './sink-port.ts'
import type { NewPosition, Purgeable, Task, TaskProgress } from './task.ts'
import type { ThreadContext } from './thread-context.ts'

const recordsPerWrite = 500

/**
 * Hands one partition of a committed log to a sink connector (X17).
 *
 * It takes no part in the thread's transaction: it commits plain offsets behind what the sink says is safe, so a slow
 * sink blocks nobody, nor does one that is slow to open. One call is under way at a time; while it is, the task takes
 * nothing.
 */
export class SinkTask implements Task {
  readonly id: TaskId
  readonly name: string
  readonly inputs: readonly TopicPartition[]
  readonly pending = null
  readonly isFull = false
  // It commits by itself, and is no reason for its thread to wait or to hurry.
  readonly hasUncommitted = false
  readonly waiting = 0
  ended: string | null = null
  private readonly thread: ThreadContext
  private readonly sub: SinkSubTopology
  private readonly connector: SinkConnector<unknown, unknown>
  private readonly calls: ConnectorCalls
  private readonly end: InputEnd
  private port: SinkPort | null = null
  private queue: RecordQueue | null = null
  private opening: Promise<void> | null = null
  private writing: Promise<void> | null = null
  private failure: unknown = null
  private commitId = 0
  private committedOffset = -1
  private committedMs = 0

  constructor(thread: ThreadContext, sub: SinkSubTopology, id: TaskId) {
    this.thread = thread
    this.sub = sub
    this.id = id
    this.name = formatTaskId(id)
    this.connector = sub.sink.connector as SinkConnector<unknown, unknown>
    this.calls = new ConnectorCalls(thread, 'sink', this.connector.name, this.name)
    this.inputs = [{ topic: topicName(thread.app.appId, sub.input.topic), partition: id.partition }]
    this.end = new InputEnd(thread.app, [sub.input], thread.drain)
  }

  async open(): Promise<void> {
    if (!this.thread.follow) await this.end.fix(this.inputs)
  }

  start(positions: ReadonlyMap<string, StartPosition>): readonly NewPosition[] {
    const [input] = this.inputs as [TopicPartition]
    const committed = positions.get(partitionKey(input.topic, input.partition))
    const offset = committed?.offset ?? 0
    this.commitId = committed?.metadata?.commitId ?? 0
    this.ended = committed?.metadata?.ended ?? null
    this.committedOffset = committed?.isNew === false ? committed.offset : -1
    this.opening = this.begin(offset).catch((error: unknown) => this.fail(error))
    return committed?.isNew === false ? [] : [{ ...input, offset, commitId: this.commitId }]
  }

  /** Opens the sink and goes on where it says, or else where the group stands. */
  private async begin(committedOffset: number): Promise<void> {
    const [input] = this.inputs as [TopicPartition]
    this.port = await openSink(this.connector, this.id.partition, this.calls)
    if (this.calls.signal.aborted) return
    const offset = this.port.startOffset ?? committedOffset
    // The group is behind what the sink says, or before it: it is told at the next commit.
    if (offset !== committedOffset) this.committedOffset = committedOffset
    const fetched = this.thread.fetcher.assign(input.topic, input.partition, offset)
    this.queue = new RecordQueue(this.sub.input, fetched, offset, -1, (error) => {
      this.thread.metrics.skipped++
      this.thread.app.ports.logger.warn(`skipped: ${error.message}`)
    })
    this.thread.wake()
  }

  run(): TaskProgress {
    if (this.failure !== null) throw this.failure
    if (this.writing || !this.queue || !this.port) return 'idle'
    const isLeft = this.thread.drain && this.sub.input.topic.role === 'external'
    const records = isLeft ? [] : this.gather(this.queue)
    const isCommitDue = this.thread.app.ports.clock.monotonicMs() >= this.commitDueMs
    if (records.length === 0 && !(isCommitDue && this.isAhead)) return 'idle'
    this.background(this.work(records, this.queue.position, isCommitDue))
    return 'worked'
  }

  private get commitDueMs(): number {
    return this.committedMs + this.thread.commitIntervalMs
  }

  /** Whether it has taken more than the offset says that it committed last. */
  private get isAhead(): boolean {
    return this.queue !== null && this.queue.position !== this.committedOffset && this.committedOffset !== -1
  }

  get nextWakeMs(): number {
    return this.isAhead && !this.writing ? this.commitDueMs : Number.POSITIVE_INFINITY
  }

  private gather(queue: RecordQueue): SinkRecord<unknown, unknown>[] {
    const records: SinkRecord<unknown, unknown>[] = []
    while (records.length < recordsPerWrite) {
      const record = queue.peek()
      if (record === null) break
      const { key, value, timestamp, headers } = record
      const id = `${queue.topic}/${queue.partition}/${queue.offset}`
      records.push({ id, key, value, timestamp, headers })
      queue.take()
    }
    return records
  }

  private async work(
    records: readonly SinkRecord<unknown, unknown>[],
    position: number,
    flush: boolean,
  ): Promise<void> {
    if (records.length > 0) await this.port?.write(records, position)
    this.thread.metrics.recordsCommitted += records.length
    if (flush) await this.commitUpTo(position, null)
  }

  private async commitUpTo(position: number, ended: string | null): Promise<void> {
    await this.port?.flush()
    const [input] = this.inputs as [TopicPartition]
    const said = { commitId: ++this.commitId, partitionTime: null, ended }
    const metadata = committedWith(this.thread.app, input.topic, said)
    await this.thread.app.admin.commitOffsets(this.thread.group(), [{ ...input, offset: position, metadata }])
    this.committedOffset = position
    this.committedMs = this.thread.app.ports.clock.monotonicMs()
    this.ended = ended
  }

  private background(work: Promise<void>): void {
    this.writing = work
      .catch((error: unknown) => this.fail(error))
      .finally(() => {
        this.writing = null
        this.thread.wake()
      })
  }

  private fail(error: unknown): void {
    if (this.calls.signal.aborted) return
    this.failure = this.calls.failed(error)
    this.thread.wake()
  }

  cut(): null {
    return null
  }

  committed(): void {}

  purgeable(): Purgeable {
    return this.queue ? { ...takenOf([this.queue]), positions: this.committedPosition() } : { positions: [], bytes: 0 }
  }

  private committedPosition(): readonly (readonly [string, number])[] {
    return this.queue && this.committedOffset >= 0 && this.sub.input.topic.role !== 'external'
      ? [[this.queue.key, this.committedOffset]]
      : []
  }

  async settle(): Promise<void> {
    while (this.writing) await this.writing
    if (this.mustFlush()) {
      // As any call, so that none begins beside it if this wait is given up and the task goes on.
      this.background(this.commitUpTo(this.queue?.position ?? 0, null))
      await this.writing
    }
    if (this.failure !== null) throw this.failure
  }

  /** Whether something was taken that no offset was committed behind. What was given up at a close was not written. */
  private mustFlush(): boolean {
    if (this.calls.signal.aborted || this.failure !== null || !this.queue) return false
    return this.queue.position !== this.committedOffset
  }

  async endToken(upstream: readonly string[]): Promise<string | null> {
    if (!this.queue || this.writing) return null
    const { topic, partition, position } = this.queue
    return this.end.token(upstream, [{ topic, partition, position }])
  }

  markEnded(token: string): void {
    if (!this.writing && this.queue) this.background(this.commitUpTo(this.queue.position, token))
  }

  async close(): Promise<void> {
    for (const input of this.inputs) this.thread.fetcher.unassign(input)
    await this.calls.end()
    await this.opening
    await this.writing
    const { port } = this
    this.port = null
    await port?.close()
  }
}
