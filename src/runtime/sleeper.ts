import type { Clock } from '../core/clock.ts'

/** The sleep of a loop that others may cut short. A wake-up that comes while it is awake is not lost. */
export class Sleeper {
  private readonly clock: Clock
  private waker: (() => void) | null = null
  private isAwake = false

  constructor(clock: Clock) {
    this.clock = clock
  }

  /** Ends the sleep, or the next one. May be called at any time. */
  wake(): void {
    this.isAwake = true
    this.waker?.()
  }

  /** Sleeps until it is woken, or `mostMs` at the longest, which may be infinite; at least one turn of the event loop. */
  async sleep(mostMs: number): Promise<void> {
    if (this.isAwake) {
      this.isAwake = false
      return this.clock.yield()
    }
    await new Promise<void>((resolve) => {
      const cancel = Number.isFinite(mostMs) ? this.clock.timer(mostMs, () => this.waker?.()) : () => {}
      this.waker = () => {
        cancel()
        this.waker = null
        resolve()
      }
    })
    this.isAwake = false
  }
}
