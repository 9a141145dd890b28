/**
 * Which of a task's files holds bytes, in the order in which they asked: a job that follows has a reader a file, and each
 * would else hold a chunk and its lines until its task comes to it.
 */
export class ReadTurns {
  private isTaken = false
  private waiting: ((isGranted: boolean) => void)[] = []

  /** Resolves with true once it has the turn, until it {@link end}s it; with false where the signal aborts before. */
  begin(signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return Promise.resolve(false)
    if (!this.isTaken) {
      this.isTaken = true
      return Promise.resolve(true)
    }
    return new Promise((resolve) => {
      const answer = (isGranted: boolean): void => {
        signal.removeEventListener('abort', giveUp)
        resolve(isGranted)
      }
      const giveUp = (): void => {
        this.waiting = this.waiting.filter((one) => one !== answer)
        answer(false)
      }
      signal.addEventListener('abort', giveUp)
      this.waiting.push(answer)
    })
  }

  /** The longest waiting has it next. */
  end(): void {
    const next = this.waiting.shift()
    if (next) next(true)
    else this.isTaken = false
  }
}
