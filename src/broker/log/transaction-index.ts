/** A transaction that ended in an abort: its records must not be delivered under read_committed. */
export interface AbortedRange {
  readonly producerId: number
  readonly firstOffset: number
  /** The offset of the abort marker. */
  readonly lastOffset: number
}

interface Ending {
  readonly firstOffset: number
  readonly markerOffset: number
}

/**
 * The transactions of one partition: which are open, and which were aborted.
 *
 * The last stable offset is the first offset of the oldest transaction that is open, or whose marker is not yet below
 * the high watermark: until then a crash could take the marker away.
 */
export class TransactionIndex {
  private readonly open = new Map<number, number>()
  private ending: Ending[] = []
  /** In the order of completion, as Kafka lists them. */
  private aborted: AbortedRange[] = []

  /** A producer's first transactional batch since its last marker. */
  begin(producerId: number, firstOffset: number): void {
    if (!this.open.has(producerId)) this.open.set(producerId, firstOffset)
  }

  /** A marker ended the producer's transaction here; `firstOffset` null means that it had written nothing here. */
  end(producerId: number, firstOffset: number | null, markerOffset: number, isAbort: boolean): void {
    this.open.delete(producerId)
    if (firstOffset === null) return
    this.ending.push({ firstOffset, markerOffset })
    if (isAbort) this.aborted.push({ producerId, firstOffset, lastOffset: markerOffset })
  }

  /** The last stable offset for this high watermark. Called with ascending watermarks only. */
  lastStableOffset(highWatermark: number): number {
    if (this.open.size === 0 && this.ending.length === 0) return highWatermark
    this.ending = this.ending.filter((one) => one.markerOffset >= highWatermark)
    let stable = highWatermark
    for (const firstOffset of this.open.values()) if (firstOffset < stable) stable = firstOffset
    for (const { firstOffset } of this.ending) if (firstOffset < stable) stable = firstOffset
    return stable
  }

  /**
   * All aborted transactions that are known, in the order of completion. Those that end later join them; whoever holds them
   * keeps what is forgotten.
   */
  abortedRanges(): readonly AbortedRange[] {
    return this.aborted
  }

  /** Puts back what a snapshot held, before anything is entered. */
  restore(aborted: readonly AbortedRange[]): void {
    this.aborted = [...aborted]
  }

  /** Forgets what lies wholly below the log's start. */
  forgetBelow(startOffset: number): void {
    this.aborted = this.aborted.filter((range) => range.lastOffset >= startOffset)
  }
}

/** Those of some aborted transactions with records in `[fromOffset, upToOffset)`, in the same order. */
export function abortedBetween(
  aborted: readonly AbortedRange[],
  fromOffset: number,
  upToOffset: number,
): AbortedRange[] {
  let low = 0
  let high = aborted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((aborted[middle] as AbortedRange).lastOffset < fromOffset) low = middle + 1
    else high = middle
  }
  return aborted.slice(low).filter(({ firstOffset }) => firstOffset < upToOffset)
}
