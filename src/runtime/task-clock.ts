import type { ClockRow } from '../checkpoint/clock-row.ts'
import type { Clock } from '../core/clock.ts'

/**
 * The times of one task, neither of which goes back: not within its life, and not over a restart where the task has a store.
 *
 * Stream time mostly follows from the times of the inputs, which every commit names anyway, and few tasks ask for wall time. So
 * a clock row is written only when it says more than that: nobody pays for a clock that he does not look at. A task without
 * stores keeps none, since it keeps nothing that was made at a later time.
 */
export class TaskClock {
  /** The greatest timestamp that was taken (R1), epoch milliseconds; -1 before the first. */
  streamTime = -1
  private readonly clock: Pick<Clock, 'now'>
  private wallTime = -1
  private wallWritten = -1

  constructor(clock: Pick<Clock, 'now'>) {
    this.clock = clock
  }

  /** Goes on where an earlier life of the task was. May be called several times: the greatest counts. */
  restore({ streamTime, wallTime }: ClockRow): void {
    this.streamTime = Math.max(this.streamTime, streamTime)
    this.wallTime = Math.max(this.wallTime, wallTime)
    this.wallWritten = this.wallTime
  }

  /** Wall time, epoch milliseconds. */
  now(): number {
    this.wallTime = Math.max(this.wallTime, this.clock.now())
    return this.wallTime
  }

  /**
   * The row for a commit; null when there is nothing that the commit does not say already.
   * @param inputTime the greatest of the partition times that it says
   */
  row(inputTime: number): ClockRow | null {
    const { streamTime, wallTime } = this
    if (streamTime <= inputTime && wallTime === this.wallWritten) return null
    this.wallWritten = wallTime
    return { streamTime, wallTime }
  }
}
