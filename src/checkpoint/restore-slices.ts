/** Slices of changelogs that may be in memory at a time, fetched and not yet applied. */
const slicesMax = 4

/**
 * Turns for those who restore: each reads and applies one slice of a changelog in its turn, so that what is in memory does
 * not grow with the number of tasks. First come, first served.
 */
export class RestoreSlices {
  private free = slicesMax
  private readonly waiting: (() => void)[] = []

  /** Runs work when its turn comes. */
  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.free > 0) this.free--
    else await new Promise<void>((resolve) => this.waiting.push(resolve))
    try {
      return await work()
    } finally {
      const next = this.waiting.shift()
      if (next === undefined) this.free++
      else next()
    }
  }
}
