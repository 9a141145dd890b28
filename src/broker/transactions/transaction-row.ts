import { assert } from '../../core/assert.ts'
import type { TopicPartition } from '../../core/topic-partition.ts'
import type { FactChange } from '../storage/broker-storage.ts'
import { fact } from '../storage/facts.ts'

/**
 * The states of a transactional id:
 *
 *     Empty --add--> Ongoing --EndTxn--> PrepareCommit --markers written--> CompleteCommit --add--> Ongoing
 *       ^               |
 *       |               +--EndTxn, timeout, fence--> PrepareAbort --markers written--> CompleteAbort --add--> Ongoing
 *       +--- InitProducerId, from Empty, CompleteCommit and CompleteAbort
 *
 * From Prepare* on the outcome stands: after a crash the markers are written (again) and the row completed. In transactions
 * of version 2 an EndTxn that aborts leads to PrepareAbort from Empty and Complete*, too: it raises the epoch.
 */
export type TransactionState =
  | 'Empty'
  | 'Ongoing'
  | 'PrepareCommit'
  | 'PrepareAbort'
  | 'CompleteCommit'
  | 'CompleteAbort'

/** All states, as ListTransactions knows them. */
export const transactionStates: readonly TransactionState[] = [
  'Empty',
  'Ongoing',
  'PrepareCommit',
  'PrepareAbort',
  'CompleteCommit',
  'CompleteAbort',
]

const transitions: Readonly<Record<TransactionState, readonly TransactionState[]>> = {
  Empty: ['Empty', 'Ongoing', 'PrepareAbort'],
  Ongoing: ['Ongoing', 'PrepareCommit', 'PrepareAbort'],
  PrepareCommit: ['CompleteCommit'],
  PrepareAbort: ['CompleteAbort'],
  CompleteCommit: ['Ongoing', 'Empty', 'PrepareAbort'],
  CompleteAbort: ['Ongoing', 'Empty', 'PrepareAbort'],
}

/** What is known of one transactional id. Rows are replaced, never changed. */
export interface TransactionRow {
  readonly transactionalId: string
  readonly producerId: number
  /** -1 before the first InitProducerId was answered. */
  readonly epoch: number
  /** The id it had before its last transition: another one where the epochs ran out in that. */
  readonly lastProducerId: number
  /** The epoch before the present one where its holder may still ask to go on with it, else -1. */
  readonly lastEpoch: number
  /** Between Prepare* and Complete*: the id to go on with where the epochs have run out. */
  readonly nextProducerId?: number
  readonly timeoutMs: number
  readonly state: TransactionState
  readonly partitions: readonly TopicPartition[]
  /** Groups whose offsets are part of the transaction. */
  readonly groups: readonly string[]
  /** Epoch milliseconds; -1 where no transaction is open. */
  readonly startedAt: number
}

/** The row after a transition. @throws {AssertionError} for one that the diagram does not have */
export function moved(row: TransactionRow, state: TransactionState, changes: Partial<TransactionRow>): TransactionRow {
  assert(
    transitions[row.state].includes(state),
    `transaction ${row.transactionalId} goes from ${row.state} to ${state}`,
  )
  return { ...row, lastProducerId: row.producerId, ...changes, state }
}

/** The row as a fact. */
export function rowFact(row: TransactionRow): FactChange {
  return fact('transaction', [row.transactionalId], row)
}
