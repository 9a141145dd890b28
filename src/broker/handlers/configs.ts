import type { RequestOf, ResponseInput } from '../../protocol/api.ts'
import { kafkaError } from '../../protocol/kafka-errors.ts'
import {
  type alterConfigs,
  brokerResource,
  type describeConfigs,
  type incrementalAlterConfigs,
  topicResource,
} from '../../protocol/messages/configs.ts'
import type { Services } from '../services.ts'
import { isListSetting, settingProblem, type TopicConfig, topicSettingNames, typeNumberOf } from '../topic-config.ts'

/** `configSource` of a setting that a user gave the topic. */
const givenSource = 1
/** `configSource` of a setting that the broker was started with. */
const brokerSource = 4
/** `configSource` of a default. */
const defaultSource = 5

type ConfigAnswer = ResponseInput<typeof describeConfigs>['results'][number]['configs'][number] & {
  readonly configSource: number
}

/** A topic's settings, all or the named ones, as DescribeConfigs and CreateTopics give them. */
export function topicSettings(config: TopicConfig, names: readonly string[] | null): ConfigAnswer[] {
  return topicSettingNames
    .filter((name) => names === null || names.includes(name))
    .map((name) => ({
      name,
      value: config.get(name),
      readOnly: false,
      configSource: config.given.has(name) ? givenSource : defaultSource,
      isSensitive: false,
      configType: typeNumberOf(name),
      documentation: null,
    }))
}

function brokerSettings(services: Services, names: readonly string[] | null): ConfigAnswer[] {
  const { options } = services
  const values = new Map<string, string>([
    ['auto.create.topics.enable', String(options.autoCreateTopics)],
    ['broker.id', String(options.nodeId)],
    ['default.replication.factor', '1'],
    ['group.max.session.timeout.ms', String(options.sessionTimeoutMsMax)],
    ['group.min.session.timeout.ms', String(options.sessionTimeoutMsMin)],
    ['log.segment.bytes', String(options.segmentBytes)],
    ['message.max.bytes', '1048588'],
    ['min.insync.replicas', '1'],
    ['num.partitions', String(options.defaultPartitions)],
    ['transaction.max.timeout.ms', String(options.transactionTimeoutMsMax)],
  ])
  return [...values]
    .filter(([name]) => names === null || names.includes(name))
    .map(([name, value]) => ({
      name,
      value,
      readOnly: true,
      configSource: brokerSource,
      isSensitive: false,
      configType: 2,
      documentation: null,
    }))
}

/** DescribeConfigs (32), of topics and of this broker. */
export function handleDescribeConfigs(
  services: Services,
  request: RequestOf<typeof describeConfigs>,
): ResponseInput<typeof describeConfigs> {
  return {
    results: request.resources.map(({ resourceType, resourceName, configurationKeys }) => {
      const resource = { resourceType, resourceName }
      if (resourceType === topicResource) {
        const topic = services.topics.get(resourceName)
        if (!topic) return { ...resource, ...unknownTopic, configs: [] }
        return { ...resource, ...fine, configs: topicSettings(topic.config, configurationKeys) }
      }
      const isThisBroker = resourceName === '' || resourceName === String(services.options.nodeId)
      if (resourceType !== brokerResource || !isThisBroker) {
        return { ...resource, ...refused(kafkaError.INVALID_REQUEST, 'neither a topic nor this broker'), configs: [] }
      }
      return { ...resource, ...fine, configs: brokerSettings(services, configurationKeys) }
    }),
  }
}

/** AlterConfigs (33): the settings given replace all that the topic had. */
export async function handleAlterConfigs(
  services: Services,
  request: RequestOf<typeof alterConfigs>,
): Promise<ResponseInput<typeof alterConfigs>> {
  const responses = []
  for (const { resourceType, resourceName, configs } of request.resources) {
    const given = new Map(configs.map(({ name, value }) => [name, value]))
    const change: Change = { resourceType, resourceName, next: () => given }
    responses.push(await alter(services, change, request.validateOnly))
  }
  return { responses }
}

/** IncrementalAlterConfigs (44): sets, deletes, appends to and subtracts from single settings. */
export async function handleIncrementalAlterConfigs(
  services: Services,
  request: RequestOf<typeof incrementalAlterConfigs>,
): Promise<ResponseInput<typeof incrementalAlterConfigs>> {
  const responses = []
  for (const { resourceType, resourceName, configs } of request.resources) {
    const next = (config: TopicConfig): Map<string, string | null> | string => {
      const changed = new Map<string, string | null>(config.given)
      for (const { name, configOperation, value } of configs) {
        if (configOperation > 1 && !isListSetting(name)) return `the setting ${name} is no list`
        const items = config
          .get(name)
          .split(',')
          .filter((item) => item !== '')
        const operands = (value ?? '').split(',')
        if (configOperation === 0) changed.set(name, value)
        else if (configOperation === 1) changed.delete(name)
        else if (configOperation === 2) changed.set(name, [...new Set([...items, ...operands])].join(','))
        else if (configOperation === 3) changed.set(name, items.filter((item) => !operands.includes(item)).join(','))
        else return `operation ${configOperation} is unknown`
      }
      return changed
    }
    responses.push(await alter(services, { resourceType, resourceName, next }, request.validateOnly))
  }
  return { responses }
}

interface Change {
  readonly resourceType: number
  readonly resourceName: string
  /** The settings that the topic is to have, or what is wrong. */
  readonly next: (config: TopicConfig) => ReadonlyMap<string, string | null> | string
}

type AlterAnswer = ResponseInput<typeof alterConfigs>['responses'][number]

async function alter(services: Services, change: Change, isTrial: boolean): Promise<AlterAnswer> {
  const { resourceType, resourceName } = change
  const resource = { resourceType, resourceName }
  if (resourceType !== topicResource) {
    return { ...resource, ...refused(kafkaError.INVALID_REQUEST, 'only settings of topics can be altered here') }
  }
  const topic = services.topics.get(resourceName)
  if (!topic) return { ...resource, ...unknownTopic }
  const next = change.next(topic.config)
  if (typeof next === 'string') return { ...resource, ...refused(kafkaError.INVALID_CONFIG, next) }
  const configs = new Map<string, string>()
  for (const [name, value] of next) {
    const wrong = value === null ? `the setting ${name} must not be null` : settingProblem(name, value)
    if (wrong !== null) return { ...resource, ...refused(kafkaError.INVALID_CONFIG, wrong) }
    configs.set(name, value ?? '')
  }
  const isThere = isTrial || (await services.topics.configure(topic, configs))
  return { ...resource, ...(isThere ? fine : unknownTopic) }
}

const fine = { errorCode: kafkaError.NONE, errorMessage: null }
const unknownTopic = refused(kafkaError.UNKNOWN_TOPIC_OR_PARTITION, 'This server does not host this topic-partition.')

function refused(errorCode: number, errorMessage: string): { errorCode: number; errorMessage: string } {
  return { errorCode, errorMessage }
}
