import type { LogSegment } from './log-segment.ts'

interface Waiter {
  readonly offset: number
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

interface Pending {
  readonly segment: LogSegment
  readonly bytes: Buffer
  readonly endOffset: number
}

/** What a log's writer calls back. */
export interface LogWriterEvents {
  /** Everything below `endOffset` has been written. */
  written(endOffset: number): void
  /** A write failed; none will be tried again. */
  failed(error: unknown): void
}

/**
 * Writes the batches of one log in their order: one write is in flight at most, and what queues up behind it goes out
 * in the next call, so that a slow disk makes writes larger instead of more.
 */
export class LogWriter {
  private readonly sync: boolean
  private readonly events: LogWriterEvents
  private queue: Pending[] = []
  private waiters: Waiter[] = []
  private running: Promise<void> | null = null
  private endOffset: number
  private failure: unknown = null

  constructor(endOffset: number, sync: boolean, events: LogWriterEvents) {
    this.endOffset = endOffset
    this.sync = sync
    this.events = events
  }

  /** What ended this writer, or null. */
  get error(): unknown {
    return this.failure
  }

  /** Queues a batch. `bytes` must stay as they are. */
  write(segment: LogSegment, bytes: Buffer, endOffset: number): void {
    this.queue.push({ segment, bytes, endOffset })
    this.running ??= this.run()
  }

  /** Resolves when everything below `offset` has been written. @throws what the storage threw */
  reached(offset: number): Promise<void> {
    if (this.failure !== null) return Promise.reject(this.failure)
    if (offset <= this.endOffset) return Promise.resolve()
    return new Promise((resolve, reject) => this.waiters.push({ offset, resolve, reject }))
  }

  /** Resolves when nothing is being written any more. */
  async idle(): Promise<void> {
    await this.running
  }

  private async run(): Promise<void> {
    try {
      while (this.queue.length > 0) {
        const segment = (this.queue[0] as Pending).segment
        const other = this.queue.findIndex((pending) => pending.segment !== segment)
        const now = this.queue.splice(0, other < 0 ? this.queue.length : other)
        const file = await segment.file
        await file.append(now.map((pending) => pending.bytes))
        if (this.sync) await file.sync()
        this.advance((now.at(-1) as Pending).endOffset)
      }
    } catch (error) {
      this.failure = error
      this.queue = []
      for (const waiter of this.waiters.splice(0)) waiter.reject(error)
      this.events.failed(error)
    } finally {
      this.running = null
    }
  }

  private advance(endOffset: number): void {
    this.endOffset = endOffset
    this.events.written(endOffset)
    if (this.waiters.length === 0) return
    const ready = this.waiters.filter((waiter) => waiter.offset <= endOffset)
    this.waiters = this.waiters.filter((waiter) => waiter.offset > endOffset)
    for (const waiter of ready) waiter.resolve()
  }
}
