/**
 * What may be fetched and not yet processed, in bytes, over all tasks of a process (D9).
 *
 * It is asked before a fetch and charged when the answer is there, so it may be passed by one answer a broker.
 */
export class ByteBudget {
  private readonly limit: () => number
  private taken = 0

  /** @param limitBytes asked for each time where it changes with what others hold */
  constructor(limitBytes: number | (() => number)) {
    this.limit = typeof limitBytes === 'number' ? () => limitBytes : limitBytes
  }

  get limitBytes(): number {
    return this.limit()
  }

  /** Bytes held now. */
  get takenBytes(): number {
    return this.taken
  }

  /** Whether nothing more should be fetched. */
  get isExhausted(): boolean {
    return this.taken >= this.limitBytes
  }

  take(bytes: number): void {
    this.taken += bytes
  }

  release(bytes: number): void {
    this.taken -= bytes
  }
}
