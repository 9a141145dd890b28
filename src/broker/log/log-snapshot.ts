import type { ProducerState, ProducerStates } from './producer-states.ts'
import type { AbortedRange, TransactionIndex } from './transaction-index.ts'

/**
 * What the batches below an offset have told of producers and transactions. A log leaves one among the facts when it
 * removes segment files, since what remains could not tell it any more.
 */
export interface LogSnapshot {
  readonly offset: number
  readonly producers: readonly ProducerState[]
  readonly aborted: readonly AbortedRange[]
}

/** What is known now, as of `offset`. A copy. */
export function takeSnapshot(offset: number, producers: ProducerStates, transactions: TransactionIndex): LogSnapshot {
  return {
    offset,
    producers: [...producers.all()].map((state) => ({ ...state, batches: [...state.batches] })),
    aborted: [...transactions.abortedRanges()],
  }
}

/** Puts a snapshot back into empty states. @returns the offset from which batches are to be entered again */
export function restoreSnapshot(
  snapshot: LogSnapshot | null,
  producers: ProducerStates,
  transactions: TransactionIndex,
): number {
  if (!snapshot) return 0
  producers.restore(snapshot.producers)
  transactions.restore(snapshot.aborted)
  for (const { producerId, openSince } of snapshot.producers) {
    if (openSince !== null) transactions.begin(producerId, openSince)
  }
  return snapshot.offset
}
