/** How many intervals commits may come apart at the most. */
const stretchMax = 5

/** Means lean on the last few: each new figure counts for a quarter. */
const newestShare = 1 / 4

/** How often commits may come. */
export interface PaceLimits {
  /** The longest that a processed record waits, milliseconds, unless the thread is behind. */
  readonly intervalMs: number
  /** Commits never begin closer than that, milliseconds; an interval that is shorter holds in its place. */
  readonly minIntervalMs: number
  /** The share of time that commits may take before they come less often; above 0, at most 1. */
  readonly shareMax: number
}

/**
 * When the next commit is due.
 *
 * The interval is the longest that a processed record waits, and no rhythm: a thread that has caught up with its inputs has
 * nothing to wait for and commits at once, as long as commits take at most half of the time. A thread that is behind rewrites
 * rows that will change again: there, commits that take more than their share of the time come less often, five intervals
 * apart at the most. What a record waits for then is the backlog.
 *
 * Times are monotonic milliseconds.
 */
export class CommitPace {
  private readonly limits: PaceLimits
  /** When the last commit was known, and when it was cut. */
  lastMs = Number.NEGATIVE_INFINITY
  private lastBeganMs = Number.NEGATIVE_INFINITY
  /** Since when something waits to be committed; null while nothing does. */
  private sinceMs: number | null = null
  /** What a commit takes. */
  private commitMs: number | null = null
  /** Work since the last commit, and what one record takes of it. */
  private workMs = 0
  private recordMs: number | null = null

  constructor(limits: PaceLimits) {
    this.limits = limits
  }

  /** The thread worked on records for so long. */
  worked(milliseconds: number): void {
    this.workMs += milliseconds
  }

  /** Something is uncommitted; only the first time since the last commit counts. */
  uncommitted(nowMs: number): void {
    this.sinceMs ??= nowMs
  }

  /** A commit was cut: what is uncommitted from here on belongs to the next. @param records how many are in it */
  cut(nowMs: number, records: number): void {
    this.lastBeganMs = nowMs
    this.sinceMs = null
    if (records > 0) this.recordMs = mean(this.recordMs, this.workMs / records)
    this.workMs = 0
  }

  /** The commit that was cut last is known. */
  known(nowMs: number): void {
    this.lastMs = nowMs
    this.commitMs = mean(this.commitMs, nowMs - this.lastBeganMs)
  }

  /** Nothing waits to be committed: it was forgotten, or tasks were opened. */
  begin(): void {
    this.sinceMs = null
    this.workMs = 0
  }

  /**
   * When the next commit is due; infinite while nothing is uncommitted.
   * @param waiting records known to wait for the thread; 0 when it has caught up, infinite where nobody can say how many
   */
  dueMs(waiting: number): number {
    const { intervalMs, minIntervalMs, shareMax } = this.limits
    if (this.sinceMs === null) return Number.POSITIVE_INFINITY
    const longest = this.sinceMs + intervalMs
    const tookMs = this.commitMs ?? 0
    if (waiting === 0) return Math.min(longest, this.lastBeganMs + Math.max(minIntervalMs, 2 * tookMs))
    if (!this.isBehind(waiting)) return longest
    const fairMs = Math.min(tookMs * (1 / shareMax - 1), stretchMax * intervalMs)
    return Math.max(longest, this.lastMs + fairMs)
  }

  /** Whether more than an interval of work waits. */
  private isBehind(waiting: number): boolean {
    return waiting === Number.POSITIVE_INFINITY || waiting * (this.recordMs ?? 0) > this.limits.intervalMs
  }
}

function mean(before: number | null, newest: number): number {
  return before === null ? newest : before + (newest - before) * newestShare
}
