import { StreamError } from '../core/errors.ts'
import { nothing } from '../serde/nullable.ts'
import { type Graph, topicOf } from './graph.ts'
import { checkName, checkTopicLength } from './naming.ts'
import type { NodeId, NodeOf, SourceNode, TopicSpec, TopologyNode } from './node.ts'
import { encodings, factsOf, isSource, type UserName } from './node-kinds.ts'
import { internalTopics, type Plan } from './plan.ts'
import { controlTopic, refKey, topicName } from './topic-ref.ts'
import type { Topology } from './topology-builder.ts'

/**
 * Refuses what types cannot see: names used twice, encodings that differ, keys that are missing.
 *
 * @throws {StreamError} `PLAN_INVALID`; the message says what was expected, what was found and what to do
 */
export function validateTopology({ name, nodes }: Topology): void {
  if (!nodes.some(isSource)) {
    throw invalid(
      `pipeline ${name}: expected a stream to begin with, found none; call stream(...) in its build function`,
    )
  }
  checkNames(nodes)
  checkSources(nodes)
  checkSinks(nodes)
  for (const node of nodes) checkKeys(node, nodes)
}

/**
 * Refuses a plan that names one of its own internal topics. They depend on the application id, so that a job with
 * another id than the pipeline's name asks again.
 *
 * @throws {StreamError} `PLAN_INVALID`
 */
export function refuseInternalTopics(plan: Plan, appId: string): void {
  const internal = new Map(internalTopics(plan).map((ref) => [topicName(appId, ref), ref]))
  for (const topic of internal.keys()) checkTopicLength(topic)
  for (const node of plan.nodes) {
    const topic = factsOf(node).topic(node)
    if (topic?.role === 'external' && topic.name === controlTopic(appId)) {
      throw invalid(
        `topic ${topic.name}: expected a topic of the user's, found the one in which the engine keeps what is true of ${appId} as a whole; rename it`,
      )
    }
    const ref = topic?.role === 'external' ? internal.get(topic.name) : undefined
    if (ref !== undefined) {
      throw invalid(
        `topic ${topic?.name}: expected a topic of the user's, found the ${ref.role} topic of ${JSON.stringify(ref.name)}, which is the engine's own; use the stream or table in place, or to(...) a topic`,
      )
    }
  }
}

const renaming: Readonly<Record<UserName['what'], string>> = {
  store: 'rename one of the two stores',
  repartition: 'rename one of the two keyBy',
  connector: 'rename one of the two connectors',
}

function checkNames(nodes: readonly TopologyNode[]): void {
  const taken = new Map<string, unknown>()
  for (const node of nodes) {
    const facts = factsOf(node)
    for (const { what, name, owner } of facts.names(node)) {
      checkName(what, name)
      const holder = taken.get(`${what} ${name}`)
      if (holder !== undefined && holder !== owner) {
        throw invalid(`${what} ${name}: expected a name of its own, found it given twice; ${renaming[what]}`)
      }
      taken.set(`${what} ${name}`, owner)
    }
    const topic = facts.topic(node)
    if (topic?.role === 'external') checkName('topic', topic.name)
    if (node.kind === 'connector-source') checkPartitions(`source ${node.source.name}`, node.source.partitions)
  }
}

/**
 * Refuses a repartition topic that two would write: one is named by a `keyBy`, another by the store before which the engine
 * needs one.
 *
 * @throws {StreamError} `PLAN_INVALID`
 */
export function refuseSharedRepartitions({ edges }: Graph): void {
  const writers = new Map<string, NodeId>()
  for (const { from, through } of edges) {
    if (through?.role !== 'repartition') continue
    const writer = writers.get(through.name)
    if (writer !== undefined && writer !== from) {
      throw invalid(
        `repartition ${through.name}: expected a name of its own, found a keyBy and a store of that name, before which records go through a topic, too; rename one of the two`,
      )
    }
    writers.set(through.name, from)
  }
}

function checkSources(nodes: readonly TopologyNode[]): void {
  const used = new Set(nodes.flatMap(({ inputs }) => inputs))
  for (const node of nodes.filter(isSource)) {
    const { name } = topicOf(node)
    const same = nodes.filter(isSource).filter((other) => refKey(topicOf(other)) === refKey(topicOf(node)))
    if (!same.some(({ id }) => used.has(id))) {
      throw invalid(
        `stream(${name}): expected something to be done with its records, found nothing; use it or leave it out`,
      )
    }
    for (const other of same) {
      // Two schemas over one encoding have one id, but only one of them would be asked.
      if (other.key !== node.key || other.value !== node.value) {
        throw invalid(
          `stream(${name}): expected one serde for a topic's keys and one for its values, found ${encodings(node)} and ${encodings(other)} that differ; declare the topic once and read that`,
        )
      }
      if (other.timestamp !== node.timestamp || optionsOf(other) !== optionsOf(node)) {
        throw invalid(
          `stream(${name}): expected the same options each time a topic is read, found others; call stream(${name}) once and use its result twice`,
        )
      }
    }
  }
}

/** The options of a stream as one text, but for its function. */
function optionsOf(source: SourceNode): string {
  const until = source.kind === 'topic-source' ? source.until : undefined
  return JSON.stringify([until ?? null, source.errors.decode, source.errors.process])
}

function checkSinks(nodes: readonly TopologyNode[]): void {
  const topics = new Map<string, TopicSpec>()
  for (const node of nodes) if (node.kind === 'topic-source') topics.set(node.topic.name, node.topic)
  const written = new Map<string, TopicSpec>()
  for (const { topic } of nodes.filter((node): node is NodeOf<'topic-sink'> => node.kind === 'topic-sink')) {
    checkPartitions(`topic ${topic.name}`, topic.partitions)
    const other = topics.get(topic.name)
    if (other !== undefined && (other.key.id !== topic.key.id || other.value.id !== topic.value.id)) {
      throw invalid(
        `topic ${topic.name}: expected one encoding of its keys and one of its values, found ${encodings(other)} and ${encodings(topic)}; declare the topic once`,
      )
    }
    topics.set(topic.name, topic)
    const twin = written.get(topic.name)
    if (twin !== undefined && creationOf(twin) !== creationOf(topic)) {
      throw invalid(
        `topic ${topic.name}: expected one number of partitions and one config, found ${creationOf(twin)} and ${creationOf(topic)}; declare the topic once`,
      )
    }
    written.set(topic.name, topic)
  }
}

function checkKeys(node: TopologyNode, nodes: readonly TopologyNode[]): void {
  const inputs = node.inputs.map((id) => nodes[id] as TopologyNode)
  const [first] = inputs
  if (first === undefined) return
  const facts = factsOf(node)
  if (facts.isKeyed && first.key.id === nothing.id) {
    throw invalid(
      `${facts.describe(node)}: expected records with a key to group by, found records that never have one; call keyBy first`,
    )
  }
  const stranger = inputs.find(({ key }) => key.id !== first.key.id)
  if (stranger !== undefined) {
    throw invalid(
      `${node.kind}: expected the same encoding of keys on all sides, found ${first.key.id} and ${stranger.key.id}; call keyBy on one side with the other's serde`,
    )
  }
}

function checkPartitions(what: string, partitions: number | undefined): void {
  if (partitions === undefined || (Number.isSafeInteger(partitions) && partitions > 0)) return
  throw invalid(`${what}: expected a whole number of partitions from 1 on, found ${partitions}; correct it`)
}

function creationOf({ partitions, config = {} }: TopicSpec): string {
  const settings = Object.entries(config).sort(([a], [b]) => (a < b ? -1 : 1))
  return JSON.stringify([partitions ?? 'any', Object.fromEntries(settings)])
}

function invalid(message: string): StreamError {
  return new StreamError('PLAN_INVALID', message)
}
