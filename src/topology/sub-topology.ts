import { presence } from '../serde/presence.ts'
import type { AnySerde } from '../serde/serde.ts'
import type { ConnectorSinkNode, ErrorPolicy, NodeId, TopologyNode } from './node.ts'
import type { InputSpec, OutputSpec, SubTopology, TopicRef } from './plan.ts'
import type { Topology } from './topology-builder.ts'

type WithoutPlace<S> = S extends SubTopology ? Omit<S, 'id' | 'upstream'> : never

/** A sub-topology before it has its place in the plan. */
export interface SubTopologyDraft {
  readonly parts: WithoutPlace<SubTopology>
  /** Its first node: the order of drafts that do not wait for each other. */
  readonly first: NodeId
  readonly reads: readonly TopicRef[]
  readonly writes: readonly TopicRef[]
}

/** A node that begins a plan. */
export type SourceNode = Extract<TopologyNode, { kind: 'topic-source' | 'connector-source' }>

/**
 * Cuts a topology where records have to go through a topic: behind a `keyBy` whose new key a keyed operator needs, and
 * before each sink connector (X17). All that reads one topic stays together (X21). Everything else is as large as it
 * can be.
 */
export function cutTopology(topology: Topology): readonly SubTopologyDraft[] {
  const graph = new Graph(topology.nodes)
  const directSinks = new Set(topology.nodes.filter(isConnectorSink).filter((sink) => graph.readsAlone(sink)))
  const alone = new Set(
    [...directSinks].flatMap((sink) => graph.sourcesBeside(graph.inputOf(sink)).map(({ id }) => id)),
  )
  const groups = graph.groups().filter((group) => !group.some(({ id }) => alone.has(id)))
  return [
    ...sourceDrafts(graph),
    ...groups.map((group) => processingDraft(graph, group)),
    ...topology.nodes.filter(isConnectorSink).map((sink) => sinkDraft(graph, sink, directSinks.has(sink))),
  ]
}

/** The topic through which a source's records enter. */
export function topicOf(source: SourceNode): TopicRef {
  return source.kind === 'topic-source'
    ? { role: 'external', name: source.topic.name }
    : { role: 'ingest', name: source.source.name }
}

/** Whether a node begins the plan. */
export function isSource(node: TopologyNode): node is SourceNode {
  return node.kind === 'topic-source' || node.kind === 'connector-source'
}

function isConnectorSink(node: TopologyNode): node is ConnectorSinkNode {
  return node.kind === 'connector-sink'
}

/** One string a topic. */
export function refKey({ role, name }: TopicRef): string {
  return `${role}:${name}`
}

class Graph {
  readonly nodes: readonly TopologyNode[]
  readonly #children: readonly (readonly TopologyNode[])[]
  readonly #keyed: readonly boolean[]
  readonly #policies: readonly ErrorPolicy[]

  constructor(nodes: readonly TopologyNode[]) {
    this.nodes = nodes
    const children: TopologyNode[][] = nodes.map(() => [])
    for (const node of nodes) for (const input of node.inputs) children[input]?.push(node)
    this.#children = children
    const keyed = nodes.map(() => false)
    for (const node of nodes.toReversed()) {
      const behind = children[node.id] ?? []
      keyed[node.id] = node.kind === 'aggregate' || (node.kind !== 'key-by' && behind.some(({ id }) => keyed[id]))
    }
    this.#keyed = keyed
    const policies: ErrorPolicy[] = []
    for (const node of nodes) {
      // Inputs come before what they feed: each node is asked once, however many ways lead to it.
      const skips = isSource(node) ? node.errors.process === 'skip' : node.inputs.every((id) => policies[id] === 'skip')
      policies.push(skips ? 'skip' : 'fail')
    }
    this.#policies = policies
  }

  node(id: NodeId): TopologyNode {
    return this.nodes[id] as TopologyNode
  }

  inputOf(sink: ConnectorSinkNode): TopologyNode {
    return this.node(sink.inputs[0] as NodeId)
  }

  /** In order of id. */
  children(node: TopologyNode): readonly TopologyNode[] {
    return this.#children[node.id] ?? []
  }

  /** Whether records go from one node to the next through a topic. */
  isCut(from: TopologyNode, to: TopologyNode): boolean {
    return to.kind === 'connector-sink' || (from.kind === 'key-by' && this.#keyed[to.id] === true)
  }

  /** All sources of one topic, the given one among them; none for other nodes. */
  sourcesBeside(node: TopologyNode): readonly SourceNode[] {
    if (!isSource(node)) return []
    const key = refKey(topicOf(node))
    return this.nodes.filter(isSource).filter((source) => refKey(topicOf(source)) === key)
  }

  /** Whether a sink takes the records of a topic as they are and nothing else reads it: then it needs no egress topic. */
  readsAlone(sink: ConnectorSinkNode): boolean {
    const readers = this.sourcesBeside(this.inputOf(sink)).flatMap((source) => this.children(source))
    return readers.length === 1 && readers[0] === sink
  }

  /** What reads a `keyBy` through its repartition topic; none for other nodes. */
  repartitioned(node: TopologyNode): readonly TopologyNode[] {
    if (node.kind !== 'key-by') return []
    return this.children(node).filter((child) => child.kind !== 'connector-sink' && this.isCut(node, child))
  }

  /** Nodes that hand records to each other directly, or read one topic; in order of their first node. */
  groups(): readonly (readonly TopologyNode[])[] {
    const leaders = this.nodes.map(({ id }) => id)
    const leaderOf = (id: NodeId): NodeId => {
      let leader = id
      while (leaders[leader] !== leader) leader = leaders[leader] as NodeId
      return leader
    }
    const unite = (a: TopologyNode, b: TopologyNode): void => {
      const [low, high] = [leaderOf(a.id), leaderOf(b.id)].sort((x, y) => x - y) as [NodeId, NodeId]
      leaders[high] = low
    }
    for (const node of this.nodes) {
      for (const source of this.sourcesBeside(node)) unite(source, node)
      for (const child of this.children(node)) if (!this.isCut(node, child)) unite(node, child)
      const [reader, ...readers] = this.repartitioned(node)
      for (const other of readers) if (reader !== undefined) unite(reader, other)
    }
    const groups = new Map<NodeId, TopologyNode[]>()
    for (const node of this.nodes) {
      if (node.kind === 'connector-sink') continue
      const leader = leaderOf(node.id)
      const group = groups.get(leader)
      if (group === undefined) groups.set(leader, [node])
      else group.push(node)
    }
    return [...groups.values()]
  }

  /** What happens to records that fail in or behind a node: what its sources say, and `fail` where they disagree. */
  processPolicy(node: TopologyNode): ErrorPolicy {
    return this.#policies[node.id] ?? 'fail'
  }
}

function sourceDrafts(graph: Graph): readonly SubTopologyDraft[] {
  const drafts = new Map<string, SubTopologyDraft>()
  for (const node of graph.nodes) {
    if (node.kind !== 'connector-source' || drafts.has(node.source.name)) continue
    drafts.set(node.source.name, {
      parts: { kind: 'source', source: node.source },
      first: node.id,
      reads: [],
      writes: [topicOf(node)],
    })
  }
  return [...drafts.values()]
}

function processingDraft(graph: Graph, group: readonly TopologyNode[]): SubTopologyDraft {
  const inputs = [...sourceInputs(graph, group), ...repartitionInputs(graph, group)]
  inputs.sort((a, b) => (refKey(a.topic) < refKey(b.topic) ? -1 : 1))
  const outputs = group.flatMap((node) => outputsOf(graph, node))
  const sinks = group.flatMap((node): TopicRef[] =>
    node.kind === 'topic-sink' ? [{ role: 'external', name: node.topic.name }] : [],
  )
  return {
    parts: {
      kind: 'processing',
      inputs,
      nodes: group.filter((node) => !isSource(node)),
      outputs,
      stores: group.flatMap((node) => (node.kind === 'aggregate' ? [node.store] : [])),
    },
    first: (group[0] as TopologyNode).id,
    reads: inputs.map(({ topic }) => topic),
    writes: [...outputs.map(({ topic }) => topic), ...sinks],
  }
}

function sourceInputs(graph: Graph, group: readonly TopologyNode[]): readonly InputSpec[] {
  const inputs = new Map<string, InputSpec>()
  for (const node of group) {
    if (!isSource(node) || inputs.has(refKey(topicOf(node)))) continue
    const sources = graph.sourcesBeside(node)
    const children = sources.flatMap((source) => graph.children(source)).filter((child) => !isConnectorSink(child))
    const targets = children.map(({ id }) => id).sort((a, b) => a - b)
    inputs.set(refKey(topicOf(node)), { ...inputOf(node), targets, sources: sources.map(({ id }) => id) })
  }
  return [...inputs.values()]
}

function inputOf(source: SourceNode): InputSpec {
  const { key, value } = source.kind === 'topic-source' ? source.topic : source.source
  const timestamp = source.timestamp === undefined ? {} : { timestamp: source.timestamp }
  const until = source.kind === 'topic-source' && source.until !== undefined ? { until: source.until } : {}
  return {
    topic: topicOf(source),
    key,
    value,
    ...timestamp,
    ...until,
    errors: source.errors,
    targets: [],
    sources: [source.id],
  }
}

function repartitionInputs(graph: Graph, group: readonly TopologyNode[]): readonly InputSpec[] {
  const members = new Set(group.map(({ id }) => id))
  return graph.nodes.flatMap((node): InputSpec[] => {
    const targets = graph.repartitioned(node).filter((child) => members.has(child.id))
    if (node.kind !== 'key-by' || targets.length === 0) return []
    const topic: TopicRef = { role: 'repartition', name: node.name }
    const errors = { decode: 'fail', process: graph.processPolicy(node) } as const
    const value = repartitionedValue(graph, node)
    return [{ topic, key: node.key, value, errors, targets: targets.map(({ id }) => id), sources: [] }]
  })
}

function outputsOf(graph: Graph, node: TopologyNode): readonly OutputSpec[] {
  const output = (topic: TopicRef): OutputSpec => ({ from: node.id, topic, key: node.key, value: node.value })
  const sinks = graph.children(node).filter(isConnectorSink)
  const egress = sinks.map(({ sink }) => output({ role: 'egress', name: sink.name }))
  if (node.kind !== 'key-by' || graph.repartitioned(node).length === 0) return egress
  const repartition = output({ role: 'repartition', name: node.name })
  return [{ ...repartition, value: repartitionedValue(graph, node) }, ...egress]
}

/** Values that nobody behind the topic looks at are left out of it: a count only asks whether there is one. */
function repartitionedValue(graph: Graph, node: TopologyNode): AnySerde {
  const readers = graph.repartitioned(node)
  return readers.every((reader) => reader.kind === 'aggregate' && reader.operation === 'count') ? presence : node.value
}

function sinkDraft(graph: Graph, node: ConnectorSinkNode, direct: boolean): SubTopologyDraft {
  const from = graph.inputOf(node)
  const input: InputSpec =
    direct && isSource(from)
      ? inputOf(from)
      : {
          topic: { role: 'egress', name: node.sink.name },
          key: from.key,
          value: from.value,
          errors: { decode: 'fail', process: graph.processPolicy(node) },
          targets: [],
          sources: [],
        }
  return { parts: { kind: 'sink', input, sink: node.sink }, first: node.id, reads: [input.topic], writes: [] }
}
