import type { Cancel, Clock } from '../core/clock.ts'

/** How often a running loop shows that it runs, in milliseconds, and so the error of what is measured here. */
const beatMs = 200

/**
 * Time in which this process could have served its clients.
 *
 * A broker in the process of its clients stops when they do (a long computation, a suspended laptop, SIGSTOP): had that
 * time counted, members would be thrown out for the broker's own silence. So a gap between two beats is left out.
 */
export class LoopTime {
  private readonly clock: Clock
  private lastBeatMs: number
  private stalledMs = 0
  private timers = 0
  private cancelBeat: Cancel | null = null

  constructor(clock: Clock) {
    this.clock = clock
    this.lastBeatMs = clock.monotonicMs()
  }

  /** Calls `fire` once this process has been running for `delayMs` from now. */
  timer(delayMs: number, fire: () => void): Cancel {
    this.timers++
    if (!this.cancelBeat) {
      // Nobody watched before: what passed until now was no stall.
      this.lastBeatMs = this.clock.monotonicMs()
      this.beat()
    }
    const due = this.now() + delayMs
    let isOver = false
    let cancel: Cancel = () => {}
    const end = (): void => {
      if (isOver) return
      isOver = true
      this.timers--
    }
    const arm = (ms: number): void => {
      cancel = this.clock.timer(ms, () => {
        const left = due - this.now()
        if (left > 0.5) return arm(left)
        end()
        fire()
      })
    }
    arm(delayMs)
    return () => {
      end()
      cancel()
    }
  }

  /** Stops looking. Timers that are still set go on without it. */
  close(): void {
    this.cancelBeat?.()
    this.cancelBeat = null
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
      if (this.timers > 0) this.beat()
      else this.cancelBeat = null
    })
  }
}
