import type { Cancel, Clock } from './clock.ts'

/** How often a running loop shows that it runs, in milliseconds, and so the error of what is measured here. */
const beatMs = 200

/**
 * Time in which this process could have done anything: it stands still in a long computation, on a suspended laptop, behind a
 * SIGSTOP. A gap between two beats is left out.
 *
 * A broker in the process of its clients stops when they do: had that time counted, members would be thrown out for the
 * broker's own silence. And a record that a process was stopped over would be passed over for having taken too long.
 */
export class LoopTime {
  private readonly clock: Clock
  private lastBeatMs: number
  private stalledMs = 0
  private readonly timers = new Set<Cancel>()
  private cancelBeat: Cancel | null = null
  private isClosed = false

  constructor(clock: Clock) {
    this.clock = clock
    this.lastBeatMs = clock.monotonicMs()
  }

  /** Calls `fire` once this process has been running for `delayMs` from now; never, once this is closed. */
  timer(delayMs: number, fire: () => void): Cancel {
    if (this.isClosed) return () => {}
    if (!this.cancelBeat) {
      // Nobody watched before: what passed until now was no stall.
      this.lastBeatMs = this.clock.monotonicMs()
      this.beat()
    }
    const due = this.now() + delayMs
    let cancelClock: Cancel = () => {}
    const cancel = (): void => {
      this.timers.delete(cancel)
      cancelClock()
    }
    const arm = (ms: number): void => {
      cancelClock = this.clock.timer(ms, () => {
        const left = due - this.now()
        if (left > 0.5) return arm(left)
        cancel()
        fire()
      })
    }
    this.timers.add(cancel)
    arm(delayMs)
    return cancel
  }

  /** Cancels all timers, and sets no others: a request that is still being served must not keep the process alive. */
  close(): void {
    this.isClosed = true
    this.cancelBeat?.()
    for (const cancel of this.timers) cancel()
  }

  private now(): number {
    const now = this.clock.monotonicMs()
    const gap = now - this.lastBeatMs
    if (gap > 2 * beatMs) this.stalledMs += gap - beatMs
    this.lastBeatMs = now
    return now - this.stalledMs
  }

  private beat(): void {
    this.cancelBeat = this.clock.timer(beatMs, () => {
      this.now()
      if (this.timers.size > 0) this.beat()
      else this.cancelBeat = null
    })
  }
}
