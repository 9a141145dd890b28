import { actionOf, messageOf, StreamError } from '../core/errors.ts'
import type { TopicPartition } from '../core/topic-partition.ts'
import { kafkaError } from '../protocol/kafka-errors.ts'
import { addOffsetsToTxn, addPartitionsToTxn, endTxn, txnOffsetCommit } from '../protocol/messages/transaction.ts'
import type { ProducerIdentity } from '../protocol/record-batch-writer.ts'
import { byTopic } from './by-topic.ts'
import type { KafkaClient } from './kafka-client.ts'
import { isRetriable, kafkaFailure, refuseFailed } from './kafka-error.ts'
import { type GroupIdentity, type OffsetCommit, offsetsByTopic } from './offset-commit.ts'
import type { NodeId } from './transport.ts'

/** The first pause before a request is repeated: a coordinator that is busy with the last transaction is so for this long. */
const busyMs = 2

/**
 * What the producer of a transactional id asks of the coordinators: of its transactions, and of its group.
 *
 * Requests are repeated only where a broker answered that it did nothing. Where that is unknown they fail with the action
 * `reset-task` (X4).
 */
export class TransactionRequests {
  private readonly client: KafkaClient
  private readonly transactionalId: string

  constructor(client: KafkaClient, transactionalId: string) {
    this.client = client
    this.transactionalId = transactionalId
  }

  /** Enters partitions into the transaction, which opens it. For transactions of version 1 alone. */
  async addPartitions(producer: ProducerIdentity, partitions: Iterable<TopicPartition>): Promise<void> {
    const topics = byTopic(partitions, ({ partition }) => partition)
    await this.toCoordinator(async (node) => {
      const answer = await this.client.send('data', node, addPartitionsToTxn, { ...this.holder(producer), topics })
      // The number only says that another partition of the request failed.
      refuseFailed(addPartitionsToTxn.name, answer.topics, kafkaError.OPERATION_NOT_ATTEMPTED)
    })
  }

  /** Enters a group into the transaction, which opens it where nothing was written. For transactions of version 1 alone. */
  async addOffsets(producer: ProducerIdentity, groupId: string): Promise<void> {
    await this.toCoordinator(async (node) => {
      const { errorCode } = await this.client.send('data', node, addOffsetsToTxn, { ...this.holder(producer), groupId })
      if (errorCode !== kafkaError.NONE) throw kafkaFailure(errorCode, addOffsetsToTxn.name)
    })
  }

  /**
   * Writes offsets of the group into the transaction, fenced by the membership (X2).
   * @throws {StreamError} `MEMBERSHIP_LOST` (action `rejoin`) when the coordinator does not know this generation or member,
   * `INSTANCE_FENCED` when another process took the instance id
   */
  async commitOffsets(
    producer: ProducerIdentity,
    group: GroupIdentity,
    offsets: readonly OffsetCommit[],
  ): Promise<void> {
    const request = { ...this.holder(producer), ...group, topics: offsetsByTopic(offsets) }
    const deadline = this.client.deadline()
    const attempt = async (): Promise<void> => {
      const node = await this.client.groupCoordinator('data', group.groupId, deadline)
      const answer = await this.client.send('data', node, txnOffsetCommit, request, deadline, 3)
      refuseFailed(txnOffsetCommit.name, answer.topics)
    }
    await this.client.retrying(deadline, attempt, busyMs)
  }

  /**
   * Ends the transaction.
   * @returns who goes on: in transactions of version 2 the same under a new epoch, or under another id where the epochs of
   * this one have run out
   */
  async end(producer: ProducerIdentity, committed: boolean): Promise<ProducerIdentity> {
    return this.toCoordinator(async (node) => {
      const answer = await this.client.send('data', node, endTxn, { ...this.holder(producer), committed })
      if (answer.errorCode !== kafkaError.NONE) throw kafkaFailure(answer.errorCode, endTxn.name)
      const { producerId, producerEpoch } = answer
      return producerId < 0 ? producer : { producerId, producerEpoch }
    })
  }

  private holder({ producerId, producerEpoch }: ProducerIdentity) {
    return { transactionalId: this.transactionalId, producerId, producerEpoch }
  }

  private async toCoordinator<T>(attempt: (node: NodeId) => Promise<T>): Promise<T> {
    const deadline = this.client.deadline()
    const asked = this.client.retrying(
      deadline,
      async () => {
        const node = await this.client.transactionCoordinator('data', this.transactionalId, deadline)
        return attempt(node).catch((error: unknown) => {
          const code = error instanceof StreamError ? error.context.kafkaCode : undefined
          throw code !== undefined && isRetriable(code) ? error : asUnknownOutcome(error)
        })
      },
      busyMs,
    )
    return asked.catch((error: unknown) => {
      throw asUnknownOutcome(error)
    })
  }
}

/**
 * What another try might cure, were it known what the broker has: nobody knows, so the engine forgets and replays (X4).
 * Anything else is handed on as it is.
 */
export function asUnknownOutcome(error: unknown): unknown {
  if (actionOf(error) !== 'retry') return error
  return new StreamError(
    'TRANSACTION_UNKNOWN',
    `the outcome of a transaction is unknown (${messageOf(error)}); its work is forgotten and done again`,
    { action: 'reset-task', cause: error },
  )
}
