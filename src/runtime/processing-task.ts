import type { TaskCut } from '../checkpoint/commit.ts'
import type { StartPosition } from '../checkpoint/start-positions.ts'
import { TaskStores } from '../checkpoint/task-stores.ts'
import { messageOf, StreamError } from '../core/errors.ts'
import { formatTaskId, type TaskId } from '../core/task-id.ts'
import type { TopicPartition } from '../core/topic-partition.ts'
import type { RowChanges } from '../state/row-changes.ts'
import type { ProcessingSubTopology } from '../topology/plan.ts'
import { Agenda } from './agenda.ts'
import { buildChain, type Chain } from './chain.ts'
import { InputEnd } from './input-end.ts'
import type { RecordQueue } from './record-queue.ts'
import { type NewPosition, nothingPurgeable, type Purgeable, type Task, type TaskProgress } from './task.ts'
import { TaskContext } from './task-context.ts'
import { TaskEnd } from './task-end.ts'
import { TaskInputs } from './task-inputs.ts'
import { type TaskState, transition } from './task-state.ts'
import type { ThreadContext } from './thread-context.ts'
import { Units } from './units.ts'

/** What a task without stores puts into a commit. */
const nothingKept = {
  writeChangelogs: (): void => undefined,
  acknowledged: (): void => undefined,
  writeStores: async (): Promise<void> => undefined,
}

/** Records between two looks at the clock and at what has changed; a long one counts as one for each 4 KiB of it. */
const recordsPerLook = 64
const longRecordShift = 12

/**
 * Runs one sub-topology on one partition, one unit of work after the other: a record, in the order of R3; what operators do
 * when stream time has come so far, before the record that moved it (R5); what they do by the wall clock; and what they keep
 * back until bounded inputs have ended (X18).
 */
export class ProcessingTask implements Task {
  readonly id: TaskId
  readonly name: string
  private readonly thread: ThreadContext
  private readonly sub: ProcessingSubTopology
  private readonly context: TaskContext
  private readonly reads: TaskInputs
  private stores: TaskStores | null = null
  private readonly units: Units
  private readonly end: InputEnd
  private readonly finish = new TaskEnd()
  private chain: Chain | null = null
  private agenda: Agenda | null = null
  private state: TaskState = 'CREATED'
  private commitId = 0
  private recordsSinceCut = 0
  /** Of the last cut, whose commit may still fail; and of the last known commit. */
  private lastCut: Purgeable = nothingPurgeable
  private safe: Purgeable = nothingPurgeable

  constructor(thread: ThreadContext, sub: ProcessingSubTopology, id: TaskId) {
    this.thread = thread
    this.sub = sub
    this.id = id
    this.name = formatTaskId(id)
    this.context = new TaskContext(thread, this.name, id.partition)
    this.reads = new TaskInputs(thread, sub.inputs, id.partition, this.name)
    this.units = new Units(thread, this.name, this.context)
    this.end = new InputEnd(thread.app, this.reads.specs, thread.drain)
  }

  get inputs(): readonly TopicPartition[] {
    return this.reads.partitions
  }

  get pending(): Promise<void> | null {
    return this.units.pending
  }

  get hasUncommitted(): boolean {
    return this.recordsSinceCut > 0 || this.context.hasEffects || this.finish.hasChanged
  }

  get waiting(): number {
    return this.reads.waiting + (this.units.isHeld ? 1 : 0)
  }

  /** A task that is held up has none: what it waits for wakes its thread. */
  get nextWakeMs(): number {
    const { clock } = this.thread.app.ports
    const next = this.agenda === null || this.units.isHeld ? Number.POSITIVE_INFINITY : this.agenda.nextWakeMs
    // Operators go by the date, and their thread by the time that passes.
    return Number.isFinite(next) ? clock.monotonicMs() + next - clock.now() : next
  }

  get isFull(): boolean {
    return this.stores?.isFull ?? false
  }

  get ended(): string | null {
    return this.finish.committed
  }

  async open(committed: ReadonlyMap<string, StartPosition>): Promise<void> {
    const { app, metrics, stores, follow } = this.thread
    this.state = transition(this.name, this.state, 'RESTORING')
    if (!follow) await this.end.fix(this.inputs)
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
    for (const row of opened.clocks()) this.context.clock.restore(row)
  }

  start(positions: ReadonlyMap<string, StartPosition>): readonly NewPosition[] {
    const { ended, streamTime, fresh } = this.reads.start(positions, this.stores, (error) =>
      this.context.skipped(error),
    )
    const commitId = this.stores?.commitId ?? 0
    const { app, follow, operators } = this.thread
    this.commitId = commitId
    this.finish.begin(ended)
    this.context.clock.restore({ streamTime, wallTime: -1 })
    // Last: an operator that is built may ask for the time.
    this.chain = buildChain(this.sub, app.appId, this.context, operators)
    this.agenda = new Agenda({
      chain: this.chain,
      inputs: this.reads,
      clock: this.context.clock,
      end: this.finish,
      follow,
    })
    this.state = transition(this.name, this.state, 'RUNNING')
    return fresh
  }

  run(untilMs: number): TaskProgress {
    const { units, agenda, chain } = this
    units.throwFailure()
    if (units.isHeld || agenda === null || chain === null) return 'idle'
    agenda.look()
    let progress: TaskProgress = 'idle'
    for (let left = recordsPerLook; ; progress = 'worked') {
      if (left <= 0) {
        if (this.thread.app.ports.clock.monotonicMs() >= untilMs || this.isFull) return 'worked'
        left = recordsPerLook
        agenda.look()
      }
      const own = agenda.own()
      if (own !== null) {
        left--
        units.run(own)
      } else {
        const queue = agenda.record()
        if (queue === null) return progress
        left -= this.take(chain, queue)
      }
      if (units.isHeld) return 'worked'
    }
  }

  /** @returns as how many records it counts */
  private take(chain: Chain, queue: RecordQueue): number {
    const record = queue.take()
    if (record === null) return 1
    this.recordsSinceCut++
    this.units.process(chain, queue, record)
    // What has no key or no value has a length of -1.
    return 1 + ((record.keyLength + record.valueLength + 2) >> longRecordShift)
  }

  cut(): TaskCut | null {
    if (this.state !== 'RUNNING') return null
    this.units.throwFailure()
    if (!this.hasUncommitted) return null
    const cuts = this.cutChain()
    const commitId = ++this.commitId
    const records = this.recordsSinceCut
    const offsets = this.reads.offsets(commitId, this.finish.cut())
    this.lastCut = this.reads.taken()
    this.recordsSinceCut = 0
    this.context.clearEffects()
    const row = this.reads.row(commitId, this.sub.stores)
    const clock = this.context.clock.row(this.reads.streamTime)
    return {
      task: this.id,
      records,
      offsets: () => offsets,
      ...(this.stores?.commit(this.thread.producer, cuts, row, clock) ?? nothingKept),
      publish: () => {
        for (const [store, rows] of cuts) this.thread.stores.publish(store, rows)
      },
    }
  }

  private cutChain(): ReadonlyMap<string, RowChanges> {
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
    this.units.cancel()
    this.context.close()
    this.reads.close()
    for (const { store } of this.stores?.all ?? []) this.thread.stores.remove(this.id, store)
    await this.stores?.close()
  }

  async endToken(upstream: readonly string[]): Promise<string | null> {
    if (this.state !== 'RUNNING' || this.units.pending !== null) return null
    if (this.recordsSinceCut > 0 || this.finish.isFlushing) return null
    return this.end.token(upstream, this.reads.positions())
  }

  markEnded(token: string): void {
    this.agenda?.markEnded(token)
  }
}
