import { commit } from '../checkpoint/commit.ts'
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
  /** Stores were written behind a commit, or could not be: the next one says so. */
  readonly onStored: () => void
  /** Says what went wrong beside what ends an attempt. */
  readonly log: (message: string, error: unknown) => void
}

/** The commits of a stream thread, one after the other: when they are due, and what follows a known one. */
export class CommitCycle {
  private readonly parts: CommitCycleParts
  private readonly purge: Purge
  private readonly pace: CommitPace
  /** B4 and B5 of the last commit. */
  private storing: Promise<void> = Promise.resolve()

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

  /** When the next commit is due, monotonic milliseconds; infinite while nothing is uncommitted. */
  dueMs(): number {
    const { running } = this.parts.tasks
    if (!running.some((task) => task.hasUncommitted)) return Number.POSITIVE_INFINITY
    this.pace.uncommitted(this.now())
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

  /** Lets go of what no task reads again. @returns when to ask again although there was no commit, monotonic milliseconds */
  purged(): number {
    for (const task of this.parts.tasks.running) {
      const { positions, bytes } = task.purgeable()
      this.purge.committed(positions, bytes)
    }
    return this.purge.dueMs
  }

  /**
   * Commits what all tasks have done (B1 to B3). Stores are written behind it.
   * @returns how many tasks had anything to commit
   */
  async commit(): Promise<number> {
    const { context, member, tasks, patience, onCommit, onStored } = this.parts
    const { metrics, producer, app } = context
    // A record that waits for user code has effects neither here nor there yet: it is waited for (X19).
    for (const task of tasks.running) while (task.pending) await patience.wait(task.pending)
    await this.storing
    const beganMs = this.now()
    const report = await commit(
      { clock: app.ports.clock, producer, steps: app.ports.steps, group: member.identity },
      tasks.running,
    )
    if (!report) {
      this.pace.begin()
      return 0
    }
    this.pace.committed(beganMs, this.now(), report.records)
    for (const task of tasks.running) task.committed()
    this.purged()
    this.storing = report.stored
    this.storing.then(onStored, onStored)
    metrics.commits++
    metrics.recordsCommitted += report.records
    metrics.lastCommitMs = this.pace.lastMs
    onCommit(report.records)
    return report.cuts.length
  }

  /** Waits for B4 and B5 of the last commit. @throws what they failed with */
  async stored(): Promise<void> {
    await this.storing
  }

  /**
   * What a known commit is still writing is true and may go on; how it ends matters no more, since stores are opened anew.
   * @param known the failure that is being dealt with already
   */
  async settle(known?: unknown): Promise<void> {
    await this.storing.catch((error: unknown) => error === known || this.parts.log('a store was not written', error))
    this.storing = Promise.resolve()
  }

  /** Ends what goes on behind commits. */
  async close(): Promise<void> {
    await this.purge.close()
  }

  private now(): number {
    return this.parts.context.app.ports.clock.monotonicMs()
  }
}
