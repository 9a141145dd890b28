import type { Edge, RepartitionReason } from './edge.ts'
import type { ErrorPolicy, NodeId, SourceNode, TopologyNode } from './node.ts'
import { factsOf, isSource } from './node-kinds.ts'
import { refKey, type TopicRef } from './topic-ref.ts'

/** Nodes that belong to one sub-topology, in order of id. */
export type Group = readonly TopologyNode[]

/** What of the cluster a plan depends on. It is known when a job starts. */
export interface ClusterFacts {
  /** Partitions of a topic outside. */
  partitionsOf(topic: string): number | undefined
  /** Whether there is a repartition topic of this name already: what was written into it has to be read. */
  hasRepartition(name: string): boolean
}

/** Where no cluster is asked: topics are taken to be even, and nothing to have run before. */
export const nothingKnown: ClusterFacts = { partitionsOf: () => undefined, hasRepartition: () => false }

/**
 * The nodes of a topology with the edges between them, cut where records have to go through a topic (R10):
 *
 * - behind a node that gives keys, where a keyed operator needs the new one;
 * - before a keyed operator whose records are not where their keys are: by the splits of a connector, or in topics of
 *   which one has more partitions than another; and where they went through a topic before, which may not be read to its end;
 * - before each sink connector (X17), unless it alone reads a topic.
 */
export class Graph {
  readonly nodes: readonly TopologyNode[]
  readonly edges: readonly Edge[]
  /** In order of their first node. Sink connectors, and sources that only lead to one, are in none. */
  readonly groups: readonly Group[]
  readonly #keyed: readonly boolean[]
  readonly #policies: readonly ErrorPolicy[]

  constructor(nodes: readonly TopologyNode[], cluster: ClusterFacts) {
    this.nodes = nodes
    this.#keyed = this.#leadsToKeyed()
    this.#policies = policies(nodes)
    const even = this.#edges(new Map())
    const uneven = this.#groups(even)
      .filter((group) => isUneven(group, cluster))
      .flatMap((group) => this.#fedFromOutside(group, even))
    const apart = new Map<NodeId, RepartitionReason>([
      ...this.#asBefore(cluster).map((id) => [id, 'as before'] as const),
      ...uneven.map((id) => [id, 'uneven inputs'] as const),
    ])
    this.edges = apart.size === 0 ? even : this.#edges(apart)
    const direct = this.edges.filter(({ to, through }) => through === null && factsOf(this.node(to)).standsAlone)
    const alone = new Set(direct.flatMap(({ from }) => this.sourcesBeside(this.node(from)).map(({ id }) => id)))
    this.groups = this.#groups(this.edges).filter((group) => !group.some(({ id }) => alone.has(id)))
  }

  node(id: NodeId): TopologyNode {
    return this.nodes[id] as TopologyNode
  }

  /** All sources of one topic, the given one among them; none for other nodes. */
  sourcesBeside(node: TopologyNode): readonly SourceNode[] {
    if (!isSource(node)) return []
    const topic = topicOf(node)
    return this.nodes.filter(isSource).filter((source) => refKey(topicOf(source)) === refKey(topic))
  }

  /** What happens to records that fail in or behind a node: what its sources say, and `fail` where they disagree. */
  processPolicy(id: NodeId): ErrorPolicy {
    return this.#policies[id] ?? 'fail'
  }

  /** Whether a node's records have to be where their keys are, for itself or for what takes them from it. */
  #leadsToKeyed(): readonly boolean[] {
    const keyed = this.nodes.map((node) => factsOf(node).isKeyed)
    for (const { id, inputs } of this.nodes.toReversed()) {
      for (const from of inputs) if (keyed[id] && !givesKeys(this.node(from))) keyed[from] = true
    }
    return keyed
  }

  /** Keyed operators whose topic is there. One that a `keyBy` is named after is the `keyBy`'s. */
  #asBefore({ hasRepartition }: ClusterFacts): readonly NodeId[] {
    const names = new Set(this.nodes.filter(givesKeys).map((node) => factsOf(node).repartition(node)))
    return this.nodes
      .filter((node) => {
        const { isKeyed, repartition } = factsOf(node)
        const name = isKeyed ? repartition(node) : null
        return name !== null && !names.has(name) && hasRepartition(name)
      })
      .map(({ id }) => id)
  }

  /** @param apart keyed operators that get a topic of their own for another reason than where their records are */
  #edges(apart: ReadonlyMap<NodeId, RepartitionReason>): readonly Edge[] {
    const edges: Edge[] = []
    /** By node: whether each record that leaves it is in the partition of its key. */
    const placed: boolean[] = []
    for (const node of this.nodes) {
      const cuts = node.inputs.map((from) =>
        this.#cut(node, from, placed[from] === true ? (apart.get(node.id) ?? null) : 'by split'),
      )
      for (const [port, from] of node.inputs.entries()) {
        edges.push({ from, to: node.id, port, ...(cuts[port] ?? { through: null, reason: null }) })
      }
      const { leaves } = factsOf(node)
      const came = node.inputs.every(
        (from, port) => placed[from] === true || cuts[port]?.through.role === 'repartition',
      )
      placed.push(leaves === 'by-key' || (leaves === 'as-they-came' && came))
    }
    return edges
  }

  /** @param why `to` would get a topic of its own if it is a keyed operator */
  #cut(to: TopologyNode, from: NodeId, why: RepartitionReason | null): Cut | null {
    const writer = this.node(from)
    const facts = factsOf(to)
    if (facts.standsAlone) {
      const through = this.#isOnlyReader(writer) ? null : facts.topic(to)
      return through && { through, reason: null }
    }
    const behind = givesKeys(writer) && this.#keyed[to.id] ? factsOf(writer).repartition(writer) : null
    if (behind !== null) return repartition(behind, 'new key')
    const before = facts.isKeyed ? facts.repartition(to) : null
    return before === null || why === null ? null : repartition(before, why)
  }

  /** Whether nothing but one node reads the topic of a source. */
  #isOnlyReader(source: TopologyNode): boolean {
    const beside = new Set(this.sourcesBeside(source).map(({ id }) => id))
    return this.nodes.flatMap(({ inputs }) => inputs).filter((from) => beside.has(from)).length === 1
  }

  #groups(edges: readonly Edge[]): readonly Group[] {
    const leaders = this.nodes.map(({ id }) => id)
    const leaderOf = (id: NodeId): NodeId => {
      let leader = id
      while (leaders[leader] !== leader) leader = leaders[leader] as NodeId
      return leader
    }
    const unite = (a: NodeId, b: NodeId): void => {
      const [low, high] = [leaderOf(a), leaderOf(b)].sort((x, y) => x - y) as [NodeId, NodeId]
      leaders[high] = low
    }
    const readers = new Map<string, NodeId>()
    const readsTopic = (id: NodeId, topic: TopicRef): void => {
      const other = readers.get(refKey(topic))
      if (other === undefined) readers.set(refKey(topic), id)
      else unite(other, id)
    }
    for (const node of this.nodes) if (isSource(node)) readsTopic(node.id, topicOf(node))
    for (const { from, to, through } of edges) {
      if (factsOf(this.node(to)).standsAlone) continue
      if (through === null) unite(from, to)
      else readsTopic(to, through)
    }
    const groups = new Map<NodeId, TopologyNode[]>()
    for (const node of this.nodes) {
      if (factsOf(node).standsAlone) continue
      const leader = leaderOf(node.id)
      const group = groups.get(leader)
      if (group === undefined) groups.set(leader, [node])
      else group.push(node)
    }
    return [...groups.values()]
  }

  /** Keyed operators of a group that its topics outside reach without a topic between. */
  #fedFromOutside(group: Group, edges: readonly Edge[]): readonly NodeId[] {
    const reached = new Set(group.filter(isSource).map(({ id }) => id))
    for (const { from, to, through } of edges) {
      if (through === null && reached.has(from) && !factsOf(this.node(from)).isKeyed) reached.add(to)
    }
    return group.filter((node) => reached.has(node.id) && factsOf(node).isKeyed).map(({ id }) => id)
  }
}

interface Cut {
  readonly through: TopicRef
  readonly reason: RepartitionReason | null
}

function repartition(name: string, reason: RepartitionReason): Cut {
  return { through: { role: 'repartition', name }, reason }
}

/** The topic through which a source's records enter. */
export function topicOf(source: SourceNode): TopicRef {
  return factsOf(source).topic(source) as TopicRef
}

/** Whether a node gives records another key, under which they are not yet where it belongs. */
function givesKeys(node: TopologyNode): boolean {
  const { isKeyed, repartition } = factsOf(node)
  return !isKeyed && repartition(node) !== null
}

/** Whether a group keeps state while the topics of its sources differ in their number of partitions. */
function isUneven(group: Group, { partitionsOf }: ClusterFacts): boolean {
  if (!group.some((node) => factsOf(node).stores(node).length > 0)) return false
  const counts = group
    .filter(isSource)
    .map((node) => (node.kind === 'topic-source' ? partitionsOf(node.topic.name) : node.source.partitions))
  return new Set(counts.filter((count) => count !== undefined)).size > 1
}

function policies(nodes: readonly TopologyNode[]): readonly ErrorPolicy[] {
  const all: ErrorPolicy[] = []
  for (const node of nodes) {
    // Inputs come before what they feed: each node is asked once, however many ways lead to it.
    const skips = isSource(node) ? node.errors.process === 'skip' : node.inputs.every((id) => all[id] === 'skip')
    all.push(skips ? 'skip' : 'fail')
  }
  return all
}
