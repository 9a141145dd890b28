import { StreamError } from '../core/errors.ts'
import type { FlowRecord } from '../operators/flow-record.ts'
import type { DropReason, OutputTopic, ProcessorContext, RecordOutput } from '../operators/processor-context.ts'
import type { RowStore } from '../state/row-store.ts'
import type { ThreadContext } from './thread-context.ts'

/** Every so many records passed over, one is named in the log. */
const dropsPerLine = 10_000

/** What one task gives its operators, and what it learns from them: effects, drops, waits. */
export class TaskContext implements ProcessorContext {
  private readonly thread: ThreadContext
  private readonly taskName: string
  private readonly partition: number
  private readonly stores = new Map<string, RowStore>()
  private readonly drops = new Map<DropReason, number>()
  private waits: { readonly done: Promise<void>; readonly cancel: () => void }[] = []
  private isClosed = false
  /** Grows with each effect of a record: compared before and after, it tells whether the record had any (X7). */
  effects = 0
  private effectsAtCut = 0

  constructor(thread: ThreadContext, taskName: string, partition: number) {
    this.thread = thread
    this.taskName = taskName
    this.partition = partition
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

  suspend(done: Promise<void>, cancel: () => void): void {
    // Whoever waits looks at it later; until then a rejection must not count as unhandled.
    done.catch(() => undefined)
    this.waits.push({ done, cancel })
  }

  /** Whether the record in hand waits for anything. */
  get isWaiting(): boolean {
    return this.waits.length > 0
  }

  /** What the record in hand waits for; empties the list. */
  takeWaits(): readonly { readonly done: Promise<void>; readonly cancel: () => void }[] {
    const { waits } = this
    this.waits = []
    return waits
  }

  close(): void {
    this.isClosed = true
    for (const { cancel } of this.takeWaits()) cancel()
  }
}
