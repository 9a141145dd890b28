import { assert } from '../core/assert.ts'
import { StreamError } from '../core/errors.ts'
import { deepFreeze } from './deep-freeze.ts'
import { type ClusterFacts, Graph, nothingKnown } from './graph.ts'
import type { TopicSpec } from './node.ts'
import type { Plan, SubTopology } from './plan.ts'
import { draftsOf, type SubTopologyDraft } from './sub-topology.ts'
import { refKey } from './topic-ref.ts'
import type { Topology } from './topology-builder.ts'
import { refuseInternalTopics, refuseSharedRepartitions, validateTopology } from './validate.ts'

/**
 * Closes a topology into the plan that a job runs: judged as a whole, cut into sub-topologies, each with its place.
 *
 * Sub-topologies of source connectors come first, then each behind all that write what it reads; where that leaves a
 * choice, in the order in which the pipeline says them.
 *
 * @param cluster what is known of the topics: where some of one task differ in their number of partitions, what keeps state by
 * key gets a repartition topic
 * @throws {StreamError} `PLAN_INVALID`
 */
export function buildPlan(topology: Topology, cluster: ClusterFacts = nothingKnown): Plan {
  validateTopology(topology)
  const graph = new Graph(topology.nodes, cluster)
  refuseSharedRepartitions(graph)
  const drafts = inOrder(topology.name, draftsOf(graph))
  const writers = new Map<string, number[]>()
  for (const [id, draft] of drafts.entries()) {
    for (const ref of draft.writes) writers.set(refKey(ref), [...(writers.get(refKey(ref)) ?? []), id])
  }
  const subtopologies = drafts.map((draft, id): SubTopology => {
    const upstream = new Set(draft.reads.flatMap((ref) => writers.get(refKey(ref)) ?? []))
    return deepFreeze({ id, name: nameOf(draft), upstream: [...upstream].sort((a, b) => a - b), ...draft.parts })
  })
  const plan: Plan = Object.freeze({
    name: topology.name,
    nodes: topology.nodes,
    subtopologies: Object.freeze(subtopologies),
    written: Object.freeze(writtenTopics(topology)),
    queryables: topology.queryables,
  })
  refuseInternalTopics(plan, plan.name)
  return plan
}

function nameOf({ parts, reads }: SubTopologyDraft): string {
  const names = reads.map(({ role, name }) => (role === 'external' ? name : `${name}:${role}`)).sort()
  return parts.kind === 'source' ? `${parts.source.name}:source` : (names[0] as string)
}

function inOrder(pipeline: string, drafts: readonly SubTopologyDraft[]): readonly SubTopologyDraft[] {
  const waiting = drafts.toSorted((a, b) => rank(a) - rank(b) || a.first - b.first)
  const ordered: SubTopologyDraft[] = []
  while (waiting.length > 0) {
    const unwritten = new Set(waiting.flatMap(({ writes }) => writes.map(refKey)))
    const next = waiting.findIndex(({ reads }) => !reads.some((ref) => unwritten.has(refKey(ref))))
    if (next < 0) refuseCycle(pipeline, waiting)
    const [draft] = waiting.splice(next, 1)
    assert(draft !== undefined, 'the index found is one of the list')
    ordered.push(draft)
  }
  return ordered
}

function rank({ parts }: SubTopologyDraft): number {
  return parts.kind === 'source' ? 0 : 1
}

function refuseCycle(pipeline: string, waiting: readonly SubTopologyDraft[]): never {
  const written = new Set(waiting.flatMap(({ writes }) => writes.map(refKey)))
  const names = waiting.flatMap(({ reads }) => reads.filter((ref) => written.has(refKey(ref))).map(({ name }) => name))
  throw new StreamError(
    'PLAN_INVALID',
    `pipeline ${pipeline}: expected records to go one way, found that what reads ${[...new Set(names)].join(', ')} leads back to it; write to another topic, or make it two pipelines`,
  )
}

/** Topics that the pipeline writes and does not read, by name. */
function writtenTopics({ nodes }: Topology): TopicSpec[] {
  const read = new Set(nodes.flatMap((node) => (node.kind === 'topic-source' ? [node.topic.name] : [])))
  const written = new Map<string, TopicSpec>()
  for (const node of nodes) {
    if (node.kind === 'topic-sink' && !read.has(node.topic.name)) written.set(node.topic.name, node.topic)
  }
  return [...written.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
}
