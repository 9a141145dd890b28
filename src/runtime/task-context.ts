import { StreamError } from '../core/errors.ts'
import type { FlowRecord } from '../operators/flow-record.ts'
import type {
  DropReason,
  OutputTopic,
  ProcessorContext,
  RecordOutput,
  Resume,
  Wait,
} from '../operators/processor-context.ts'
import type { RowStore } from '../state/row-store.ts'
import { TaskClock } from './task-clock.ts'
import type { ThreadContext } from './thread-context.ts'
import { Unit } from './unit.ts'

/** Every so many records passed over, one is named in the log. */
const dropsPerLine = 10_000

/** What one task gives its operators, and what it learns from them: effects, drops, waits. All of it goes by the unit in hand. */
export class TaskContext implements ProcessorContext {
  private readonly thread: ThreadContext
  private readonly taskName: string
  private readonly partition: number
  private readonly stores = new Map<string, RowStore>()
  private readonly drops = new Map<DropReason, number>()
  private readonly wallTime = (): number => this.clock.now()
  private isClosed = false
  /** The times of the task. */
  readonly clock: TaskClock
  /** The unit that is worked on, or was last. */
  unit = new Unit()
  /** Grows with each effect of any unit. */
  effects = 0
  private effectsAtCut = 0

  constructor(thread: ThreadContext, taskName: string, partition: number) {
    this.thread = thread
    this.taskName = taskName
    this.partition = partition
    this.clock = new TaskClock(thread.app.ports.clock)
  }

  addStore(store: RowStore): void {
    this.stores.set(store.name, store)
  }

  store(name: string): RowStore {
    const store = this.stores.get(name)
    if (!store) throw new StreamError('ILLEGAL_STATE', `task ${this.taskName} has no store ${name}`, { store: name })
    return store
  }

  output(topic: OutputTopic): RecordOutput {
    return this.thread.collector.output(topic, this.partition, () => this.effect())
  }

  effect(): void {
    // What a closed task's user code still does belongs to an attempt that was given up.
    if (this.isClosed) throw new StreamError('ILLEGAL_STATE', `task ${this.taskName} is closed`)
    this.unit.hasEffects = true
    this.effects++
  }

  /** Whether anything was done since the last cut. */
  get hasEffects(): boolean {
    return this.effects !== this.effectsAtCut
  }

  clearEffects(): void {
    this.effectsAtCut = this.effects
  }

  dropped(reason: DropReason, record: FlowRecord): void {
    this.thread.metrics.dropped++
    const count = (this.drops.get(reason) ?? 0) + 1
    this.drops.set(reason, count)
    if (count % dropsPerLine === 1) {
      this.thread.app.ports.logger.warn(`task ${this.taskName} passes over records with a ${reason}`, {
        count,
        timestamp: record.timestamp,
      })
    }
  }

  /** Counts a record that a policy passed over, and says which. */
  skipped(error: StreamError): void {
    this.thread.metrics.skipped++
    this.thread.app.ports.logger.warn(`skipped: ${error.message}`)
  }

  now(): number {
    return this.unit.now(this.wallTime)
  }

  random(): number {
    return this.unit.random()
  }

  streamTime(): number {
    return this.clock.streamTime
  }

  suspend(wait: Wait): Resume {
    const { unit } = this
    // Whoever waits looks at it later; until then a rejection must not count as unhandled.
    wait.done.catch(() => undefined)
    unit.waits.push(wait)
    return (work) => {
      if (unit.isOver) throw new StreamError('ILLEGAL_STATE', `a unit of task ${this.taskName} was given up`)
      this.within(unit, work)
    }
  }

  /** Does something as part of a unit. */
  within(unit: Unit, work: () => void): void {
    const other = this.unit
    this.unit = unit
    try {
      work()
    } finally {
      this.unit = other
    }
  }

  /** The unit in hand goes on by itself; the next is another one. */
  leaveUnit(): void {
    this.unit = new Unit()
  }

  close(): void {
    const { unit } = this
    this.isClosed = true
    this.leaveUnit()
    unit.isOver = true
    for (const { cancel } of unit.waits) cancel()
  }
}
