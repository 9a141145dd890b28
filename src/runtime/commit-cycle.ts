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
  /** Stores could not be written behind a commit: the next one says so. */
  readonly onFailed: () => void
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
    this.pace = new CommitPace(context.commitIntervalMs, context.commitShareMax)
  }

  /** When the next commit is due; monotonic milliseconds. */
  get nextMs(): number {
    return this.pace.nextMs
  }

  /** Tasks were opened: the first commit is an interval away. */
  begin(): void {
    const now = this.now()
    this.pace.committed(now, now)
  }

  /**
   * Commits what all tasks have done (B1 to B3). Stores are written behind it.
   * @returns how many tasks had anything to commit
   */
  async commit(): Promise<number> {
    const { context, member, tasks, patience, onCommit, onFailed } = this.parts
    const { metrics, producer, app } = context
    // A record that waits for user code has effects neither here nor there yet: it is waited for (X19).
    for (const task of tasks.running) while (task.pending) await patience.wait(task.pending)
    await this.storing
    const beganMs = this.now()
    const report = await commit(
      { clock: app.ports.clock, producer, steps: app.ports.steps, group: member.identity },
      tasks.running,
    )
    this.pace.committed(beganMs, this.now())
    if (report) for (const task of tasks.running) task.committed()
    for (const task of tasks.running) {
      const { positions, bytes } = task.purgeable()
      this.purge.committed(positions, bytes)
    }
    if (!report) return 0
    this.storing = report.stored
    this.storing.catch(onFailed)
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
