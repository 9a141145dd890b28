import type { ConnectorContext } from '../connector/source.ts'
import { newAbort } from '../core/abort.ts'
import { within } from '../core/clock.ts'
import { messageOf, StreamError } from '../core/errors.ts'
import { patienceMs } from './patience.ts'
import type { ThreadContext } from './thread-context.ts'

/** Of the patience with a task that closes, what is left for the closing itself. */
const closeMs = 1000

interface Call {
  readonly name: string
  readonly beganMs: number
  readonly giveUp: (error: StreamError) => void
}

/** A reader or a writer. */
interface Closable {
  close(): Promise<void>
}

/**
 * The calls of one task into its connector: the one place where the engine waits for a connector, and the way out.
 *
 * While the task runs a call may take its time, since it holds nobody else up; only what a task begins with has a deadline.
 * Once the task closes, the connector's signal aborts, and what does not come back then is given up: the log names
 * it, whoever waits for it is told, and what it says later, a reader that it opens among it, is closed or ignored.
 */
export class ConnectorCalls {
  /** What the connector gets of the world. */
  readonly context: ConnectorContext
  private readonly thread: ThreadContext
  private readonly kind: 'source' | 'sink'
  private readonly connector: string
  private readonly task: string
  private readonly abort = newAbort()
  private readonly underWay = new Set<Call>()
  private tellIdle: () => void = () => {}
  private closeUntilMs = Number.POSITIVE_INFINITY
  private isOver = false

  constructor(thread: ThreadContext, kind: 'source' | 'sink', connector: string, task: string) {
    const { clock, random, files, logger } = thread.app.ports
    this.thread = thread
    this.kind = kind
    this.connector = connector
    this.task = task
    this.context = Object.freeze({ clock, random, files, logger, signal: this.signal, follow: thread.follow })
  }

  /** Aborts when the task closes. */
  get signal(): AbortSignal {
    return this.abort.signal
  }

  /**
   * Makes a call that may take as long as the task lives.
   * @throws {StreamError} `JOB_CLOSED` when it was given up, or comes after that; else what the connector fails with
   */
  make<T>(name: string, call: () => Promise<T>): Promise<T> {
    return this.track(name, call, () => undefined)
  }

  /**
   * Makes a call that a task begins with, under the deadline of a record.
   * @throws {StreamError} `SOURCE_FAILED` or `SINK_FAILED` past the deadline; else as {@link make}
   */
  begin<T>(name: string, call: () => Promise<T>): Promise<T> {
    return this.track(name, call, () => undefined, this.thread.recordDeadlineMs)
  }

  /** As {@link begin}, for what has to be closed again: also when it comes too late. */
  open<T extends Closable>(call: () => Promise<T>): Promise<T> {
    return this.track('open', call, (late) => void this.close(late), this.thread.recordDeadlineMs)
  }

  /** Closes a reader or a writer, waiting for some seconds. Never fails: what is wrong with it is said. */
  async close(opened: Closable): Promise<void> {
    const { clock, logger } = this.context
    const beganMs = clock.monotonicMs()
    const leftMs = Math.max(closeMs, Math.min(patienceMs, this.closeUntilMs - beganMs))
    try {
      if (
        !(await within(
          clock,
          leftMs,
          called(() => opened.close()),
        ))
      )
        this.sayGivenUp('close', 1, beganMs)
    } catch (error) {
      logger.warn(`the ${this.kind} ${this.connector} did not close cleanly in task ${this.task}: ${messageOf(error)}`)
    }
  }

  /** The task closes: tells the connector, waits for what is under way, and gives up what does not end. Idempotent. */
  async end(): Promise<void> {
    const { clock } = this.context
    this.abort.abort(this.closed())
    this.closeUntilMs = Math.min(this.closeUntilMs, clock.monotonicMs() + patienceMs)
    while (this.underWay.size > 0) {
      const leftMs = this.closeUntilMs - closeMs - clock.monotonicMs()
      const idle = new Promise<void>((resolve) => {
        this.tellIdle = resolve
      })
      if (leftMs <= 0 || !(await within(clock, leftMs, idle))) break
    }
    this.isOver = true
    const left = [...this.underWay]
    this.underWay.clear()
    for (const name of new Set(left.map((call) => call.name))) {
      const same = left.filter((call) => call.name === name)
      this.sayGivenUp(name, same.length, Math.min(...same.map((call) => call.beganMs)))
    }
    for (const call of left) call.giveUp(this.closed())
  }

  /** What the connector failed with, by name; an error of the engine as it is. */
  failed(error: unknown): StreamError {
    return error instanceof StreamError ? error : this.failure(`failed: ${messageOf(error)}`, error)
  }

  private track<T>(
    name: string,
    call: () => Promise<T>,
    late: (result: T) => void,
    deadlineMs: number | null = null,
  ): Promise<T> {
    const { clock } = this.context
    if (this.isOver) return Promise.reject(this.closed())
    return new Promise((resolve, reject) => {
      const one: Call = { name, beganMs: clock.monotonicMs(), giveUp: reject }
      this.underWay.add(one)
      const cancel = deadlineMs === null ? null : this.thread.time.timer(deadlineMs, () => overdue(deadlineMs))
      /** @returns whether it comes in time; too late, nobody waits for it any more */
      const settle = (): boolean => {
        cancel?.()
        if (!this.underWay.delete(one)) return false
        if (this.underWay.size === 0) this.tellIdle()
        return true
      }
      const overdue = (ms: number): void => {
        if (settle()) reject(this.failure(`has not come back from ${name} within ${ms} ms; see what it waits for`))
      }
      called(call).then(
        (result) => {
          if (settle()) resolve(result)
          else late(result)
        },
        (error: unknown) => {
          if (settle()) reject(error)
        },
      )
    })
  }

  private sayGivenUp(name: string, count: number, beganMs: number): void {
    const seconds = ((this.context.clock.monotonicMs() - beganMs) / 1000).toFixed(1)
    const calls = count === 1 ? name : `${name} (${count} calls)`
    this.context.logger.warn(
      `the ${this.kind} ${this.connector} did not end when it was told to: ${calls} in task ${this.task} is given up after ${seconds} s; what it still says is ignored`,
    )
  }

  private failure(what: string, cause?: unknown): StreamError {
    const code = this.kind === 'source' ? 'SOURCE_FAILED' : 'SINK_FAILED'
    return new StreamError(code, `the ${this.kind} ${this.connector} ${what}`, { taskId: this.task, cause })
  }

  private closed(): StreamError {
    return new StreamError('JOB_CLOSED', `the ${this.kind} task ${this.task} was closed`)
  }
}

/** A call whose error is always a rejection: a connector may throw before it returns a promise. */
async function called<T>(call: () => Promise<T>): Promise<T> {
  return call()
}
