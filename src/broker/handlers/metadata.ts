import type { RequestOf, ResponseInput } from '../../protocol/api.ts'
import { kafkaError } from '../../protocol/kafka-errors.ts'
import type { describeCluster } from '../../protocol/messages/cluster.ts'
import type { metadata } from '../../protocol/messages/metadata.ts'
import type { RequestContext, Services } from '../services.ts'
import { type Topic, topicNameProblem } from '../topics.ts'

const noId = '0'.repeat(32)

type TopicAnswer = ResponseInput<typeof metadata>['topics'][number]

/** Metadata (3): this broker, and the topics asked for. A missing one is created only where both sides allow it. */
export async function handleMetadata(
  services: Services,
  request: RequestOf<typeof metadata>,
  context: RequestContext,
): Promise<ResponseInput<typeof metadata>> {
  // Below version 1 an empty list, from there on null, means all topics.
  const wantsAll = request.topics === null || (context.version === 0 && request.topics.length === 0)
  const topics: TopicAnswer[] = []
  if (wantsAll) for (const topic of services.topics.all()) topics.push(describe(services, topic))
  else {
    // Each once: a short request must not ask for a long answer.
    const named = new Map(
      (request.topics ?? []).map((wanted) => [`${wanted.name === null} ${wanted.name ?? wanted.topicId}`, wanted]),
    )
    for (const wanted of named.values()) {
      const topic = await find(services, wanted, request.allowAutoTopicCreation)
      topics.push(typeof topic === 'number' ? missing(wanted, topic) : describe(services, topic))
    }
  }
  const { host, port } = context.connection.advertised
  return {
    brokers: [{ nodeId: services.options.nodeId, host, port, rack: null }],
    clusterId: services.clusterId,
    controllerId: services.options.nodeId,
    topics,
  }
}

/** DescribeCluster (60). */
export function handleDescribeCluster(
  services: Services,
  _request: RequestOf<typeof describeCluster>,
  context: RequestContext,
): ResponseInput<typeof describeCluster> {
  const { host, port } = context.connection.advertised
  return {
    errorCode: kafkaError.NONE,
    errorMessage: null,
    clusterId: services.clusterId,
    controllerId: services.options.nodeId,
    brokers: [{ brokerId: services.options.nodeId, host, port, rack: null }],
  }
}

async function find(
  services: Services,
  wanted: { readonly name: string | null; readonly topicId: string },
  mayCreate: boolean,
): Promise<Topic | number> {
  if (wanted.name === null) return services.topics.byId(wanted.topicId) ?? kafkaError.UNKNOWN_TOPIC_ID
  const known = services.topics.get(wanted.name)
  if (known) return known
  if (topicNameProblem(wanted.name) !== null) return kafkaError.INVALID_TOPIC_EXCEPTION
  if (!mayCreate || !services.options.autoCreateTopics) return kafkaError.UNKNOWN_TOPIC_OR_PARTITION
  const created = await services.topics.create(wanted.name, services.options.defaultPartitions, new Map())
  return created ?? services.topics.get(wanted.name) ?? kafkaError.UNKNOWN_TOPIC_OR_PARTITION
}

function missing(wanted: { readonly name: string | null; readonly topicId: string }, errorCode: number): TopicAnswer {
  return { errorCode, name: wanted.name ?? '', topicId: wanted.name === null ? wanted.topicId : noId, partitions: [] }
}

function describe(services: Services, topic: Topic): TopicAnswer {
  const nodes = [services.options.nodeId]
  return {
    errorCode: kafkaError.NONE,
    name: topic.name,
    topicId: topic.id,
    isInternal: false,
    partitions: topic.logs.map((log) => ({
      errorCode: kafkaError.NONE,
      index: log.partition,
      leaderId: services.options.nodeId,
      leaderEpoch: log.leaderEpoch,
      replicaNodes: nodes,
      isrNodes: nodes,
    })),
  }
}
