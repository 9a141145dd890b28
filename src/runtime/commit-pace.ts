/** How many intervals commits may come apart at the most. */
const stretchMax = 5

/**
 * When the next commit is due. Under load a commit rewrites the rows that changed again since the last; one that takes more
 * than its share of the time makes the next wait longer, five intervals at the most.
 */
export class CommitPace {
  private readonly intervalMs: number
  private readonly shareMax: number
  /** When the last commit ended; monotonic milliseconds, like all times here. */
  lastMs = 0
  nextMs = 0

  /** @param shareMax the share of time that commits may take before they come less often */
  constructor(intervalMs: number, shareMax: number) {
    this.intervalMs = intervalMs
    this.shareMax = shareMax
  }

  /** A commit began and has ended, with or without anything in it. */
  committed(beganMs: number, endedMs: number): void {
    const fair = (endedMs - beganMs) * (1 / this.shareMax - 1)
    this.lastMs = endedMs
    this.nextMs = endedMs + Math.min(Math.max(this.intervalMs, fair), stretchMax * this.intervalMs)
  }
}
