import type { CommitParticipant } from '../checkpoint/commit.ts'
import type { StartPosition } from '../checkpoint/start-positions.ts'
import type { TaskId } from '../core/task-id.ts'
import type { TopicPartition } from '../core/topic-partition.ts'

/** What a task waits for next, so that its thread knows when to sleep. */
export type TaskProgress = 'worked' | 'idle'

/** Positions of internal inputs that nobody reads again, by `topic-partition`, and the bytes taken for them. */
export interface Purgeable {
  readonly positions: readonly (readonly [key: string, offset: number])[]
  readonly bytes: number
}

/** Of tasks that read no internal topic. */
export const nothingPurgeable: Purgeable = { positions: [], bytes: 0 }

/** A start position that the thread is to commit before the task runs (A5). */
export type NewPosition = TopicPartition & { readonly offset: number; readonly commitId: number }

/**
 * A task as its stream thread drives it. All methods are called by that thread alone, one at a time; the thread catches
 * what they throw and decides by its action whether to replay or to stop.
 */
export interface Task extends CommitParticipant {
  readonly id: TaskId
  /** `2_3`. */
  readonly name: string
  /** Its input partitions: what it is assigned by, and by which its transactions are fenced. */
  readonly inputs: readonly TopicPartition[]
  /** A3 and A4: opens stores and restores them. Once, before `start`. @param committed where the group stands, by input */
  open(committed: ReadonlyMap<string, StartPosition>): Promise<void>
  /** A5: takes its positions and begins to fetch. @returns positions that have to be committed first */
  start(positions: ReadonlyMap<string, StartPosition>): readonly NewPosition[]
  /** Works until the time is up or nothing is here. Never waits. */
  run(untilMs: number): TaskProgress
  /** Resolves when every unit of work that has begun and waits for user code is through, or null when none does (X19). */
  readonly pending: Promise<void> | null
  /** Whether a cut would have anything in it. */
  readonly hasUncommitted: boolean
  /**
   * Records known to wait for it, here and at the brokers: 0 when it has caught up with its inputs, infinite where there are
   * more and nobody can say how many.
   */
  readonly waiting: number
  /** When it has work by itself, whatever comes, monotonic milliseconds; infinite when it waits for others alone. */
  readonly nextWakeMs: number
  /** Whether it should be committed before the interval is over. */
  readonly isFull: boolean
  /** Told when what was cut last is committed. */
  committed(): void
  /** What was taken of internal topics since the last call, and up to where it is committed: to be purged (X21). */
  purgeable(): Purgeable
  /** Waits until everything taken is safe outside the thread's transaction: sinks flush here before the thread stops. */
  settle(): Promise<void>
  /** Frees everything, keeping nothing of what was not committed. Idempotent. */
  close(): Promise<void>
  /**
   * What the end of this task is derived from, once all there is to do is done, or null (X18).
   * @param upstream the tokens of its upstream tasks, when each of them has ended; asked only when it is idle
   */
  endToken(upstream: readonly string[]): Promise<string | null>
  /** The token of its last commit, or null. */
  readonly ended: string | null
  /** Makes it hand on what its operators keep back, and the commit that has all of that say that it has ended. */
  markEnded(token: string): void
}
