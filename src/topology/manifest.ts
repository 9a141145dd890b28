import { crc32c } from '../protocol/crc32c.ts'
import { presence } from '../serde/presence.ts'
import { encodeUtf8 } from '../serde/utf8.ts'
import { internalTopics, type Plan, type SubTopology } from './plan.ts'
import { type TopicRef, topicName } from './topic-ref.ts'

/** The encodings of one topic or store. */
export interface ManifestEntry {
  readonly name: string
  /** Serde ids. */
  readonly key: string
  readonly value: string
}

/** A topic that is part of the plan. */
export interface ManifestTopic extends ManifestEntry {
  readonly role: TopicRef['role'] | 'output'
  /** Partitions, where they are known. Those of internal topics never change (R13). */
  readonly partitions?: number
}

/** A sub-topology, by what its tasks are made of. */
export interface ManifestSubTopology {
  readonly kind: SubTopology['kind']
  /** Topics that it reads, and the connector of a source. */
  readonly reads: readonly string[]
  readonly stores: readonly string[]
}

/**
 * What of a plan outlives a process: written beside the state, and compared at the next start. Plain data in a fixed
 * order: equal plans have equal manifests.
 */
export interface Manifest {
  readonly format: 1
  readonly pipeline: string
  readonly appId: string
  /** By id. */
  readonly subtopologies: readonly ManifestSubTopology[]
  /** By name. */
  readonly topics: readonly ManifestTopic[]
  /** By name. */
  readonly stores: readonly ManifestEntry[]
  /** CRC-32C of all of the above, in hexadecimal: the same for the same plan, unlikely the same for another. */
  readonly hash: string
}

/** @param partitions of topics by their names in Kafka, as far as they are known */
export function manifestOf(plan: Plan, appId: string, partitions: ReadonlyMap<string, number> = new Map()): Manifest {
  const content = {
    format: 1 as const,
    pipeline: plan.name,
    appId,
    subtopologies: plan.subtopologies.map((sub) => subTopologyOf(sub, appId)),
    topics: topicsOf(plan, appId, partitions),
    stores: plan.subtopologies
      .flatMap((sub) => (sub.kind === 'processing' ? sub.stores : []))
      .map(({ name, key, value }) => ({ name, key: key.id, value: value.id }))
      .sort(byName),
  }
  const text = encodeUtf8(JSON.stringify(content))
  const hash = crc32c(text, 0, text.length).toString(16).padStart(8, '0')
  return { ...content, hash }
}

function subTopologyOf(sub: SubTopology, appId: string): ManifestSubTopology {
  switch (sub.kind) {
    case 'source':
      return { kind: sub.kind, reads: [sub.source.name], stores: [] }
    case 'processing': {
      const reads = sub.inputs.map(({ topic }) => topicName(appId, topic))
      return { kind: sub.kind, reads, stores: sub.stores.map(({ name }) => name) }
    }
    case 'sink':
      return { kind: sub.kind, reads: [topicName(appId, sub.input.topic)], stores: [] }
  }
}

function topicsOf(plan: Plan, appId: string, partitions: ReadonlyMap<string, number>): readonly ManifestTopic[] {
  const topics = new Map<string, ManifestTopic>()
  const add = (role: ManifestTopic['role'], name: string, key: string, value: string): void => {
    const count = partitions.get(name)
    if (!topics.has(name))
      topics.set(name, { name, role, key, value, ...(count === undefined ? {} : { partitions: count }) })
  }
  for (const sub of plan.subtopologies) {
    const inputs = sub.kind === 'processing' ? sub.inputs : sub.kind === 'sink' ? [sub.input] : []
    for (const { topic, key, value } of inputs) add(topic.role, topicName(appId, topic), key.id, value.id)
    if (sub.kind !== 'processing') continue
    for (const { name, key, value } of sub.stores) {
      add('changelog', topicName(appId, { role: 'changelog', name }), key.id, value.id)
    }
  }
  // Positions are the engine's own rows; all other internal topics are somebody's input or changelog.
  for (const ref of internalTopics(plan)) add(ref.role, topicName(appId, ref), 'text', 'json')
  for (const node of plan.nodes) {
    if (node.kind === 'topic-sink') add('output', node.topic.name, node.topic.key.id, node.topic.value.id)
  }
  return [...topics.values()].sort(byName)
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : 1
}

const internalRoles: ReadonlySet<ManifestTopic['role']> = new Set(['repartition', 'changelog', 'ingest', 'egress'])

/**
 * Where a plan would misread what an earlier one left in internal topics, a sentence each, by topic; empty when it can go
 * on. Values that are only counted can be whatever they were, and ones that were left out are looked for: {@link leftOut}.
 */
export function encodingConflicts(before: Manifest, now: Manifest): readonly string[] {
  return internalPairs(before, now).flatMap(([known, { name, key, value }]) => [
    ...(known.key === key ? [] : [`keys of ${name} were ${known.key} and are ${key} now`]),
    ...(known.value === value || value === presence.id || known.value === presence.id
      ? []
      : [`values of ${name} were ${known.value} and are ${value} now`]),
  ])
}

/** Topics out of which an earlier plan left values that this one needs, by name. */
export function leftOut(before: Manifest, now: Manifest): readonly string[] {
  return internalPairs(before, now).flatMap(([known, { name, value }]) =>
    known.value === presence.id && value !== presence.id ? [name] : [],
  )
}

/** Internal topics that both have, as the one and as the other has them. */
function internalPairs(before: Manifest, now: Manifest): readonly (readonly [ManifestTopic, ManifestTopic])[] {
  const earlier = new Map(before.topics.map((topic) => [topic.name, topic]))
  return now.topics.flatMap((topic) => {
    const known = earlier.get(topic.name)
    return known && known.role === topic.role && internalRoles.has(topic.role) ? [[known, topic] as const] : []
  })
}
