import { StreamError } from '../core/errors.ts'
import { kafkaError } from '../protocol/kafka-errors.ts'
import { produce } from '../protocol/messages/produce.ts'
import type { ProducerIdentity } from '../protocol/record-batch-writer.ts'
import { byTopic } from './by-topic.ts'
import type { ClusterMetadata } from './cluster-metadata.ts'
import type { KafkaClient } from './kafka-client.ts'
import { kafkaFailure } from './kafka-error.ts'
import type { SealedBatch } from './partition-output.ts'
import type { TopicLimits } from './topic-limits.ts'
import type { NodeId } from './transport.ts'

const leadsNot: readonly number[] = [kafkaError.NOT_LEADER_OR_FOLLOWER, kafkaError.LEADER_NOT_AVAILABLE]

/**
 * A broker that has appended nothing and takes the batch later: it does not lead the partition, too few replicas are there,
 * or the partition cannot enter the transaction yet, since the coordinator is busy with the last one (KIP-890).
 */
const appendedNothing: readonly number[] = [
  ...leadsNot,
  kafkaError.NOT_ENOUGH_REPLICAS,
  kafkaError.CONCURRENT_TRANSACTIONS,
]

/** A batch over `max.message.bytes`, and one over `segment.bytes`: nothing was appended. */
const tooLarge: readonly number[] = [kafkaError.MESSAGE_TOO_LARGE, kafkaError.RECORD_LIST_TOO_LARGE]

/**
 * What is sent between two calls of `init`, under the identity of the first: what it still has under way when the second
 * comes must neither bear the new epoch, which would admit work that was given up, nor touch the new numbers.
 */
export interface Attempt extends ProducerIdentity {
  readonly isOver: () => boolean
}

/** Brings sealed batches of one transactional producer to the brokers that lead their partitions. */
export class BatchSender {
  private readonly client: KafkaClient
  private readonly metadata: ClusterMetadata
  private readonly limits: TopicLimits
  private readonly transactionalId: string

  constructor(client: KafkaClient, metadata: ClusterMetadata, limits: TopicLimits, transactionalId: string) {
    this.client = client
    this.metadata = metadata
    this.limits = limits
    this.transactionalId = transactionalId
  }

  /**
   * Sends a round of batches, at most one a partition, and waits until every one is acknowledged. Identity and sequence are
   * put into a batch here. Where a broker says that it has appended nothing, the batch as it is goes to the leader that there
   * is then.
   * @throws whatever else a broker answers, or a partition that stays without a leader; a batch that is too large for its
   * topic as {@link TopicLimits.refused} says
   */
  async send(attempt: Attempt, round: readonly SealedBatch[]): Promise<void> {
    const topics = new Set(round.map(({ output }) => output.topic))
    await this.metadata.toLeaders(topics, () => this.sendToLeaders(attempt, round))
  }

  private async sendToLeaders(attempt: Attempt, round: readonly SealedBatch[]): Promise<void> {
    let waiting = round.map((batch) => {
      const { writer, output } = batch
      const records = writer.finish(attempt, output.takeSequence(writer.count), true)
      return { ...batch, records, errorCode: kafkaError.NONE as number }
    })
    const deadline = this.client.deadline()
    while (waiting.length > 0 && !attempt.isOver()) {
      const byNode = new Map<NodeId, typeof waiting>()
      for (const batch of waiting) {
        const node = await this.metadata.leader('data', batch.output.topic, batch.output.partition)
        const known = byNode.get(node)
        if (known) known.push(batch)
        else byNode.set(node, [batch])
      }
      const refused = await Promise.all([...byNode].map(([node, batches]) => this.produceTo(attempt, node, batches)))
      waiting = refused.flat()
      if (waiting.length > 0) {
        for (const { output, errorCode } of waiting) {
          const { topic, partition } = output
          if (this.client.clock.monotonicMs() > deadline) {
            throw kafkaFailure(errorCode, produce.name, { topic, partition })
          }
          if (leadsNot.includes(errorCode)) this.metadata.forget(topic)
        }
        await this.client.clock.sleep(20)
      }
    }
  }

  /** @returns the batches of which the broker says that it has appended nothing, with the error number that said so */
  private async produceTo<B extends SealedBatch & { records: Buffer }>(
    attempt: Attempt,
    node: NodeId,
    batches: readonly B[],
  ): Promise<B[]> {
    const partitions = batches.map(({ output, records }) => ({
      topic: output.topic,
      partition: output.partition,
      records,
    }))
    const request = {
      transactionalId: this.transactionalId,
      acks: -1,
      timeoutMs: this.client.requestTimeoutMs,
      topics: byTopic(partitions, ({ partition, records }) => ({ index: partition, records })),
    }
    const bytes = batches.reduce((sum, { records, output }) => sum + records.length + output.topic.length + 32, 256)
    const answer = await this.client.send('data', node, produce, request, this.client.deadline(), undefined, bytes)
    const results = new Map(
      answer.topics.flatMap((topic) =>
        topic.partitions.map((found) => [`${topic.name} ${found.index}`, found] as const),
      ),
    )
    const refused: B[] = []
    if (attempt.isOver()) return refused
    for (const batch of batches) {
      const { topic, partition } = batch.output
      const result = results.get(`${topic} ${partition}`)
      if (!result) {
        const message = `the answer to ${produce.name} leaves out ${topic}-${partition}`
        throw new StreamError('REQUEST_FAILED', message, { action: 'retry', topic, partition })
      }
      if (result.errorCode === kafkaError.NONE) {
        batch.output.endOffset = result.baseOffset + batch.writer.count
      } else if (appendedNothing.includes(result.errorCode)) {
        refused.push({ ...batch, errorCode: result.errorCode })
      } else if (tooLarge.includes(result.errorCode)) {
        const { records, writer } = batch
        throw await this.limits.refused({ topic, partition, bytes: records.length, records: writer.count })
      } else throw kafkaFailure(result.errorCode, produce.name, { topic, partition })
    }
    return refused
  }
}
