import { type Cancel, type Clock, sleepOn } from '../../src/core/clock.ts'

/** A clock that stands still until it is told how far to go. A test awaits `slept` to know that somebody waits for it. */
export class SteppedClock implements Clock {
  private time = 0
  private timers = new Map<object, { at: number; fire: () => void }>()
  private watchers: (() => void)[] = []

  now(): number {
    return 1_700_000_000_000 + this.time
  }

  monotonicMs(): number {
    return this.time
  }

  timer(delayMs: number, fire: () => void): Cancel {
    const id = {}
    this.timers.set(id, { at: this.time + delayMs, fire })
    for (const watcher of this.watchers.splice(0)) watcher()
    return () => this.timers.delete(id)
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return sleepOn((ms, fire) => this.timer(ms, fire), delayMs, signal)
  }

  yield(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve))
  }

  /** Resolves when a timer is set or waits already. */
  slept(): Promise<void> {
    if (this.timers.size > 0) return Promise.resolve()
    return new Promise((resolve) => this.watchers.push(resolve))
  }

  /** Moves on and fires what is due, in order. */
  advance(ms: number): void {
    this.time += ms
    const due = [...this.timers].filter(([, { at }]) => at <= this.time).sort(([, a], [, b]) => a.at - b.at)
    for (const [id, { fire }] of due) if (this.timers.delete(id)) fire()
  }
}
