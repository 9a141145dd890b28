/** Bytes of log that one index entry stands for, at least. A read walks at most about this much before its offset. */
const blockBytes = 32 * 1024

/** A run of whole batches in a segment file. */
export interface Block {
  /** First offset of its first batch. */
  readonly baseOffset: number
  /** Where it begins in the file, in bytes. */
  readonly position: number
  /** The greatest record timestamp in it. */
  maxTimestamp: number
}

/** Where the batches of one segment file are, every 32 kB or so. Kept in memory only and rebuilt when a log is opened. */
export class SegmentIndex {
  private readonly blocks: Block[] = []

  /** Enters a batch; batches are entered in the order of the file. */
  add(baseOffset: number, position: number, maxTimestamp: number): void {
    const last = this.blocks.at(-1)
    if (last && position - last.position < blockBytes) {
      if (maxTimestamp > last.maxTimestamp) last.maxTimestamp = maxTimestamp
    } else this.blocks.push({ baseOffset, position, maxTimestamp })
  }

  /** The position of the last block that begins at or before `offset`; 0 when none does. */
  positionBefore(offset: number): number {
    let low = 0
    let high = this.blocks.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.blocks[middle] as Block).baseOffset <= offset) low = middle + 1
      else high = middle
    }
    return low === 0 ? 0 : (this.blocks[low - 1] as Block).position
  }

  /** Blocks with a record of `timestamp` or later that reach past `fromOffset`, and where each ends (null: at the segment's end). */
  *blocksSince(
    timestamp: number,
    fromOffset: number,
  ): Iterable<{ readonly position: number; readonly end: number | null }> {
    for (const [i, { maxTimestamp, position }] of this.blocks.entries()) {
      const next = this.blocks[i + 1]
      if (maxTimestamp < timestamp || (next && next.baseOffset <= fromOffset)) continue
      yield { position, end: next?.position ?? null }
    }
  }
}
