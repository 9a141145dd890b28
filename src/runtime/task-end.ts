/**
 * How far a task of a bounded job is towards its end (X18): it learns a token, hands on what its operators keep back, and
 * commits the token with the last of that. Whatever it works on afterwards takes the end back, and nothing else does: a task that
 * finds its end committed when it starts has handed everything on, whatever the token was derived from.
 */
export class TaskEnd {
  /** What the last commit said; null where there is more to come. */
  committed: string | null = null
  private toCommit: string | null = null
  private flushing: string | null = null

  /** @param committed what the last commit said, in this life or an earlier one */
  begin(committed: string | null): void {
    this.committed = committed
    this.toCommit = committed
    this.flushing = null
  }

  /** The task is at the end that the token stands for. */
  mark(token: string): void {
    if (this.toCommit === null) this.flushing = token
    else this.toCommit = token
  }

  /** Whether what operators keep back is being handed on. */
  get isFlushing(): boolean {
    return this.flushing !== null
  }

  /** All of that was handed on. */
  flushed(): void {
    this.toCommit = this.flushing ?? this.toCommit
    this.flushing = null
  }

  /** Whether there is nothing that the task would do by itself any more. */
  get isReached(): boolean {
    return this.toCommit !== null
  }

  /** The task works on something that is no part of its end. Runs for every record. */
  takeBack(): void {
    this.toCommit = null
    this.flushing = null
  }

  /** Whether the next commit has to say something else than the last. */
  get hasChanged(): boolean {
    return this.toCommit !== this.committed
  }

  /** @returns what the commit says */
  cut(): string | null {
    this.committed = this.toCommit
    return this.toCommit
  }
}
