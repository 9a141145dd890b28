import type { DeadlineMs } from '../core/clock.ts'
import { StreamError } from '../core/errors.ts'
import type { TopicPartition } from '../core/topic-partition.ts'
import { partitionKey } from '../core/topic-partition.ts'
import { kafkaError } from '../protocol/kafka-errors.ts'
import { describeConfigs, topicResource } from '../protocol/messages/configs.ts'
import { latestTimestamp, listOffsets } from '../protocol/messages/list-offsets.ts'
import { offsetCommit, offsetFetch } from '../protocol/messages/offsets.ts'
import { createTopics, deleteRecords } from '../protocol/messages/topics.ts'
import { byTopic } from './by-topic.ts'
import type { ClusterMetadata } from './cluster-metadata.ts'
import type { KafkaClient } from './kafka-client.ts'
import { kafkaFailure, refuseFailed } from './kafka-error.ts'
import { type GroupIdentity, type OffsetCommit, offsetsByTopic } from './offset-commit.ts'
import { anyNode, type Lane, type NodeId } from './transport.ts'

/** A topic to create. */
export interface NewTopic {
  readonly name: string
  readonly partitions: number
  readonly config: Readonly<Record<string, string>>
}

/** What a group committed for a partition. `unstable`: an open transaction is about to change it. */
export type CommittedOffset = { readonly offset: number; readonly metadata: string } | 'unstable'

/** `high` is the end of the log, `stable` the end for readers of committed records. */
export type Isolation = 'high' | 'stable'

/** Asks and changes what belongs to the cluster rather than to a record: topics, offsets, configurations. */
export class Admin {
  private readonly client: KafkaClient
  private readonly metadata: ClusterMetadata

  constructor(client: KafkaClient, metadata: ClusterMetadata) {
    this.client = client
    this.metadata = metadata
  }

  /** Creates topics with the broker's default replication; one that is there already is left as it is. */
  async createTopics(topics: readonly NewTopic[]): Promise<void> {
    if (topics.length === 0) return
    const deadline = this.client.deadline()
    await this.client.retrying(deadline, async () => {
      const answer = await this.client.send(
        'admin',
        anyNode,
        createTopics,
        {
          topics: topics.map(({ name, partitions, config }) => ({
            name,
            numPartitions: partitions,
            replicationFactor: -1,
            configs: Object.entries(config).map(([key, value]) => ({ name: key, value })),
          })),
          timeoutMs: 30_000,
        },
        deadline,
        4,
      )
      for (const { name, errorCode, errorMessage } of answer.topics) {
        if (errorCode === kafkaError.NONE || errorCode === kafkaError.TOPIC_ALREADY_EXISTS) continue
        const failure = kafkaFailure(errorCode, createTopics.name, { topic: name })
        if (failure.action === 'retry') throw failure
        throw new StreamError(
          'REQUEST_FAILED',
          `the topic ${name} cannot be created: ${errorMessage ?? failure.message}`,
          {
            topic: name,
            kafkaCode: errorCode,
            cause: failure,
          },
        )
      }
    })
  }

  /** The end of each partition, by {@link partitionKey}. */
  async endOffsets(
    partitions: readonly TopicPartition[],
    isolation: Isolation,
    lane: Lane = 'admin',
  ): Promise<ReadonlyMap<string, number>> {
    return this.offsets(partitions, latestTimestamp, isolation, lane)
  }

  /** The offset for a timestamp (or one of the special values of ListOffsets), by {@link partitionKey}; -1 for none. */
  async offsets(
    partitions: readonly TopicPartition[],
    timestamp: number,
    isolation: Isolation = 'high',
    lane: Lane = 'admin',
  ): Promise<ReadonlyMap<string, number>> {
    const found = new Map<string, number>()
    const deadline = this.client.deadline()
    await this.toLeaders(partitions, lane, deadline, async (byNode) => {
      await Promise.all(
        [...byNode].map(async ([node, led]) => {
          const answer = await this.client.send(
            lane,
            node,
            listOffsets,
            {
              isolationLevel: isolation === 'stable' ? 1 : 0,
              topics: byTopic(led, ({ partition }) => ({ index: partition, timestamp })),
            },
            deadline,
            2,
          )
          refuseFailed(listOffsets.name, answer.topics)
          for (const topic of answer.topics) {
            for (const partition of topic.partitions) {
              found.set(partitionKey(topic.name, partition.index), partition.offset)
            }
          }
        }),
      )
    })
    return found
  }

  /** Moves the start of partitions up to an offset: all before it is gone (X21). */
  async deleteRecords(before: readonly (TopicPartition & { readonly offset: number })[]): Promise<void> {
    const deadline = this.client.deadline()
    await this.toLeaders(before, 'admin', deadline, async (byNode) => {
      for (const [node, led] of byNode) {
        const answer = await this.client.send('admin', node, deleteRecords, {
          topics: byTopic(led, ({ partition, offset }) => ({ index: partition, offset })),
          timeoutMs: 30_000,
        })
        // Out of range: the start has passed the offset already.
        refuseFailed(deleteRecords.name, answer.topics, kafkaError.OFFSET_OUT_OF_RANGE)
      }
    })
  }

  /** Settings of topics: topic to setting to value. */
  async topicConfigs(names: readonly string[]): Promise<ReadonlyMap<string, ReadonlyMap<string, string | null>>> {
    const deadline = this.client.deadline()
    const answer = await this.client.retrying(deadline, () =>
      this.client.send('admin', anyNode, describeConfigs, {
        resources: names.map((name) => ({ resourceType: topicResource, resourceName: name, configurationKeys: null })),
      }),
    )
    return new Map(
      answer.results.map((result) => [result.resourceName, new Map(result.configs.map((c) => [c.name, c.value]))]),
    )
  }

  /**
   * What a group committed, by {@link partitionKey}; a partition without an offset is left out.
   * @param requireStable answers `unstable` for a partition with an offset in an open transaction (KIP-447)
   */
  async committedOffsets(
    groupId: string,
    partitions: readonly TopicPartition[],
    requireStable: boolean,
    lane: Lane = 'group',
  ): Promise<ReadonlyMap<string, CommittedOffset>> {
    const topics = byTopic(partitions, ({ partition }) => partition).map(({ name, partitions: partitionIndexes }) => ({
      name,
      partitionIndexes,
    }))
    const found = new Map<string, CommittedOffset>()
    const deadline = this.client.deadline()
    await this.client.retrying(deadline, async () => {
      found.clear()
      const node = await this.client.groupCoordinator(lane, groupId, deadline)
      const request = { groupId, topics, groups: [{ groupId, topics }], requireStable }
      const answer = await this.client.send(lane, node, offsetFetch, request, deadline, 7)
      const group = answer.groups[0] ?? answer
      if (group.errorCode !== kafkaError.NONE) throw kafkaFailure(group.errorCode, offsetFetch.name)
      for (const topic of group.topics ?? []) {
        for (const partition of topic.partitions) {
          const key = partitionKey(topic.name, partition.index)
          if (partition.errorCode === kafkaError.UNSTABLE_OFFSET_COMMIT) found.set(key, 'unstable')
          else if (partition.errorCode !== kafkaError.NONE) {
            throw kafkaFailure(partition.errorCode, offsetFetch.name, { topic: topic.name, partition: partition.index })
          } else if (partition.committedOffset >= 0) {
            found.set(key, { offset: partition.committedOffset, metadata: partition.metadata ?? '' })
          }
        }
      }
    })
    return found
  }

  /**
   * Commits offsets outside any transaction, under a membership: for tasks whose output is not in Kafka (X17).
   * @throws {StreamError} `MEMBERSHIP_LOST` (action `rejoin`) when the coordinator does not know this generation or member
   */
  async commitOffsets(group: GroupIdentity, offsets: readonly OffsetCommit[]): Promise<void> {
    const topics = offsetsByTopic(offsets)
    const deadline = this.client.deadline()
    await this.client.retrying(deadline, async () => {
      const node = await this.client.groupCoordinator('group', group.groupId, deadline)
      const answer = await this.client.send('group', node, offsetCommit, { ...group, topics }, deadline, 7)
      refuseFailed(offsetCommit.name, answer.topics)
    })
  }

  /** Repeats `attempt` with the leaders that there are then. */
  private async toLeaders<T extends TopicPartition>(
    partitions: readonly T[],
    lane: Lane,
    deadline: DeadlineMs,
    attempt: (byNode: ReadonlyMap<NodeId, readonly T[]>) => Promise<void>,
  ): Promise<void> {
    const topics = new Set(partitions.map(({ topic }) => topic))
    await this.client.retrying(deadline, () =>
      this.metadata.toLeaders(topics, async () => attempt(await this.byLeader(partitions, lane))),
    )
  }

  private async byLeader<T extends TopicPartition>(
    partitions: readonly T[],
    lane: Lane,
  ): Promise<ReadonlyMap<NodeId, readonly T[]>> {
    const byNode = new Map<NodeId, T[]>()
    for (const at of partitions) {
      const node = await this.metadata.leader(lane, at.topic, at.partition)
      const known = byNode.get(node)
      if (known) known.push(at)
      else byNode.set(node, [at])
    }
    return byNode
  }
}
