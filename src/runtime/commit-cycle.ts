import { type CommitUnderWay, commit } from '../checkpoint/commit.ts'
import { Purge } from '../checkpoint/purge.ts'
import type { GroupMember } from '../kafka/group-member.ts'
import { CommitPace } from './commit-pace.ts'
import type { Patience } from './patience.ts'
import type { TaskManager } from './task-manager.ts'
import type { ThreadContext } from './thread-context.ts'

/** What a commit cycle is made of. */
export interface CommitCycleParts {
  readonly context: ThreadContext
  readonly member: GroupMember
  readonly tasks: TaskManager
  readonly patience: Patience
  /** A commit is known: records in it. */
  readonly onCommit: (records: number) => void
  /** A commit that was under way is through, or has failed: its thread may cut again, and is told then. */
  readonly onSettled: () => void
  /** Says what went wrong beside what ends an attempt. */
  readonly log: (message: string, error: unknown) => void
}

/**
 * The commits of a stream thread, one after the other: when they are due, and what follows a known one.
 *
 * One is under way at a time, behind the thread, which works on from the cut; the next cut waits until it is known and stored.
 */
export class CommitCycle {
  private readonly parts: CommitCycleParts
  private readonly purge: Purge
  private readonly pace: CommitPace
  /** Of the last cut: B1 to B3, and those with B4 and B5. */
  private lastKnown: Promise<void> = Promise.resolve()
  private lastStored: Promise<void> = Promise.resolve()
  private state: 'none' | 'under-way' | 'failed' = 'none'

  constructor(parts: CommitCycleParts) {
    const { context } = parts
    const { admin, ports } = context.app
    this.parts = parts
    this.purge = new Purge(admin, ports.clock, ports.logger)
    this.pace = new CommitPace({
      intervalMs: context.commitIntervalMs,
      minIntervalMs: context.commitMinIntervalMs,
      shareMax: context.commitShareMax,
    })
  }

  /**
   * When the next cut is due, monotonic milliseconds; infinite while nothing is uncommitted, and while a commit is under way,
   * whose end wakes the thread. At once when that has failed.
   */
  dueMs(): number {
    if (this.state === 'failed') return Number.NEGATIVE_INFINITY
    const { running } = this.parts.tasks
    if (!running.some((task) => task.hasUncommitted)) return Number.POSITIVE_INFINITY
    this.pace.uncommitted(this.now())
    if (this.state === 'under-way') return Number.POSITIVE_INFINITY
    return this.pace.dueMs(running.reduce((sum, task) => sum + task.waiting, 0))
  }

  /** Tasks were opened. */
  begin(): void {
    this.pace.begin()
  }

  /** The thread worked on records for so long. */
  worked(milliseconds: number): void {
    this.pace.worked(milliseconds)
  }

  /**
   * Cuts what all tasks have done; the commit goes on behind.
   * @returns how many tasks had anything to commit
   * @throws what the last commit failed with, or the cut
   */
  async cut(): Promise<number> {
    const { context, member, tasks, patience } = this.parts
    const { producer, app } = context
    await this.lastStored
    // A record that waits for user code has effects neither here nor there yet: it is waited for (X19).
    for (const task of tasks.running) while (task.pending) await patience.wait(task.pending)
    const { clock, steps } = app.ports
    const begun = await commit({ clock, producer, steps, group: member.identity }, tasks.running)
    if (!begun) {
      this.pace.begin()
      return 0
    }
    this.pace.cut(this.now(), begun.records)
    this.follow(begun)
    return begun.cuts.length
  }

  private follow(begun: CommitUnderWay): void {
    const { onSettled } = this.parts
    this.state = 'under-way'
    this.lastKnown = begun.known.then(() => this.known(begun.records))
    this.lastStored = Promise.all([this.lastKnown, begun.stored]).then(
      () => {
        this.state = 'none'
        onSettled()
      },
      (error: unknown) => {
        this.state = 'failed'
        onSettled()
        throw error
      },
    )
    // Whoever cuts next is told; until then it must not count as unhandled.
    this.lastStored.catch(() => undefined)
  }

  private known(records: number): void {
    const { context, tasks, onCommit } = this.parts
    this.pace.known(this.now())
    for (const task of tasks.running) task.committed()
    this.purged()
    const { metrics } = context
    metrics.commits++
    metrics.recordsCommitted += records
    metrics.lastCommitMs = this.pace.lastMs
    onCommit(records)
  }

  /** Commits what all tasks have done and waits until it is known. Stores are written behind it. @returns as {@link cut} */
  async commit(): Promise<number> {
    const cuts = await this.cut()
    await this.lastKnown
    return cuts
  }

  /** Waits for the brokers, where more was written than may wait for them. @throws what went wrong */
  async room(): Promise<void> {
    const { producer, sentBytesMax } = this.parts.context
    if (producer.pendingBytes > sentBytesMax) await producer.drained()
    // What is left belongs to the next transaction.
    if (producer.pendingBytes > sentBytesMax) await this.lastKnown
  }

  /** Lets go of what no task reads again. @returns when to ask again although there was no commit, monotonic milliseconds */
  purged(): number {
    for (const task of this.parts.tasks.running) {
      const { positions, bytes } = task.purgeable()
      this.purge.committed(positions, bytes)
    }
    return this.purge.dueMs
  }

  /** Waits for B4 and B5 of the last commit. @throws what it failed with */
  async stored(): Promise<void> {
    await this.lastStored
  }

  /**
   * What is under way is true once it is known, and may go on; how it ends matters no more, since stores are opened anew.
   * @param known the failure that is being dealt with already
   */
  async settle(known?: unknown): Promise<void> {
    await this.lastStored.catch(
      (error: unknown) =>
        error === known || this.parts.log('a commit did not come through, or a store was not written', error),
    )
    this.lastKnown = Promise.resolve()
    this.lastStored = this.lastKnown
    this.state = 'none'
  }

  /** Ends what goes on behind commits. */
  async close(): Promise<void> {
    await this.purge.close()
  }

  private now(): number {
    return this.parts.context.app.ports.clock.monotonicMs()
  }
}
