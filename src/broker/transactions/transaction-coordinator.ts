import type { Clock } from '../../core/clock.ts'
import { messageOf } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import type { LoopTime } from '../../core/loop-time.ts'
import { partitionKey, type TopicPartition } from '../../core/topic-partition.ts'
import { readBatchHeader } from '../../protocol/batch-header.ts'
import { encodeMarker, markerType } from '../../protocol/control-batch.ts'
import { kafkaError } from '../../protocol/kafka-errors.ts'
import type { ResolvedOptions } from '../broker-options.ts'
import type { GroupOffsets } from '../groups/group-offsets.ts'
import type { Facts } from '../storage/facts.ts'
import type { Topics } from '../topics.ts'
import {
  epochMax,
  granted,
  judgeRaisingEnd,
  mayGoOn,
  type ProducerClaim,
  type ProducerGrant,
  refused,
} from './producer-claim.ts'
import type { ProducerIds } from './producer-ids.ts'
import { moved, rowFact, type TransactionRow } from './transaction-row.ts'
import { TransactionTimeouts } from './transaction-timeouts.ts'

/** What a TransactionCoordinator works with. */
export interface TransactionEnvironment {
  readonly facts: Facts
  readonly topics: Topics
  readonly offsets: GroupOffsets
  readonly producerIds: ProducerIds
  readonly clock: Clock
  readonly time: LoopTime
  readonly logger: Logger
  readonly options: ResolvedOptions
  /** Stamped on markers: the number of this start of the broker. */
  readonly coordinatorEpoch: number
}

/**
 * Coordinates transactions. Each step is on disk before anyone is told of it or can see it; while one is being written
 * others of the same id are answered CONCURRENT_TRANSACTIONS, and so they are between Prepare and Complete.
 */
export class TransactionCoordinator {
  private readonly environment: TransactionEnvironment
  private readonly rows = new Map<string, TransactionRow>()
  private readonly inTransition = new Set<string>()
  private readonly timeouts: TransactionTimeouts

  constructor(environment: TransactionEnvironment) {
    this.environment = environment
    this.timeouts = new TransactionTimeouts(environment.time, (transactionalId) => this.expire(transactionalId))
    for (const { value } of environment.facts.take<TransactionRow>('transaction')) this.apply(value)
  }

  /** Completes what a crash left between Prepare and Complete. Nobody is served before. */
  async recover(): Promise<void> {
    for (const row of [...this.rows.values()]) {
      if (row.state === 'PrepareCommit' || row.state === 'PrepareAbort') await this.complete(row)
    }
  }

  /** All rows. */
  all(): IterableIterator<TransactionRow> {
    return this.rows.values()
  }

  get(transactionalId: string): TransactionRow | undefined {
    return this.rows.get(transactionalId)
  }

  /**
   * Gives a producer its id and next epoch, and so fences whoever had the last one. An open transaction is aborted
   * first, and CONCURRENT_TRANSACTIONS answered: the client asks again.
   *
   * @param expected the producer that asks to go on after an error (KIP-360), or null for a new one
   */
  async init(
    transactionalId: string,
    timeoutMs: number,
    expected: { readonly producerId: number; readonly epoch: number } | null,
  ): Promise<ProducerGrant> {
    if (transactionalId === '') return refused(kafkaError.INVALID_REQUEST)
    if (timeoutMs <= 0 || timeoutMs > this.environment.options.transactionTimeoutMsMax) {
      return refused(kafkaError.INVALID_TRANSACTION_TIMEOUT)
    }
    if (this.inTransition.has(transactionalId)) return refused(kafkaError.CONCURRENT_TRANSACTIONS)
    return this.transition(transactionalId, async () => {
      const row = this.rows.get(transactionalId) ?? (await this.newRow(transactionalId, timeoutMs))
      if (expected && !mayGoOn(row, expected)) return refused(kafkaError.PRODUCER_FENCED)
      if (row.state === 'PrepareCommit' || row.state === 'PrepareAbort') {
        return refused(kafkaError.CONCURRENT_TRANSACTIONS)
      }
      if (row.state === 'Ongoing') {
        await this.fence(row)
        return refused(kafkaError.CONCURRENT_TRANSACTIONS)
      }
      const next = await this.nextIdentity(row, expected)
      if (!next) return refused(kafkaError.PRODUCER_FENCED)
      await this.write(moved(row, 'Empty', { ...next, timeoutMs, partitions: [], groups: [], startedAt: -1 }))
      return granted(next)
    })
  }

  private async newRow(transactionalId: string, timeoutMs: number): Promise<TransactionRow> {
    return {
      transactionalId,
      producerId: await this.environment.producerIds.take(),
      epoch: -1,
      lastProducerId: -1,
      lastEpoch: -1,
      timeoutMs,
      state: 'Empty',
      partitions: [],
      groups: [],
      startedAt: -1,
    }
  }

  /** @returns null when the producer that asks was fenced meanwhile */
  private async nextIdentity(
    row: TransactionRow,
    expected: { readonly epoch: number } | null,
  ): Promise<Pick<TransactionRow, 'producerId' | 'epoch' | 'lastEpoch'> | null> {
    const { producerId, epoch, lastEpoch } = row
    if (epoch >= epochMax && (!expected || expected.epoch === epoch)) {
      const fresh = await this.environment.producerIds.take()
      return { producerId: fresh, epoch: 0, lastEpoch: expected ? epoch : -1 }
    }
    if (!expected) return { producerId, epoch: epoch + 1, lastEpoch: -1 }
    if (epoch === -1 || expected.epoch === epoch) return { producerId, epoch: epoch + 1, lastEpoch: epoch }
    // The answer to its last request was lost: nothing has to change.
    return expected.epoch === lastEpoch ? { producerId, epoch, lastEpoch } : null
  }

  /** Enters partitions and groups into the open transaction, and opens one where there is none. */
  async add(claim: ProducerClaim, partitions: readonly TopicPartition[], groups: readonly string[]): Promise<number> {
    const row = this.claimed(claim)
    if (typeof row === 'number') return row
    const added = { partitions: missing(row.partitions, partitions), groups: [...new Set([...row.groups, ...groups])] }
    const isKnown = added.partitions.length === row.partitions.length && added.groups.length === row.groups.length
    if (row.state === 'Ongoing' && isKnown) return kafkaError.NONE
    const startedAt = row.state === 'Ongoing' ? row.startedAt : this.environment.clock.now()
    return this.transition(claim.transactionalId, async () => {
      await this.write(moved(row, 'Ongoing', { ...added, startedAt }))
      return kafkaError.NONE
    })
  }

  /** Commits or aborts. Answered when all of it is done: markers in the logs, offsets in force. */
  async end(claim: ProducerClaim, isCommit: boolean): Promise<number> {
    const row = this.claimed(claim, isCommit ? 'CompleteCommit' : 'CompleteAbort')
    if (typeof row === 'number') return row
    const complete = isCommit ? 'CompleteCommit' : 'CompleteAbort'
    if (row.state === complete) return kafkaError.NONE
    if (row.state !== 'Ongoing') return kafkaError.INVALID_TXN_STATE
    return this.transition(claim.transactionalId, async () => {
      const prepared = moved(row, isCommit ? 'PrepareCommit' : 'PrepareAbort', {})
      await this.write(prepared)
      await this.complete(prepared)
      return kafkaError.NONE
    })
  }

  /**
   * As {@link end}, and raises the epoch, as transactions of version 2 do (KIP-890): nothing that was sent under the old one
   * can come into the next. An abort does that also where nothing is open.
   * @returns the producer with which its holder goes on
   */
  async endAndRaise(claim: ProducerClaim, isCommit: boolean): Promise<ProducerGrant> {
    const { transactionalId, epoch } = claim
    if (transactionalId === '') return refused(kafkaError.INVALID_REQUEST)
    const row = this.rows.get(transactionalId)
    if (!row) return refused(kafkaError.INVALID_PRODUCER_ID_MAPPING)
    // First of all, since the row may be on its way to another producer id.
    if (this.inTransition.has(transactionalId)) return refused(kafkaError.CONCURRENT_TRANSACTIONS)
    const judged = judgeRaisingEnd(row, claim, isCommit)
    if (judged) return judged
    return this.transition(transactionalId, async () => {
      const next = epoch < epochMax ? {} : { nextProducerId: await this.environment.producerIds.take() }
      const raised = { epoch: epoch + 1, lastEpoch: epoch, ...next }
      const prepared = moved(row, isCommit ? 'PrepareCommit' : 'PrepareAbort', raised)
      await this.write(prepared)
      return granted(await this.complete(prepared))
    })
  }

  /** Whether a batch of this producer may go into the partition now (KIP-890). @returns an error number */
  verifyPartition(claim: ProducerClaim, place: TopicPartition): number {
    const row = this.rows.get(claim.transactionalId)
    if (!row || row.producerId !== claim.producerId) return kafkaError.INVALID_PRODUCER_ID_MAPPING
    if (row.epoch !== claim.epoch) return kafkaError.INVALID_PRODUCER_EPOCH
    const isIn = row.partitions.some((one) => one.topic === place.topic && one.partition === place.partition)
    return row.state === 'Ongoing' && isIn ? kafkaError.NONE : kafkaError.INVALID_TXN_STATE
  }

  /** Whether offsets of this group may go into the producer's transaction now. @returns an error number */
  verifyGroup(claim: ProducerClaim, groupId: string): number {
    const row = this.rows.get(claim.transactionalId)
    if (!row || row.producerId !== claim.producerId) return kafkaError.INVALID_PRODUCER_ID_MAPPING
    if (row.epoch !== claim.epoch) return kafkaError.INVALID_PRODUCER_EPOCH
    return row.state === 'Ongoing' && row.groups.includes(groupId) ? kafkaError.NONE : kafkaError.INVALID_TXN_STATE
  }

  /** The row that a producer speaks of, or the error that it is answered. */
  private claimed(claim: ProducerClaim, ended?: TransactionRow['state']): TransactionRow | number {
    if (claim.transactionalId === '') return kafkaError.INVALID_REQUEST
    const row = this.rows.get(claim.transactionalId)
    if (!row || row.producerId !== claim.producerId) return kafkaError.INVALID_PRODUCER_ID_MAPPING
    if (row.epoch !== claim.epoch) return kafkaError.PRODUCER_FENCED
    if (row.state === 'PrepareCommit' || row.state === 'PrepareAbort') {
      const isSame = ended === undefined || ended === row.state.replace('Prepare', 'Complete')
      return isSame ? kafkaError.CONCURRENT_TRANSACTIONS : kafkaError.INVALID_TXN_STATE
    }
    return this.inTransition.has(claim.transactionalId) ? kafkaError.CONCURRENT_TRANSACTIONS : row
  }

  private async transition<T>(transactionalId: string, effect: () => Promise<T>): Promise<T> {
    this.inTransition.add(transactionalId)
    try {
      return await effect()
    } finally {
      this.inTransition.delete(transactionalId)
      // Its time may have run out meanwhile.
      this.expire(transactionalId)
    }
  }

  private async write(row: TransactionRow): Promise<void> {
    await this.environment.facts.write([rowFact(row)])
    this.apply(row)
  }

  private apply(row: TransactionRow): void {
    this.rows.set(row.transactionalId, row)
    this.timeouts.follow(row)
  }

  /** Aborts a transaction whose time is up, unless it is in a transition, which looks again at its end. */
  private expire(transactionalId: string): void {
    const row = this.rows.get(transactionalId)
    if (!row || this.inTransition.has(transactionalId) || !this.timeouts.takeDue(transactionalId)) return
    const { timeoutMs } = row
    this.environment.logger.warn('a transaction was not ended in time and is aborted', { transactionalId, timeoutMs })
    this.transition(transactionalId, () => this.fence(row)).catch((error) =>
      this.environment.logger.error('a transaction could not be aborted', { reason: messageOf(error) }),
    )
  }

  /**
   * Raises the epoch, so that its holder can write no more, and aborts. As with Kafka 4.1 the holder may still ask to go
   * on with its old epoch, until another producer has been given the id.
   */
  private async fence(row: TransactionRow): Promise<void> {
    const fenced = moved(row, 'PrepareAbort', { epoch: row.epoch + 1, lastEpoch: row.epoch })
    await this.write(fenced)
    await this.complete(fenced)
  }

  /**
   * The last two steps: markers into the logs; offsets and the row in one batch of facts. May be done again.
   * @returns the completed row
   */
  private async complete(row: TransactionRow): Promise<TransactionRow> {
    const { facts, topics, offsets, clock, coordinatorEpoch } = this.environment
    const isCommit = row.state === 'PrepareCommit'
    const producer = { producerId: row.producerId, producerEpoch: row.epoch }
    const type = isCommit ? markerType.commit : markerType.abort
    const marker = encodeMarker(producer, type, coordinatorEpoch, clock.now())
    const header = readBatchHeader(marker, 0, marker.length)
    await Promise.all(
      row.partitions.map(async ({ topic, partition }) => {
        const log = topics.log(topic, partition)
        if (log) await log.written(log.append(marker, header) + 1)
      }),
    )
    const { nextProducerId, ...prepared } = row
    const completed = moved(prepared, isCommit ? 'CompleteCommit' : 'CompleteAbort', {
      ...(nextProducerId === undefined ? {} : { producerId: nextProducerId, epoch: 0 }),
      partitions: [],
      groups: [],
      startedAt: -1,
    })
    const outcome = offsets.outcome(row.producerId, isCommit)
    await facts.write([...outcome.changes, rowFact(completed)])
    outcome.apply()
    this.apply(completed)
    return completed
  }
}

/** The partitions with those added that were not among them. */
function missing(known: readonly TopicPartition[], added: readonly TopicPartition[]): readonly TopicPartition[] {
  const keys = new Set(known.map(({ topic, partition }) => partitionKey(topic, partition)))
  const fresh = added.filter(({ topic, partition }) => !keys.has(partitionKey(topic, partition)))
  return fresh.length === 0 ? known : [...known, ...fresh]
}
