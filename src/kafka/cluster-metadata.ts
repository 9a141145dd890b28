import type { DeadlineMs } from '../core/clock.ts'
import { kafkaError } from '../protocol/kafka-errors.ts'
import { metadata } from '../protocol/messages/metadata.ts'
import type { KafkaClient } from './kafka-client.ts'
import { kafkaFailure } from './kafka-error.ts'
import { anyNode, type Lane, type NodeId } from './transport.ts'

/** What the cluster says of one topic. */
export interface TopicMetadata {
  readonly name: string
  /** 32 hexadecimal digits: another one means that the topic was deleted and created again. */
  readonly topicId: string
  /** The leader of each partition, by its number; -1 where there is none now. */
  readonly leaders: readonly NodeId[]
  /** Copies of the partition that has the fewest. */
  readonly replicas: number
}

const noLeader: NodeId = -1

/** Knows topics, partitions and leaders, refreshed when something says that they moved. */
export class ClusterMetadata {
  private readonly client: KafkaClient
  private readonly topics = new Map<string, TopicMetadata>()
  /** Topics that are being asked for now: all who want one of its leaders wait for the same answer. */
  private readonly asking = new Map<string, Promise<unknown>>()
  /** Empty until the first refresh. */
  clusterId = ''
  /** Ids of the brokers that the last answer named. */
  nodes: readonly NodeId[] = []

  constructor(client: KafkaClient) {
    this.client = client
  }

  /** Asks for these topics. @returns those that exist; a missing one is forgotten here */
  async refresh(lane: Lane, names: readonly string[], deadline?: DeadlineMs): Promise<readonly TopicMetadata[]> {
    const request = {
      topics: names.map((name) => ({ name, topicId: undefined })),
      allowAutoTopicCreation: false,
    }
    const until = deadline ?? this.client.deadline()
    const answer = await this.client.retrying(until, async () => {
      const found = await this.client.send(lane, anyNode, metadata, request, until)
      for (const topic of found.topics) {
        if (topic.errorCode !== kafkaError.NONE && topic.errorCode !== kafkaError.UNKNOWN_TOPIC_OR_PARTITION) {
          throw kafkaFailure(topic.errorCode, metadata.name, { topic: topic.name })
        }
      }
      return found
    })
    this.clusterId = answer.clusterId ?? ''
    this.nodes = answer.brokers.map((broker) => broker.nodeId)
    const existing: TopicMetadata[] = []
    for (const topic of answer.topics) {
      if (topic.errorCode !== kafkaError.NONE) {
        this.topics.delete(topic.name)
        continue
      }
      const leaders: number[] = []
      for (const partition of topic.partitions) leaders[partition.index] = partition.leaderId
      const replicas = Math.min(...topic.partitions.map((partition) => partition.replicaNodes.length))
      const known = { name: topic.name, topicId: topic.topicId, leaders, replicas }
      this.topics.set(topic.name, known)
      existing.push(known)
    }
    return existing
  }

  /** What is known of a topic without asking. */
  topic(name: string): TopicMetadata | undefined {
    return this.topics.get(name)
  }

  /** The number of partitions, 0 for a topic that is not known. */
  partitionCount(name: string): number {
    return this.topics.get(name)?.leaders.length ?? 0
  }

  /**
   * The leader of a partition, asked for when it is not known.
   * @throws {StreamError} `TOPIC_MISSING` or `REQUEST_FAILED`, action `retry`
   */
  async leader(lane: Lane, topic: string, partition: number): Promise<NodeId> {
    const known = this.topics.get(topic)?.leaders[partition]
    if (known !== undefined && known >= 0) return known
    await this.ask(lane, topic)
    const found = this.topics.get(topic)
    const leader = found?.leaders[partition]
    if (leader !== undefined && leader >= 0) return leader
    const code = leader === undefined ? kafkaError.UNKNOWN_TOPIC_OR_PARTITION : kafkaError.LEADER_NOT_AVAILABLE
    throw kafkaFailure(code, metadata.name, { topic, partition })
  }

  private ask(lane: Lane, topic: string): Promise<unknown> {
    const key = `${lane}:${topic}`
    let asking = this.asking.get(key)
    if (!asking) {
      asking = this.refresh(lane, [topic]).finally(() => this.asking.delete(key))
      this.asking.set(key, asking)
    }
    return asking
  }

  /** As {@link leader}, waiting for a partition that is about to get one. */
  leaderSoon(lane: Lane, topic: string, partition: number): Promise<NodeId> {
    return this.client.retrying(this.client.deadline(), () => this.leader(lane, topic, partition))
  }

  /**
   * Runs a request to the leaders of topics. Whatever it fails with, they may lead no more, a broker that died among them:
   * the next use asks again.
   */
  async toLeaders<T>(topics: Iterable<string>, attempt: () => Promise<T>): Promise<T> {
    try {
      return await attempt()
    } catch (error) {
      for (const topic of topics) this.forget(topic)
      throw error
    }
  }

  /** Forgets a topic's leaders: the next use asks again. Its id and how many partitions it has stay known. */
  forget(topic: string): void {
    const known = this.topics.get(topic)
    if (known) this.topics.set(topic, { ...known, leaders: known.leaders.map(() => noLeader) })
  }
}
