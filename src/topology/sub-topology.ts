import { presence } from '../serde/presence.ts'
import type { AnySerde } from '../serde/serde.ts'
import { type Edge, leadsThrough } from './edge.ts'
import { type Graph, type Group, topicOf } from './graph.ts'
import type { NodeId, NodeOf, SourceNode, TopologyNode } from './node.ts'
import { factsOf, isSource } from './node-kinds.ts'
import type { InputSpec, OutputSpec, SubTopology } from './plan.ts'
import { refKey, type TopicRef } from './topic-ref.ts'

type WithoutPlace<S> = S extends SubTopology ? Omit<S, 'id' | 'name' | 'upstream'> : never

/** A sub-topology before it has its place in the plan. */
export interface SubTopologyDraft {
  readonly parts: WithoutPlace<SubTopology>
  /** Its first node: the order of drafts that do not wait for each other. */
  readonly first: NodeId
  readonly reads: readonly TopicRef[]
  readonly writes: readonly TopicRef[]
}

/** The sub-topologies of a graph: one a source connector, one a group, one a sink connector. */
export function draftsOf(graph: Graph): readonly SubTopologyDraft[] {
  return [
    ...sourceDrafts(graph),
    ...graph.groups.map((group) => processingDraft(graph, group)),
    ...graph.nodes.filter(isConnectorSink).map((sink) => sinkDraft(graph, sink)),
  ]
}

function isConnectorSink(node: TopologyNode): node is NodeOf<'connector-sink'> {
  return node.kind === 'connector-sink'
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

function processingDraft(graph: Graph, group: Group): SubTopologyDraft {
  const members = new Set(group.map(({ id }) => id))
  const inputs = [...sourceInputs(graph, group), ...repartitionInputs(graph, members)]
  inputs.sort((a, b) => (refKey(a.topic) < refKey(b.topic) ? -1 : 1))
  const outputs = outputsOf(graph, members)
  const sinks = group.flatMap((node) => (isSource(node) ? [] : (factsOf(node).topic(node) ?? [])))
  const isInside = ({ from, to, through }: Edge): boolean =>
    through === null && members.has(from) && members.has(to) && !isSource(graph.node(from))
  return {
    parts: {
      kind: 'processing',
      inputs,
      nodes: group.filter((node) => !isSource(node)),
      edges: graph.edges.filter(isInside),
      outputs,
      stores: group.flatMap((node) => factsOf(node).stores(node)),
    },
    first: (group[0] as TopologyNode).id,
    reads: inputs.map(({ topic }) => topic),
    writes: [...outputs.map(({ topic }) => topic), ...sinks],
  }
}

function sourceInputs(graph: Graph, group: Group): readonly InputSpec[] {
  const inputs = new Map<string, InputSpec>()
  for (const node of group.filter(isSource)) {
    const key = refKey(topicOf(node))
    if (inputs.has(key)) continue
    const sources = new Set(graph.sourcesBeside(node).map(({ id }) => id))
    const edges = graph.edges.filter(({ from, through }) => through === null && sources.has(from))
    inputs.set(key, { ...inputOf(node), edges, sources: [...sources] })
  }
  return [...inputs.values()]
}

function inputOf(source: SourceNode): InputSpec {
  const { key, value, errors } = source
  const timestamp = source.timestamp === undefined ? {} : { timestamp: source.timestamp }
  const until = source.kind === 'topic-source' && source.until !== undefined ? { until: source.until } : {}
  return { topic: topicOf(source), key, value, ...timestamp, ...until, errors, edges: [], sources: [source.id] }
}

function repartitionInputs(graph: Graph, members: ReadonlySet<NodeId>): readonly InputSpec[] {
  const entering = graph.edges.filter(({ to, through }) => through?.role === 'repartition' && members.has(to))
  return byTopic(entering).map(([topic, edges]) => {
    const from = (edges[0] as Edge).from
    const errors = { decode: 'fail', process: graph.processPolicy(from) } as const
    return { topic, key: graph.node(from).key, value: valueThrough(graph, topic), errors, edges, sources: [] }
  })
}

function outputsOf(graph: Graph, members: ReadonlySet<NodeId>): readonly OutputSpec[] {
  return byTopic(graph.edges.filter(({ from }) => members.has(from))).map(([topic, [edge]]) => {
    const { from, reason } = edge as Edge
    return { from, topic, key: graph.node(from).key, value: valueThrough(graph, topic), reason }
  })
}

/** The topics that edges lead through, in order of who writes them, each with its edges. */
function byTopic(edges: readonly Edge[]): readonly (readonly [TopicRef, readonly Edge[]])[] {
  const topics = new Map<string, readonly [TopicRef, Edge[]]>()
  for (const edge of edges) {
    if (edge.through === null) continue
    const known = topics.get(refKey(edge.through))
    if (known === undefined) topics.set(refKey(edge.through), [edge.through, [edge]])
    else known[1].push(edge)
  }
  const from = ([, [edge]]: readonly [TopicRef, readonly Edge[]]): NodeId => (edge as Edge).from
  return [...topics.values()].sort((a, b) => from(a) - from(b))
}

/** Values that nobody behind a topic looks at are left out of it: a count only asks whether there is one. */
function valueThrough(graph: Graph, topic: TopicRef): AnySerde {
  const edges = graph.edges.filter((edge) => leadsThrough(edge, topic))
  const isRead = edges.some(({ to }) => factsOf(graph.node(to)).readsValue(graph.node(to)))
  return isRead ? graph.node((edges[0] as Edge).from).value : presence
}

function sinkDraft(graph: Graph, node: NodeOf<'connector-sink'>): SubTopologyDraft {
  const edge = graph.edges.find(({ to }) => to === node.id) as Edge
  const from = graph.node(edge.from)
  const input: InputSpec =
    edge.through === null && isSource(from)
      ? inputOf(from)
      : {
          topic: edge.through as TopicRef,
          key: from.key,
          value: from.value,
          errors: { decode: 'fail', process: graph.processPolicy(node.id) },
          edges: [],
          sources: [],
        }
  return { parts: { kind: 'sink', input, sink: node.sink }, first: node.id, reads: [input.topic], writes: [] }
}
