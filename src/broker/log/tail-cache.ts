/** A batch in memory, as it stands in the log. */
export interface CachedBatch {
  readonly baseOffset: number
  readonly lastOffset: number
  readonly bytes: Buffer
}

/**
 * The latest batches of all logs of a broker, within one budget of bytes: consumers that keep up are served from here.
 * When the budget is passed, the batch that was appended first of all is dropped, whichever log it is of.
 */
export class TailBudget {
  private readonly bytesMax: number
  private readonly order: { readonly tail: LogTail; readonly batch: CachedBatch }[] = []
  private head = 0
  private bytesHeld = 0

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax
  }

  /** Charges a batch just added to `tail` and drops what is over the budget. */
  charge(tail: LogTail, batch: CachedBatch): void {
    this.order.push({ tail, batch })
    this.bytesHeld += batch.bytes.length
    while (this.bytesHeld > this.bytesMax && this.head < this.order.length) {
      const oldest = this.order[this.head++] as { tail: LogTail; batch: CachedBatch }
      this.bytesHeld -= oldest.batch.bytes.length
      oldest.tail.drop(oldest.batch)
    }
    // Cut soon: what stands before the head still holds its bytes, and batches are up to a megabyte.
    if (this.head >= 16) {
      this.order.splice(0, this.head)
      this.head = 0
    }
  }
}

/** The latest batches of one log, without a gap up to its end. */
export class LogTail {
  private readonly budget: TailBudget
  private batches: CachedBatch[] = []
  private head = 0

  constructor(budget: TailBudget) {
    this.budget = budget
  }

  add(batch: CachedBatch): void {
    this.batches.push(batch)
    this.budget.charge(this, batch)
  }

  /** Lets go of the batch if it is still the oldest here. */
  drop(batch: CachedBatch): void {
    if (this.batches[this.head] !== batch) return
    // The slot is overwritten, so that the bytes can be freed before the array is cut.
    this.batches[this.head++] = { ...batch, bytes: Buffer.alloc(0) }
    if (this.head > 256 && this.head * 2 > this.batches.length) {
      this.batches.splice(0, this.head)
      this.head = 0
    }
  }

  clear(): void {
    this.batches = []
    this.head = 0
  }

  /**
   * Batches from the one that holds `fromOffset` on, below `upToOffset`, within `maxBytes` (the first always, with
   * `atLeastOne`).
   * @returns null when `fromOffset` is older than what is held
   */
  read(fromOffset: number, upToOffset: number, maxBytes: number, atLeastOne: boolean): Buffer[] | null {
    const oldest = this.batches[this.head]
    if (!oldest || oldest.baseOffset > fromOffset) return null
    let low = this.head
    let high = this.batches.length - 1
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.batches[middle] as CachedBatch).lastOffset < fromOffset) low = middle + 1
      else high = middle
    }
    const found: Buffer[] = []
    let total = 0
    for (let i = low; i < this.batches.length; i++) {
      const batch = this.batches[i] as CachedBatch
      if (batch.baseOffset >= upToOffset) break
      total += batch.bytes.length
      if (total > maxBytes && !(atLeastOne && found.length === 0)) break
      found.push(batch.bytes)
    }
    return found
  }
}
