import { type BatchHeader, batchAttribute } from './batch-header.ts'
import { type MarkerType, markerType } from './control-batch.ts'

/** One entry of a Fetch answer: from `firstOffset` on, the producer's records belong to a transaction that aborted. */
export interface AbortedTransaction {
  readonly producerId: number
  readonly firstOffset: number
}

/**
 * Decides, batch by batch in offset order, what of a read_committed Fetch answer belongs to aborted transactions.
 *
 * Brokers list transactions in the order in which they *completed*, so the list is sorted here; and *every*
 * transaction that has begun by the end of a batch is entered, since several may be open where a fetch begins.
 * A user record is never taken for a marker: only control batches are.
 */
export class AbortedTransactions {
  private readonly ahead: AbortedTransaction[]
  private nextIndex = 0
  private readonly open = new Set<number>()

  constructor(aborted: readonly AbortedTransaction[]) {
    this.ahead = [...aborted].sort((a, b) => a.firstOffset - b.firstOffset)
  }

  /**
   * Call once for each batch, offsets ascending. For a control batch pass the marker that it holds, else null.
   * @returns whether the records of the batch belong to an aborted transaction and must be passed over
   */
  isAborted(header: BatchHeader, marker: MarkerType | null): boolean {
    if (header.producerId < 0) return false
    const lastOffset = header.baseOffset + header.lastOffsetDelta
    for (; this.nextIndex < this.ahead.length; this.nextIndex++) {
      const next = this.ahead[this.nextIndex] as AbortedTransaction
      if (next.firstOffset > lastOffset) break
      this.open.add(next.producerId)
    }
    if (header.attributes & batchAttribute.control) {
      if (marker === markerType.abort) this.open.delete(header.producerId)
      return false
    }
    return (header.attributes & batchAttribute.transactional) !== 0 && this.open.has(header.producerId)
  }
}
