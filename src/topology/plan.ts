import type { AnySerde } from '../serde/serde.ts'
import type { Edge, RepartitionReason } from './edge.ts'
import type {
  ConnectorSinkSpec,
  ConnectorSourceSpec,
  ErrorPolicies,
  NodeId,
  StoreSpec,
  TopicSpec,
  TopologyNode,
} from './node.ts'
import { refKey, type TopicRef } from './topic-ref.ts'

/** A topic that a sub-topology consumes, one partition a task. */
export interface InputSpec {
  readonly topic: TopicRef
  readonly key: AnySerde
  readonly value: AnySerde
  readonly timestamp?: (value: unknown) => number
  /** Of an outside topic: whether a job that does not follow ends at the end that the topic has when it starts (X18). */
  readonly until?: 'end'
  readonly errors: ErrorPolicies
  /**
   * The edges that its records take: from the source nodes that it stands for, or those that lead through it; none of an
   * egress topic. In order of their ends; a node that merges two sources of one topic has two, and takes each record twice.
   */
  readonly edges: readonly Edge[]
  /**
   * The source nodes that it stands for, in order of id; none for repartition and egress topics. An output `from` one of
   * them takes the records as they come in.
   */
  readonly sources: readonly NodeId[]
}

/** What leaves a node towards an internal topic: written where the plan cuts (repartition, egress). */
export interface OutputSpec {
  /** The node whose records are written: one of the sub-topology's, or a source of one of its inputs. */
  readonly from: NodeId
  readonly topic: TopicRef
  readonly key: AnySerde
  readonly value: AnySerde
  /** Why a repartition topic is there; null of an egress topic. */
  readonly reason: RepartitionReason | null
}

interface SubTopologyBase {
  /** Its place in the plan. It changes when lines of the pipeline are swapped, and is part of nothing that outlives a process. */
  readonly id: number
  /**
   * The first half of its tasks' ids: the first of the topics that it reads by name, so that it follows from names that the user
   * gave, and stays when steps, stores or sinks come and go. What reads one topic is one sub-topology (X21): no two have one name.
   */
  readonly name: string
  /** Sub-topologies whose tasks write an input of this one, ascending: what has to be ended first (X18). */
  readonly upstream: readonly number[]
}

/** Reads one source connector into its ingest topic. Its input is the positions topic, restored and never fetched (X16). */
export interface SourceSubTopology extends SubTopologyBase {
  readonly kind: 'source'
  readonly source: ConnectorSourceSpec
}

/** Consumes topics, runs nodes, keeps stores. */
export interface ProcessingSubTopology extends SubTopologyBase {
  readonly kind: 'processing'
  /** In order of topic. A task has the same partition of each. */
  readonly inputs: readonly InputSpec[]
  /** Its nodes without the sources, in order of id: inputs come before what they feed. */
  readonly nodes: readonly TopologyNode[]
  /** Those between its nodes, in order of their ends. Edges that lead in are their inputs'. */
  readonly edges: readonly Edge[]
  readonly outputs: readonly OutputSpec[]
  readonly stores: readonly StoreSpec[]
}

/** Reads one topic into one sink connector: stateless, without other output, outside the thread's transaction (X17). */
export interface SinkSubTopology extends SubTopologyBase {
  readonly kind: 'sink'
  readonly input: InputSpec
  readonly sink: ConnectorSinkSpec
}

/** A part of the plan whose tasks share one kind of work: cut from the others at internal topics. */
export type SubTopology = SourceSubTopology | ProcessingSubTopology | SinkSubTopology

/** A pipeline as frozen data: what a job runs, what `describe` prints, what the manifest hashes. */
export interface Plan {
  /** The pipeline's name: the default application id. */
  readonly name: string
  readonly nodes: readonly TopologyNode[]
  readonly subtopologies: readonly SubTopology[]
  /** Topics that are only written and may be created, by name. */
  readonly written: readonly TopicSpec[]
  /** Names under which stores may be queried, with the store each stands for. */
  readonly queryables: ReadonlyMap<string, StoreSpec>
}

/** All topics that the engine makes for a plan, in order of sub-topology: inputs, changelogs, outputs, each once. */
export function internalTopics(plan: Plan): readonly TopicRef[] {
  const internal = plan.subtopologies.flatMap(topicsOf).filter(({ role }) => role !== 'external')
  return [...new Map(internal.map((ref) => [refKey(ref), ref])).values()]
}

function topicsOf(sub: SubTopology): readonly TopicRef[] {
  switch (sub.kind) {
    case 'source':
      return [
        { role: 'positions', name: sub.source.name },
        { role: 'ingest', name: sub.source.name },
      ]
    case 'processing':
      return [
        ...sub.inputs.map(({ topic }) => topic),
        ...sub.stores.map(({ name }): TopicRef => ({ role: 'changelog', name })),
        ...sub.outputs.map(({ topic }) => topic),
      ]
    case 'sink':
      return [sub.input.topic]
  }
}
