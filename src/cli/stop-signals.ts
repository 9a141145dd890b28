import type { Cancel, Clock } from '../core/clock.ts'
import type { ProcessPort } from '../core/process-port.ts'

/** npm repeats a Ctrl-C at once: a second signal counts from here on. */
const repeatMs = 1000

/** From the first signal to the end, less what an exit takes: 10 s are promised. */
const stopMs = 9000

/**
 * SIGINT and SIGTERM. The first asks for a stop; a second one more than a second later aborts, and so does a stop that
 * takes too long.
 */
export class StopSignals {
  /** Resolves at the first signal. */
  readonly requested: Promise<void>
  private readonly clock: Clock
  private readonly abort: (why: string) => void
  private request: () => void = () => {}
  private firstMs: number | null = null
  private cancelDeadline: Cancel | null = null
  private isUnlimited = false

  /** @param abort ends the process at once; told why, as the end of a sentence */
  constructor(port: Pick<ProcessPort, 'onStopSignal'>, clock: Clock, abort: (why: string) => void) {
    this.clock = clock
    this.abort = abort
    this.requested = new Promise((resolve) => {
      this.request = resolve
    })
    port.onStopSignal((signal) => this.take(signal))
  }

  private take(signal: string): void {
    const now = this.clock.monotonicMs()
    if (this.firstMs === null) {
      this.firstMs = now
      this.limit()
      this.request()
    } else if (now - this.firstMs > repeatMs) this.abort(`by a second ${signal}`)
  }

  /** Work at the pace of whoever reads our output: the deadline of a stop does not run meanwhile. */
  async unlimited<T>(work: () => Promise<T>): Promise<T> {
    this.cancelDeadline?.()
    this.cancelDeadline = null
    this.isUnlimited = true
    try {
      return await work()
    } finally {
      this.isUnlimited = false
      if (this.firstMs !== null) this.limit()
    }
  }

  private limit(): void {
    if (this.isUnlimited) return
    this.cancelDeadline?.()
    this.cancelDeadline = this.clock.timer(stopMs, () =>
      this.abort(`because it did not stop within ${stopMs / 1000} s`),
    )
  }
}
