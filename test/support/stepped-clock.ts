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

  /** Moves on and fires what is due, each at its time and in order, what that sets among it. */
  advance(ms: number): void {
    const until = this.time + ms
    for (;;) {
      const [next] = [...this.timers].filter(([, { at }]) => at <= until).sort(([, a], [, b]) => a.at - b.at)
      if (!next) break
      const [id, { at, fire }] = next
      this.timers.delete(id)
      this.time = Math.max(this.time, at)
      fire()
    }
    this.time = until
  }

  /** Stands still for so long, as a stopped process does, and fires all that was due meanwhile only then. */
  oversleep(ms: number): void {
    this.time += ms
    this.advance(0)
  }
}
