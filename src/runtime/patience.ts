import { unlessAborted } from '../core/abort.ts'
import { type Clock, within } from '../core/clock.ts'
import { StreamError } from '../core/errors.ts'

/** How long user code may hold up a stop or a rebalance, milliseconds. */
export const patienceMs = 3000

/**
 * How long a thread waits for user code: for what a record waits for, or a sink that writes.
 *
 * While the job runs such work has its own deadline, or blocks nobody. A stop has to be over in seconds, and a group waits
 * for its members in a rebalance.
 */
export class Patience {
  private readonly clock: Clock
  private readonly signal: AbortSignal

  /** @param signal aborts when the job is told to stop */
  constructor(clock: Clock, signal: AbortSignal) {
    this.clock = clock
    this.signal = signal
  }

  /**
   * Waits for work while the job runs, and not for much longer once it is told to stop.
   * @throws {StreamError} `JOB_CLOSED` (action `reset-task`: it is done again at the next start) when it was given up;
   * else what the work fails with
   */
  async wait(work: Promise<unknown>): Promise<void> {
    const { signal } = this
    try {
      await unlessAborted(work, signal)
      return
    } catch (error) {
      if (!signal.aborted || error !== signal.reason) throw error
    }
    if (await this.briefly(work)) return
    const message = `user code was still at work ${patienceMs / 1000} s after the stop`
    throw new StreamError('JOB_CLOSED', message, { action: 'reset-task' })
  }

  /** Waits for work for some seconds. @returns whether it is done @throws what it fails with */
  briefly(work: Promise<unknown>): Promise<boolean> {
    return within(this.clock, patienceMs, work)
  }
}
