import { unlessAborted } from '../core/abort.ts'
import { actionOf, hasCode, messageOf, StreamError } from '../core/errors.ts'
import type { AssignmentData } from '../kafka/assignment.ts'
import type { Fetcher } from '../kafka/fetcher.ts'
import type { GroupMember } from '../kafka/group-member.ts'
import type { BoundedEnd } from './bounded-end.ts'
import { CommitCycle } from './commit-cycle.ts'
import { Patience } from './patience.ts'
import { Sleeper } from './sleeper.ts'
import type { Task } from './task.ts'
import type { TaskManager } from './task-manager.ts'
import type { ThreadContext } from './thread-context.ts'

/** What a stream thread tells its job. */
export interface ThreadEvents {
  /** Tasks are being opened, or run. */
  readonly onState: (state: 'restoring' | 'running') => void
  /** A commit is known: records in it. */
  readonly onCommit: (records: number) => void
  /** The last commit is known and the stores are still open. */
  readonly onDone: (end: ThreadEnd) => Promise<void>
}

/** What a stream thread is made of. */
export interface StreamThreadParts {
  readonly context: ThreadContext
  readonly member: GroupMember
  readonly tasks: TaskManager
  readonly fetcher: Fetcher
  /** Null when the job follows its inputs. */
  readonly boundedEnd: BoundedEnd | null
  readonly events: ThreadEvents
  /** Leave the group at a stop that is not the bounded end (X12). */
  readonly leaveAtStop: boolean
}

/** How a thread ended without failing. */
export type ThreadEnd = 'ended' | 'stopped'

/** A slice of work between two turns of the event loop (X20). */
const sliceMs = 5
const endCheckMs = 200
/** How long a stop waits for the coordinator's word on whether the tasks are still its own. */
const verifyMs = 1000

/**
 * The loop of a stream thread: poll, process, commit, and one path for everything that goes wrong (X4).
 *
 * Errors end an attempt by their action: `reset-task` forgets all uncommitted work and opens the tasks again, `rejoin`
 * does so and joins the group anew, anything else ends the thread. Nothing is inferred about what a failed attempt may
 * have reached: opening finds the truth.
 */
export class StreamThread {
  private readonly parts: StreamThreadParts
  private readonly commits: CommitCycle
  private readonly patience: Patience
  private readonly sleeper: Sleeper
  private lastEndCheckMs = 0
  private resetsInARow = 0

  constructor(parts: StreamThreadParts) {
    this.parts = parts
    const { context, member, tasks, events } = parts
    const { ports, signal } = context.app
    this.sleeper = new Sleeper(ports.clock)
    this.patience = new Patience(ports.clock, signal)
    const { patience } = this
    const onCommit = (records: number): void => {
      this.resetsInARow = 0
      events.onCommit(records)
    }
    this.commits = new CommitCycle({
      context,
      member,
      tasks,
      patience,
      onCommit,
      onSettled: () => this.wake(),
      log: (message, error) => this.log(message, error),
    })
  }

  /** Something came: an answer, a change of the group, a stop. May be called at any time. */
  wake(): void {
    this.sleeper.wake()
  }

  /**
   * Runs until the bounded end or the stop signal.
   * @throws {StreamError} what cannot be cured by doing it again
   */
  async run(): Promise<ThreadEnd> {
    const { member, tasks, fetcher } = this.parts
    let end: ThreadEnd | null = null
    try {
      let needs: 'join' | 'open' = 'join'
      while (end === null) {
        try {
          if (needs === 'join') await this.join()
          else await this.reopen()
          const worked = await this.work()
          await this.stored(worked)
          end = worked
        } catch (error) {
          const next = await this.recover(error)
          if (next === 'stop') end = 'stopped'
          else needs = next
        }
      }
      const leaves = end === 'ended' || this.parts.leaveAtStop
      await this.parts.events.onDone(end)
      await tasks.closeAll()
      await this.commits.close()
      if (leaves) await member.leave().catch((error: unknown) => this.log('could not leave the group', error))
      return end
    } finally {
      member.close()
      await this.commits.settle()
      await tasks.closeAll()
      fetcher.close()
      this.parts.context.time.close()
    }
  }

  /**
   * Waits for the stores behind the last commit. At a stop a store that is not written is one transaction behind, as after a kill,
   * and restored at the next start; an end shows the stores, and is no end without them.
   */
  private async stored(end: ThreadEnd): Promise<void> {
    try {
      await this.commits.stored()
    } catch (error) {
      if (end !== 'stopped' || actionOf(error) === 'fail') throw error
      await this.commits.settle(error)
      this.log('a store was not written behind the last commit; it is restored at the next start', error)
    }
  }

  /** A1: joins, gets a producer id, opens what was assigned. */
  private async join(): Promise<void> {
    const { tasks } = this.parts
    tasks.assignment = await this.joined()
    await this.initProducer()
    await this.take(tasks.assignment)
  }

  private async reopen(): Promise<void> {
    const { tasks } = this.parts
    await this.initProducer()
    if (tasks.assignment) await this.take(tasks.assignment)
  }

  private initProducer(): Promise<void> {
    const { producer, app } = this.parts.context
    const got = app.ports.steps('A1.initProducerId', () => producer.init())
    return unlessAborted(got, app.signal)
  }

  private async take(assignment: AssignmentData): Promise<void> {
    this.parts.events.onState('restoring')
    await this.parts.tasks.assign(assignment)
    this.commits.begin()
    this.parts.events.onState('running')
  }

  private async work(): Promise<ThreadEnd> {
    const { context, member, tasks } = this.parts
    const { signal } = context.app
    for (;;) {
      if (member.lost) throw member.lost
      if (signal.aborted) return this.stop()
      if (member.needsRejoin) await this.rebalance()
      const worked = this.slice()
      // What a commit under way is storing may be all that is in the way.
      if (tasks.isFull) await this.commits.stored()
      if (this.now() >= this.commits.dueMs() || tasks.isFull) await this.commits.cut()
      await this.commits.room()
      if (worked) {
        await context.app.ports.clock.yield()
        continue
      }
      if (await this.hasEnded()) return 'ended'
      await this.sleep()
    }
  }

  /**
   * Works for one slice: a task goes on for as long as it has something to do, then the next has its turn. Short turns
   * would be fairer by milliseconds and slower by half: every change of task finds its rows gone from the processor's cache.
   * @returns whether any found something to do
   */
  private slice(): boolean {
    const { context, tasks } = this.parts
    const began = this.now()
    const until = began + sliceMs
    let worked = false
    for (let turns = tasks.running.length; turns > 0; turns--) {
      if (context.producer.pendingBytes > context.sentBytesMax) break
      if (tasks.next()?.run(until) === 'worked') worked = true
      if (this.now() >= until) break
    }
    if (worked) this.commits.worked(this.now() - began)
    return worked
  }

  /** X13: commit, join, keep what is kept. */
  private async rebalance(): Promise<void> {
    const { context, member, tasks } = this.parts
    context.metrics.rebalances++
    await this.commits.commit()
    await this.commits.stored()
    // A sink that is slower than that writes again what it had not said to be safe.
    await this.patience.briefly(settled(tasks.running))
    const { memberId } = member.identity
    tasks.assignment = await this.joined()
    // Another member id: this process was out of the group meanwhile, and whoever had its tasks then has moved them on (X1).
    if (member.identity.memberId !== memberId) await tasks.closeAll()
    await this.take(tasks.assignment)
  }

  private async hasEnded(): Promise<boolean> {
    const { boundedEnd, tasks } = this.parts
    const now = this.now()
    if (boundedEnd === null || tasks.waits || now - this.lastEndCheckMs < endCheckMs) return false
    this.lastEndCheckMs = now
    // Whatever is left: a task that works by the clock always has something to commit, and must not put the end off by it.
    await this.commits.commit()
    const isEnd = await boundedEnd.check(tasks.byName)
    this.lastEndCheckMs = this.now()
    // What a task was just told to say has to be committed before it counts: at once, rather than an interval later.
    if (!isEnd && (await this.commits.commit()) > 0) this.lastEndCheckMs = 0
    return isEnd
  }

  /** Stop intake, commit, and let sinks flush. */
  private async stop(): Promise<ThreadEnd> {
    const { member, tasks } = this.parts
    if ((await this.commits.commit()) === 0) await member.verify(verifyMs)
    // Out of the group, and nothing told it yet: what these tasks hold is of the past, and others have moved on (X1).
    if (member.lost) throw member.lost
    // All else is committed: a sink that is slower writes again, at the next start, what it had not said to be safe.
    await this.patience.briefly(settled(tasks.running))
    return 'stopped'
  }

  /** A join may wait for other members for a minute; nothing is uncommitted meanwhile, so a stop need not wait for it. */
  private joined(): Promise<AssignmentData> {
    return unlessAborted(this.parts.member.join(), this.parts.context.app.signal)
  }

  /**
   * Forgets the attempt.
   * @returns where to begin again; `stop` when the job was told to stop, which loses nothing that was committed
   * @throws what cannot be cured
   */
  private async recover(error: unknown): Promise<'join' | 'open' | 'stop'> {
    const { context, member, tasks } = this.parts
    const { app, metrics } = context
    const { signal } = app
    let action = actionOf(error)
    if (hasCode(error, 'STORE_CORRUPT') && error.context.path !== undefined) {
      app.damagedStores.add(error.context.path)
      action = 'reset-task'
    }
    // A fenced producer may be a fenced member, and what a process meets that slept past its session is of the past: its
    // records are purged, its topics another's. The coordinator is asked before anything is begun again, or ends (X12).
    if (hasCode(error, 'PRODUCER_FENCED') || (action === 'fail' && !signal.aborted)) await member.verify()
    if (member.lost) action = member.lost.action
    metrics.resets++
    await this.commits.settle(error)
    await tasks.closeAll()
    const isStop = signal.aborted && (error === signal.reason || action !== 'fail')
    // A stop waits no longer for a broker that does not answer than for user code.
    if (isStop) await this.patience.briefly(this.abortQuietly())
    else if (action === 'fail' || action === 'rejoin') await this.abortQuietly()
    if (isStop) {
      if (error !== signal.reason)
        this.log('stopped without a last commit: its work is done again at the next start', error)
      return 'stop'
    }
    if (action === 'fail') throw member.lost?.action === 'fail' ? member.lost : error
    this.log(action === 'rejoin' ? 'joining the group again' : 'uncommitted work is forgotten and done again', error)
    // A fault that stays must not become a busy loop: 0, 100, 200, 400 ms ... up to 5 s.
    const pause = this.resetsInARow === 0 ? 0 : Math.min(5000, 50 * 2 ** this.resetsInARow)
    this.resetsInARow++
    if (pause > 0) await app.ports.clock.sleep(pause, signal).catch(() => undefined)
    if (signal.aborted) return 'stop'
    return action === 'rejoin' || tasks.assignment === null ? 'join' : 'open'
  }

  /** X1: a transaction does not outlive its membership. What cannot be aborted now is fenced by the next producer id. */
  private async abortQuietly(): Promise<void> {
    const { producer } = this.parts.context
    if (!producer.hasTransaction) return
    await producer.abort().catch((error: unknown) => this.log('a transaction is left to its successor', error))
  }

  private log(message: string, error: unknown): void {
    const code = error instanceof StreamError ? error.code : undefined
    const { ports, signal } = this.parts.context.app
    // A job that ends of something else than a stop says what that was, once; this is only what followed.
    const level = signal.aborted && !hasCode(signal.reason, 'JOB_CLOSED') ? 'debug' : 'warn'
    ports.logger[level](message, { reason: messageOf(error), code })
  }

  /** Until something comes, or the clock says that something is due: an idle thread does nothing at all. */
  private sleep(): Promise<void> {
    const { boundedEnd, tasks } = this.parts
    const endCheck = boundedEnd === null ? Number.POSITIVE_INFINITY : this.lastEndCheckMs + endCheckMs
    const wakes = tasks.running.map((task) => task.nextWakeMs)
    const next = Math.min(this.commits.dueMs(), this.commits.purged(), endCheck, ...wakes)
    return this.sleeper.sleep(Math.max(1, next - this.now()))
  }

  private now(): number {
    return this.parts.context.app.ports.clock.monotonicMs()
  }
}

/** Sinks flush, side by side. */
async function settled(tasks: readonly Task[]): Promise<void> {
  await Promise.all(tasks.map((task) => task.settle()))
}
