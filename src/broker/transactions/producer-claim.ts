import { kafkaError } from '../../protocol/kafka-errors.ts'
import type { TransactionRow } from './transaction-row.ts'

/** The last epoch that a producer may be given: the one after it is kept for fencing. */
export const epochMax = 32_766

/** A producer as it names itself. */
export interface ProducerClaim {
  readonly transactionalId: string
  readonly producerId: number
  readonly epoch: number
}

/** The producer that goes on, or an error and -1 for both numbers. */
export interface ProducerGrant {
  /** An error number. */
  readonly error: number
  readonly producerId: number
  readonly epoch: number
}

/** The producer that a row names goes on. */
export function granted({ producerId, epoch }: Pick<TransactionRow, 'producerId' | 'epoch'>): ProducerGrant {
  return { error: kafkaError.NONE, producerId, epoch }
}

/** Nobody goes on. */
export function refused(error: number): ProducerGrant {
  return { error, producerId: -1, epoch: -1 }
}

/** Whether a producer that names its id may go on with it after an error; its epoch is judged later. */
export function mayGoOn(
  row: TransactionRow,
  expected: { readonly producerId: number; readonly epoch: number },
): boolean {
  return (
    row.epoch === -1 ||
    expected.producerId === row.producerId ||
    (expected.producerId === row.lastProducerId && expected.epoch >= epochMax)
  )
}

/**
 * What whoever writes within a transaction is told of it: that a producer is fenced is its stale epoch there, and clients of
 * before KIP-890 do not know TRANSACTION_ABORTABLE.
 */
export function inVerification(error: number, knowsAbortable: boolean): number {
  if (error === kafkaError.PRODUCER_FENCED) return kafkaError.INVALID_PRODUCER_EPOCH
  return error === kafkaError.INVALID_TXN_STATE && knowsAbortable ? kafkaError.TRANSACTION_ABORTABLE : error
}

/**
 * Judges an EndTxn that raises the epoch (KIP-890). Who asks under the epoch of before gets the answer again that was lost,
 * until the next transaction begins; where nothing is open an abort is still taken, a commit is not.
 * @returns null where the transaction is to be ended
 */
export function judgeRaisingEnd(row: TransactionRow, claim: ProducerClaim, isCommit: boolean): ProducerGrant | null {
  const { producerId, epoch } = claim
  const isOverflow = row.lastProducerId === producerId && epoch === epochMax && row.epoch === 0
  if (row.producerId !== producerId && !isOverflow) return refused(kafkaError.INVALID_PRODUCER_ID_MAPPING)
  const isNext = row.epoch === epoch + 1 && row.epoch <= epochMax
  const isComplete = row.state === 'CompleteCommit' || row.state === 'CompleteAbort'
  if (isComplete && (isOverflow || isNext)) {
    const isSame = row.state === (isCommit ? 'CompleteCommit' : 'CompleteAbort')
    return isSame ? granted(row) : refused(kafkaError.INVALID_TXN_STATE)
  }
  if (row.epoch !== epoch) return refused(kafkaError.PRODUCER_FENCED)
  return row.state !== 'Ongoing' && isCommit ? refused(kafkaError.INVALID_TXN_STATE) : null
}
