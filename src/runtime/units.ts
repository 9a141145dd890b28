import type { Cancel } from '../core/clock.ts'
import { StreamError } from '../core/errors.ts'
import type { FlowRecord } from '../operators/flow-record.ts'
import type { Chain } from './chain.ts'
import type { OwnUnit } from './own-units.ts'
import type { RecordQueue } from './record-queue.ts'
import type { TaskContext } from './task-context.ts'
import type { ThreadContext } from './thread-context.ts'
import type { Unit } from './unit.ts'

/** A unit that waits for user code. */
interface OpenUnit {
  readonly unit: Unit
  cancelDeadline: Cancel
  /** Which of its waits is awaited; those before it are over. */
  waitsFor: number
}

/**
 * The units that a task works on, and what becomes of one that fails (X7).
 *
 * A unit either has all its effects or none. One that fails before its first effect is judged at once by its policy; one that
 * fails later costs the transaction: all is forgotten, and the replay leaves it out. Mostly one unit is worked on, and
 * through when the next begins; those that wait for user code may be several, unless they hold up the task.
 */
export class Units {
  private readonly thread: ThreadContext
  private readonly taskName: string
  private readonly context: TaskContext
  private readonly open = new Set<OpenUnit>()
  private failure: unknown = null
  private endPending: () => void = () => {}
  /** While user code of any unit is under way. Settles when all that have begun are through, or one has failed. */
  pending: Promise<void> | null = null

  constructor(thread: ThreadContext, taskName: string, context: TaskContext) {
    this.thread = thread
    this.taskName = taskName
    this.context = context
  }

  /** Throws what a unit failed with while nobody was looking. */
  throwFailure(): void {
    const { failure } = this
    if (failure === null) return
    this.failure = null
    throw failure
  }

  /** Whether no other unit may begin yet: one that waits holds up the task. */
  get isHeld(): boolean {
    if (this.open.size === 0) return false
    for (const { unit } of this.open) if (unit.holdsTask) return true
    return false
  }

  /**
   * Pushes a record through the chain; what it fails with is thrown unless its policy passes it over. Runs for every
   * record, so it makes nothing that only a failure needs.
   */
  process(chain: Pick<Chain, 'push'>, queue: RecordQueue, record: FlowRecord): void {
    const { unit } = this.context
    unit.beginRecord(queue)
    if (this.thread.leftOut.size > 0 && this.leavesOut(unit)) return
    try {
      chain.push(queue.input, record)
    } catch (error) {
      this.failed(unit, error)
      return
    }
    if (unit.isWaiting) this.wait(unit)
  }

  /** Does what an operator does by itself; what it fails with is thrown unless its policy passes it over. */
  run(own: OwnUnit): void {
    const { unit } = this.context
    unit.beginOwn(own)
    if (this.leavesOut(unit)) return
    try {
      own.work.run()
    } catch (error) {
      this.failed(unit, error)
      return
    }
    if (unit.isWaiting) this.wait(unit)
  }

  private leavesOut(unit: Unit): boolean {
    if (!this.thread.leftOut.has(unit.name)) return false
    this.passOver(unit, unit.failed(this.taskName, new Error('it failed after it had had effects')))
    return true
  }

  private passOver(unit: Unit, failure: StreamError): void {
    unit.passOver()
    this.context.skipped(failure)
  }

  private wait(unit: Unit): void {
    const { thread, context } = this
    context.leaveUnit()
    const open: OpenUnit = { unit, cancelDeadline: () => {}, waitsFor: 0 }
    this.open.add(open)
    this.pending ??= new Promise((resolve) => {
      this.endPending = resolve
    })
    open.cancelDeadline = thread.time.timer(thread.recordDeadlineMs, () => {
      this.settle(
        open,
        new StreamError(
          'RECORD_TIMED_OUT',
          `its Observable did not complete within ${thread.recordDeadlineMs} ms; give the operator a timeout()`,
        ),
      )
    })
    this.through(open).then(
      () => this.settle(open, null),
      (error: unknown) => this.settle(open, error),
    )
  }

  private async through(open: OpenUnit): Promise<void> {
    // What goes through may meet another operator that waits.
    for (const { waits } = open.unit; open.waitsFor < waits.length; open.waitsFor++) await waits[open.waitsFor]?.done
  }

  /** @param error what the unit failed with; null when it is through */
  private settle(open: OpenUnit, error: unknown): void {
    if (!this.open.has(open)) return
    this.end(open)
    if (error !== null) {
      try {
        // What else is under way belongs to the unit that failed: it must not have effects any more.
        cancelWaits(open.unit, open.waitsFor)
        this.context.within(open.unit, () => this.judge(open.unit, error))
      } catch (judged) {
        this.failure ??= judged
        // The attempt is over, and with it all that has begun in it.
        this.giveUpAll()
      }
    }
    // Not when what it waits for settles: that may be never.
    if (this.open.size === 0) this.settlePending()
    this.thread.wake()
  }

  private end(open: OpenUnit): void {
    this.open.delete(open)
    open.cancelDeadline()
    open.unit.isOver = true
  }

  private giveUpAll(): void {
    for (const open of this.open) {
      this.end(open)
      cancelWaits(open.unit, open.waitsFor)
    }
  }

  private settlePending(): void {
    this.pending = null
    this.endPending()
  }

  /** Of a unit that failed before it had waited: what it waits for already belongs to it alone. */
  private failed(unit: Unit, error: unknown): void {
    if (unit.isWaiting) {
      this.context.leaveUnit()
      unit.isOver = true
      cancelWaits(unit, 0)
    }
    this.judge(unit, error)
  }

  private judge(unit: Unit, error: unknown): void {
    // The engine's own trouble (a fenced producer, a full disk) is not the unit's.
    if (error instanceof StreamError && !error.code.startsWith('RECORD_')) throw error
    const failure = unit.failed(this.taskName, error)
    if (unit.policy === 'fail') throw failure
    if (!unit.hasEffects) {
      this.passOver(unit, failure)
      return
    }
    this.thread.leftOut.add(unit.name)
    throw new StreamError(failure.code, failure.message, { ...failure.context, action: 'reset-task', cause: error })
  }

  /** The task closes: what is under way is given up. */
  cancel(): void {
    this.giveUpAll()
    this.settlePending()
    this.failure = null
  }
}

/** @param from the first of its waits that is not over */
function cancelWaits({ waits }: Unit, from: number): void {
  for (const { cancel } of waits.slice(from)) cancel()
}
