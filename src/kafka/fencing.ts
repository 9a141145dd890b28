import { messageOf } from '../core/errors.ts'
import type { TopicPartition } from '../core/topic-partition.ts'
import { kafkaError } from '../protocol/kafka-errors.ts'
import { describeProducers, listTransactions } from '../protocol/messages/transaction.ts'
import type { ClusterMetadata } from './cluster-metadata.ts'
import type { KafkaClient } from './kafka-client.ts'
import { kafkaFailure } from './kafka-error.ts'
import { initTransactionalId } from './producer-id.ts'

/**
 * Ends the transactions that dead producers of this application left open, at once instead of at their timeout (X3).
 *
 * Only ids that begin with the application's prefix are touched. Fencing is always safe: a living member that is
 * fenced wrongly initialises again and replays.
 */
export class ProducerFence {
  private readonly client: KafkaClient
  private readonly metadata: ClusterMetadata
  private readonly prefix: string
  private readonly transactionTimeoutMs: number
  private readonly fenced = new Set<string>()

  constructor(client: KafkaClient, metadata: ClusterMetadata, appId: string, transactionTimeoutMs: number) {
    this.client = client
    this.metadata = metadata
    this.prefix = `${appId}-`
    this.transactionTimeoutMs = transactionTimeoutMs
  }

  /** Fences one transactional id, if it is ours. @returns whether it was */
  async fence(transactionalId: string): Promise<boolean> {
    if (!transactionalId.startsWith(this.prefix)) return false
    this.client.logger.info('fencing a producer that is gone', { transactionalId })
    await initTransactionalId(this.client, transactionalId, this.transactionTimeoutMs)
    this.fenced.add(transactionalId)
    return true
  }

  /** Whether this process has fenced the id already, or may not: it is not asked to again. */
  hasFenced(transactionalId: string): boolean {
    return this.fenced.has(transactionalId) || !transactionalId.startsWith(this.prefix)
  }

  /** Fences whoever holds back the last stable offset of a partition. @returns the ids that were fenced */
  async fenceHolders(at: TopicPartition, alive: ReadonlySet<string>): Promise<readonly string[]> {
    const producerIds = await this.openProducers(at)
    return producerIds.length === 0 ? [] : this.fenceOngoing(alive, producerIds)
  }

  /**
   * Fences every ongoing transaction of this application whose id is not in `alive`; with `producerIds` only theirs.
   * @returns the ids that were fenced
   */
  async fenceOngoing(alive: ReadonlySet<string>, producerIds: readonly number[] = []): Promise<readonly string[]> {
    const fenced: string[] = []
    for (const transactionalId of await this.ongoing(producerIds)) {
      if (alive.has(transactionalId)) continue
      if (await this.fence(transactionalId)) fenced.push(transactionalId)
    }
    return fenced
  }

  private async openProducers({ topic, partition }: TopicPartition): Promise<number[]> {
    const ask = async () => {
      const node = await this.metadata.leader('admin', topic, partition)
      const answer = await this.client.send('admin', node, describeProducers, {
        topics: [{ name: topic, partitionIndexes: [partition] }],
      })
      const partitions = answer.topics.flatMap((one) => one.partitions)
      const refused = partitions.find(({ errorCode }) => errorCode !== kafkaError.NONE)
      if (refused) throw kafkaFailure(refused.errorCode, describeProducers.name, { topic, partition })
      return partitions
    }
    const found = await this.client.retrying(this.client.deadline(), () => this.metadata.toLeaders([topic], ask))
    return found.flatMap((one) =>
      one.activeProducers.filter((p) => p.currentTxnStartOffset >= 0).map((p) => p.producerId),
    )
  }

  private async ongoing(producerIds: readonly number[]): Promise<readonly string[]> {
    if (this.metadata.nodes.length === 0) await this.metadata.refresh('admin', [])
    const ids = new Set<string>()
    for (const node of this.metadata.nodes) {
      try {
        const answer = await this.client.send('admin', node, listTransactions, {
          stateFilters: ['Ongoing', 'PrepareCommit', 'PrepareAbort'],
          producerIdFilters: producerIds,
        })
        if (answer.errorCode !== kafkaError.NONE) continue
        for (const one of answer.transactionStates) if (one.transactionState === 'Ongoing') ids.add(one.transactionalId)
      } catch (error) {
        // A broker that does not answer now may not be the coordinator at all; the caller asks again.
        this.client.logger.debug('a broker did not list its transactions', { node, reason: messageOf(error) })
      }
    }
    return [...ids]
  }
}
