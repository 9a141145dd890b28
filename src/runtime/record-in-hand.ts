import type { Cancel } from '../core/clock.ts'
import { messageOf, StreamError } from '../core/errors.ts'
import type { FlowRecord } from '../operators/flow-record.ts'
import type { Chain } from './chain.ts'
import type { RecordQueue } from './record-queue.ts'
import type { TaskContext } from './task-context.ts'
import type { ThreadContext } from './thread-context.ts'

/**
 * The one record that a task is working on, and what becomes of it when it fails (X7).
 *
 * A record either has all its effects or none. One that fails before its first effect is judged at once by its policy;
 * one that fails later costs the transaction: all is forgotten, and the replay leaves it out.
 */
export class RecordInHand {
  private readonly thread: ThreadContext
  private readonly taskName: string
  private readonly context: TaskContext
  private failure: unknown = null
  private cancelWaits: (() => void)[] = []
  private cancelDeadline: Cancel | null = null
  private endPending: () => void = () => {}
  /** While user code of the record is under way. Settles when the record is through or has been judged. */
  pending: Promise<void> | null = null

  constructor(thread: ThreadContext, taskName: string, context: TaskContext) {
    this.thread = thread
    this.taskName = taskName
    this.context = context
  }

  /** Throws what the last record failed with while nobody was looking. */
  throwFailure(): void {
    const { failure } = this
    if (failure === null) return
    this.failure = null
    throw failure
  }

  /** Whether the task may not take another record yet. */
  get isWaiting(): boolean {
    return this.pending !== null
  }

  /**
   * Pushes a record through the chain; what it fails with is thrown unless its policy passes it over. Runs for every
   * record, so it makes nothing that only a failure needs.
   */
  process(chain: Pick<Chain, 'push'>, queue: RecordQueue, record: FlowRecord): void {
    const { context, thread } = this
    if (thread.leftOut.size > 0 && thread.leftOut.has(`${queue.key}@${queue.offset}`)) {
      context.skipped(this.failed(queue, queue.offset, new Error('it failed after it had had effects')))
      return
    }
    const effectsBefore = context.effects
    try {
      chain.push(queue.input, record)
    } catch (error) {
      this.judge(queue, queue.offset, error, effectsBefore)
      return
    }
    if (context.isWaiting) this.wait(queue, queue.offset, effectsBefore, context.takeWaits())
  }

  private wait(
    queue: RecordQueue,
    offset: number,
    effectsBefore: number,
    first: readonly { readonly done: Promise<void>; readonly cancel: () => void }[],
  ): void {
    const pending = new Promise<void>((resolve) => {
      this.endPending = resolve
    })
    const settle = (error: unknown): void => {
      if (this.pending !== pending) return
      this.pending = null
      const cancels = this.cancelWaits
      this.cancelWaits = []
      this.cancelDeadline?.()
      if (error !== null) {
        // What else is under way belongs to the record that failed: it must not have effects any more.
        for (const cancel of cancels) cancel()
        try {
          this.judge(queue, offset, error, effectsBefore)
        } catch (judged) {
          this.failure = judged
        }
      }
      // Not when what it waits for settles: that may be never.
      this.endPending()
      this.thread.wake()
    }
    this.cancelDeadline = this.thread.time.timer(this.thread.recordDeadlineMs, () => {
      settle(
        new StreamError(
          'RECORD_TIMED_OUT',
          `its Observable did not complete within ${this.thread.recordDeadlineMs} ms; give the operator a timeout()`,
        ),
      )
    })
    const through = async (): Promise<void> => {
      // What goes through may meet another operator that waits.
      for (let waits = first; waits.length > 0; waits = this.context.takeWaits()) {
        this.cancelWaits = waits.map(({ cancel }) => cancel)
        for (const { done } of waits) await done
      }
    }
    this.pending = pending
    through().then(
      () => settle(null),
      (error: unknown) => settle(error),
    )
  }

  private judge(queue: RecordQueue, offset: number, error: unknown, effectsBefore: number): void {
    for (const { cancel } of this.context.takeWaits()) cancel()
    // The engine's own trouble (a fenced producer, a full disk) is not the record's.
    if (error instanceof StreamError && !error.code.startsWith('RECORD_')) throw error
    const failure = this.failed(queue, offset, error)
    if (queue.input.errors.process === 'fail') throw failure
    if (this.context.effects === effectsBefore) {
      this.context.skipped(failure)
      return
    }
    this.thread.leftOut.add(`${queue.key}@${offset}`)
    throw new StreamError(failure.code, failure.message, { ...failure.context, action: 'reset-task', cause: error })
  }

  private failed(queue: RecordQueue, offset: number, error: unknown): StreamError {
    const code = error instanceof StreamError ? error.code : 'RECORD_PROCESSING'
    return new StreamError(
      code,
      `the record ${queue.key}@${offset} failed in task ${this.taskName}: ${messageOf(error)}; mend the pipeline, or pass over such records with { onProcessError: 'skip' }`,
      { taskId: this.taskName, topic: queue.topic, partition: queue.partition, offset, cause: error },
    )
  }

  /** The task closes: what is under way is given up. */
  cancel(): void {
    for (const cancel of this.cancelWaits) cancel()
    this.cancelWaits = []
    this.cancelDeadline?.()
    this.pending = null
    this.endPending()
    this.failure = null
  }
}
