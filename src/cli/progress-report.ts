import type { Cancel, Clock } from '../core/clock.ts'
import type { JobProgress } from '../job/job.ts'
import { committedLine, progressBar, progressLineMs } from './progress.ts'

const redrawMs = 100
const eraseLine = '\r\u001b[K'

/** Says on stderr how a job gets on: a bar that redraws itself on a terminal, a line now and then elsewhere. */
export class ProgressReport {
  private readonly stream: NodeJS.WriteStream
  private readonly clock: Clock
  private readonly isTerminal: boolean
  private latest: JobProgress | null = null
  /** What the pace is counted from: one to two seconds ago, so that it does not fall to nothing between two commits. */
  private before: Pick<JobProgress, 'recordsCommitted' | 'atMs'>
  private next: Pick<JobProgress, 'recordsCommitted' | 'atMs'>
  private saidRecords = 0
  private saidMs = Number.NEGATIVE_INFINITY
  private redraw: Cancel | null = null
  private isDone = false

  constructor(stream: NodeJS.WriteStream, clock: Clock) {
    this.stream = stream
    this.clock = clock
    this.isTerminal = stream.isTTY === true
    this.before = { recordsCommitted: 0, atMs: clock.monotonicMs() }
    this.next = this.before
    // A reader that goes away must not end the job.
    stream.on('error', () => undefined)
  }

  /** A commit. */
  progress(progress: JobProgress): void {
    this.latest = progress
    if (this.isDone) return
    if (this.isTerminal) this.redraw ??= this.clock.timer(redrawMs, () => this.draw())
    else this.sayCommitted(false)
  }

  /** Any other line. On a terminal the bar makes room for it. */
  line(text: string): void {
    this.stream.write(this.isTerminal ? `${eraseLine}${text}\n` : `${text}\n`)
  }

  /** The last word, once: nothing is drawn behind it. */
  stop(): void {
    if (this.isDone) return
    this.isDone = true
    this.redraw?.()
    if (this.isTerminal) this.stream.write(eraseLine)
    else this.sayCommitted(true)
  }

  private sayCommitted(isLast: boolean): void {
    const { latest } = this
    if (latest === null || latest.recordsCommitted === this.saidRecords) return
    const now = this.clock.monotonicMs()
    const early = this.saidMs + progressLineMs - now
    if (!isLast && early > 0) {
      // Said a little later, even when no other commit comes.
      this.redraw ??= this.clock.timer(early, () => {
        this.redraw = null
        if (!this.isDone) this.sayCommitted(false)
      })
      return
    }
    this.saidMs = now
    this.saidRecords = latest.recordsCommitted
    this.line(committedLine(latest))
  }

  private draw(): void {
    this.redraw = null
    const { latest } = this
    if (latest === null || this.isDone) return
    const now = this.clock.monotonicMs()
    this.stream.write(`${eraseLine}${progressBar(latest, this.before, now, this.stream.columns ?? 80)}`)
    if (now - this.next.atMs >= 1000) {
      this.before = this.next
      this.next = { recordsCommitted: latest.recordsCommitted, atMs: now }
    }
    this.redraw = this.clock.timer(redrawMs, () => this.draw())
  }
}
