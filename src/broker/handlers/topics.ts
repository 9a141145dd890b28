import type { RequestOf, ResponseInput } from '../../protocol/api.ts'
import { kafkaError } from '../../protocol/kafka-errors.ts'
import type { createPartitions, createTopics, deleteRecords, deleteTopics } from '../../protocol/messages/topics.ts'
import type { Services } from '../services.ts'
import { settingProblem, TopicConfig } from '../topic-config.ts'
import { topicNameProblem } from '../topics.ts'
import { topicSettings } from './configs.ts'

/** Partitions of one topic, at most: each costs a file, and a typing error should not cost a disk. */
const partitionsMax = 10_000
const deleteRecordsToEnd = -1

type Creation = RequestOf<typeof createTopics>['topics'][number]
type Growth = RequestOf<typeof createPartitions>['topics'][number]
type Created = {
  readonly name: string
  readonly id: string
  readonly config: TopicConfig
  readonly partitions: number
}
type Problem = { readonly errorCode: number; readonly errorMessage: string }

/** CreateTopics (19). Each topic succeeds or fails by itself. */
export async function handleCreateTopics(
  services: Services,
  request: RequestOf<typeof createTopics>,
): Promise<ResponseInput<typeof createTopics>> {
  const times = new Map<string, number>()
  for (const { name } of request.topics) times.set(name, (times.get(name) ?? 0) + 1)
  const topics = []
  for (const wanted of request.topics) {
    const found =
      times.get(wanted.name) !== 1
        ? problem(kafkaError.INVALID_REQUEST, `topic '${wanted.name}' is named twice`)
        : await create(services, wanted, request.validateOnly)
    topics.push('errorCode' in found ? { name: wanted.name, ...found } : created(found))
  }
  return { topics }
}

async function create(services: Services, wanted: Creation, isTrial: boolean): Promise<Problem | Created> {
  const { name } = wanted
  const taken = () => problem(kafkaError.TOPIC_ALREADY_EXISTS, `Topic '${name}' already exists.`)
  const nameProblem = topicNameProblem(name)
  if (nameProblem) return problem(kafkaError.INVALID_TOPIC_EXCEPTION, nameProblem)
  if (services.topics.get(name)) return taken()
  const colliding = services.topics.collidingWith(name)
  if (colliding) {
    return problem(
      kafkaError.INVALID_TOPIC_EXCEPTION,
      `Topic '${name}' collides with existing topic: ${colliding.name}`,
    )
  }
  const count = partitionCount(services, wanted)
  if (typeof count !== 'number') return count
  const configs = new Map<string, string>()
  for (const { name: setting, value } of wanted.configs) {
    if (value === null) return problem(kafkaError.INVALID_CONFIG, `the setting ${setting} must not be null`)
    const wrong = settingProblem(setting, value)
    if (wrong) return problem(kafkaError.INVALID_CONFIG, wrong)
    configs.set(setting, value)
  }
  if (isTrial) return { name, id: '0'.repeat(32), config: new TopicConfig(configs), partitions: count }
  const topic = await services.topics.create(name, count, configs)
  return topic ? { name, id: topic.id, config: topic.config, partitions: count } : taken()
}

function partitionCount(services: Services, wanted: Creation): number | Problem {
  const { numPartitions, replicationFactor, assignments } = wanted
  if (assignments.length > 0) {
    if (numPartitions !== -1 || replicationFactor !== -1) {
      return problem(kafkaError.INVALID_REQUEST, 'either an assignment or numbers of partitions and replicas, not both')
    }
    const isOurs = assignments.every(
      ({ brokerIds }) => brokerIds.length === 1 && brokerIds[0] === services.options.nodeId,
    )
    const isDense = assignments.map(({ index }) => index).sort((a, b) => a - b)
    return isOurs && isDense.every((index, i) => index === i)
      ? assignments.length
      : problem(
          kafkaError.INVALID_REPLICA_ASSIGNMENT,
          `partitions from 0 on, each on broker ${services.options.nodeId}`,
        )
  }
  if (replicationFactor !== -1 && replicationFactor !== 1) {
    return problem(
      kafkaError.INVALID_REPLICATION_FACTOR,
      `replication factor ${replicationFactor}: this is the only broker, it must be 1 or -1`,
    )
  }
  const count = numPartitions === -1 ? services.options.defaultPartitions : numPartitions
  if (count >= 1 && count <= partitionsMax) return count
  return problem(kafkaError.INVALID_PARTITIONS, `${count} partitions; 1 to ${partitionsMax} are possible`)
}

function created(topic: Created): ResponseInput<typeof createTopics>['topics'][number] {
  return {
    name: topic.name,
    topicId: topic.id,
    errorCode: kafkaError.NONE,
    errorMessage: null,
    numPartitions: topic.partitions,
    replicationFactor: 1,
    configs: topicSettings(topic.config, null).map(({ name, value, configSource }) => ({
      name,
      value,
      readOnly: false,
      configSource,
      isSensitive: false,
    })),
  }
}

/** DeleteTopics (20), by name or by id. */
export async function handleDeleteTopics(
  services: Services,
  request: RequestOf<typeof deleteTopics>,
): Promise<ResponseInput<typeof deleteTopics>> {
  const wanted = [...request.topics, ...request.topicNames.map((name) => ({ name, topicId: '' }))]
  const responses = []
  for (const { name, topicId } of wanted) {
    const topic = name === null ? services.topics.byId(topicId) : services.topics.get(name)
    if (topic) await services.topics.delete(topic, () => services.offsets.removeTopic(topic.name))
    const missing = name === null ? kafkaError.UNKNOWN_TOPIC_ID : kafkaError.UNKNOWN_TOPIC_OR_PARTITION
    responses.push({
      name: topic?.name ?? name,
      topicId: topic?.id ?? (topicId || '0'.repeat(32)),
      errorCode: topic ? kafkaError.NONE : missing,
      errorMessage: topic ? null : 'This server does not host this topic.',
    })
  }
  return { responses }
}

/** CreatePartitions (37). */
export async function handleCreatePartitions(
  services: Services,
  request: RequestOf<typeof createPartitions>,
): Promise<ResponseInput<typeof createPartitions>> {
  const results = []
  for (const wanted of request.topics) {
    const found = await grow(services, wanted, request.validateOnly)
    results.push({
      name: wanted.name,
      errorCode: found?.errorCode ?? kafkaError.NONE,
      errorMessage: found?.errorMessage ?? null,
    })
  }
  return { results }
}

async function grow(services: Services, wanted: Growth, isTrial: boolean): Promise<Problem | null> {
  const { name, count, assignments } = wanted
  const topic = services.topics.get(name)
  const unknown = problem(kafkaError.UNKNOWN_TOPIC_OR_PARTITION, 'This server does not host this topic-partition.')
  if (!topic) return unknown
  if (count <= topic.logs.length || count > partitionsMax) {
    return problem(kafkaError.INVALID_PARTITIONS, `topic has ${topic.logs.length} partitions, ${count} asked for`)
  }
  if (assignments?.some(({ brokerIds }) => brokerIds.length !== 1 || brokerIds[0] !== services.options.nodeId)) {
    return problem(kafkaError.INVALID_REPLICA_ASSIGNMENT, `each partition on broker ${services.options.nodeId}`)
  }
  return isTrial || (await services.topics.grow(topic, count)) ? null : unknown
}

/** DeleteRecords (21): moves the start of logs and frees the segment files below it. */
export async function handleDeleteRecords(
  services: Services,
  request: RequestOf<typeof deleteRecords>,
): Promise<ResponseInput<typeof deleteRecords>> {
  const topics = []
  for (const { name, partitions } of request.topics) {
    const answers = []
    for (const { index, offset } of partitions) {
      const topic = services.topics.get(name)
      const log = topic?.logs[index]
      if (!topic || !log) {
        answers.push({ index, lowWatermark: -1, errorCode: kafkaError.UNKNOWN_TOPIC_OR_PARTITION })
        continue
      }
      const target = offset === deleteRecordsToEnd ? log.highWatermark : offset
      if (target < 0 || target > log.highWatermark) {
        answers.push({ index, lowWatermark: -1, errorCode: kafkaError.OFFSET_OUT_OF_RANGE })
        continue
      }
      await services.topics.moveStart(topic, log, target)
      answers.push({ index, lowWatermark: log.startOffset, errorCode: kafkaError.NONE })
    }
    topics.push({ name, partitions: answers })
  }
  return { topics }
}

function problem(errorCode: number, errorMessage: string): Problem {
  return { errorCode, errorMessage }
}
