import type { AnySerde } from '../serde/serde.ts'
import type { NodeKind, NodeOf, SourceNode, StoreSpec, TopologyNode } from './node.ts'
import type { TopicRef } from './topic-ref.ts'

/** A name that a user gave, which belongs to one thing of its sort in a pipeline. */
export interface UserName {
  readonly what: 'store' | 'repartition' | 'connector'
  readonly name: string
  /** Two nodes may have the name if they are one thing: the node itself, or the connector that both read. */
  readonly owner: unknown
}

/** What is to know about a kind of node: planner, validation, manifest, `describe` and chain read it here, and nowhere else. */
export interface NodeKindFacts<N extends TopologyNode> {
  /** What its ways in are called, in the order of its `inputs`; none where it begins the plan. */
  readonly ports: readonly string[]
  /** What it hands on. */
  readonly yields: 'event' | 'row change' | 'nothing'
  /** Whether it takes every change of a table, and not the last per key at each commit. */
  readonly takesEveryChange: boolean
  /** Whether its records have to be where their keys are: with all others of the key, in one task. */
  readonly isKeyed: boolean
  /**
   * Where the records that leave it are: `by-key`, each in the partition of its key; `anywhere`; or as the records that
   * came in.
   */
  readonly leaves: 'by-key' | 'anywhere' | 'as-they-came'
  /** Whether it works in a sub-topology that does nothing else (X17). */
  readonly standsAlone: boolean
  /** The topic outside, or of the engine's own in place of a connector, that it reads or writes; null where there is none. */
  topic(node: N): TopicRef | null
  /**
   * The name of the topic that leads over to where keys are: behind a node that gives keys, before one that needs them.
   * Null where none ever does.
   */
  repartition(node: N): string | null
  stores(node: N): readonly StoreSpec[]
  names(node: N): readonly UserName[]
  /**
   * Whether it looks at values or hands them on. False only where neither, as of a count, which asks whether there is one: values
   * are then left out of the topic in front of it.
   */
  readsValue(node: N): boolean
  /** In a line of `describe`, behind its number. */
  describe(node: N): string
}

/** What most kinds have in common: one way in, one way out, and nothing kept. */
const step = {
  ports: ['in'],
  yields: 'event',
  takesEveryChange: false,
  isKeyed: false,
  leaves: 'as-they-came',
  standsAlone: false,
  topic: () => null,
  repartition: () => null,
  stores: () => [],
  names: () => [],
  readsValue: () => true,
  describe: ({ kind }: TopologyNode): string => kind,
} as const

/** Every kind of node there is: a kind without its entry does not compile. */
export const nodeKinds: { readonly [K in NodeKind]: NodeKindFacts<NodeOf<K>> } = {
  'topic-source': {
    ...step,
    ports: [],
    leaves: 'by-key',
    topic: ({ topic }) => ({ role: 'external', name: topic.name }),
  },
  'connector-source': {
    ...step,
    ports: [],
    // Partitions of an ingest topic go by the connector's splits.
    leaves: 'anywhere',
    topic: ({ source }) => ({ role: 'ingest', name: source.name }),
    names: ({ source }) => [{ what: 'connector', name: source.name, owner: source.connector }],
  },
  map: step,
  filter: step,
  'flat-map': step,
  tap: step,
  pipe: {
    ...step,
    describe: ({ operators }) =>
      `pipe of ${operators.length}, one record at a time: a task waits while its operators do`,
  },
  merge: { ...step, ports: ['left', 'right'] },
  'key-by': {
    ...step,
    leaves: 'anywhere',
    repartition: ({ name }) => name,
    names: (node) => [{ what: 'repartition', name: node.name, owner: node }],
    describe: (node) => `key-by ${node.name} ${encodings(node)}`,
  },
  aggregate: {
    ...step,
    yields: 'row change',
    isKeyed: true,
    repartition: ({ store }) => store.name,
    stores: ({ store }) => [store],
    names: (node) => [{ what: 'store', name: node.store.name, owner: node }],
    readsValue: ({ operation }) => operation !== 'count',
    describe: ({ operation, store }) => `${operation} in store ${store.name}`,
  },
  updates: { ...step, takesEveryChange: true },
  'topic-sink': {
    ...step,
    yields: 'nothing',
    topic: ({ topic }) => ({ role: 'external', name: topic.name }),
    describe: ({ topic }) => `to topic ${topic.name} ${encodings(topic)}`,
  },
  'connector-sink': {
    ...step,
    yields: 'nothing',
    standsAlone: true,
    topic: ({ sink }) => ({ role: 'egress', name: sink.name }),
    names: (node) => [{ what: 'connector', name: node.sink.name, owner: node }],
  },
}

/** What is to know about a node's kind. */
export function factsOf<N extends TopologyNode>({ kind }: N): NodeKindFacts<N> {
  return nodeKinds[kind] as unknown as NodeKindFacts<N>
}

/** Whether a node begins the plan. */
export function isSource(node: TopologyNode): node is SourceNode {
  return factsOf(node).ports.length === 0
}

/** The encodings of a topic or store, as `describe` and messages have them. */
export function encodings({ key, value }: { readonly key: AnySerde; readonly value: AnySerde }): string {
  return `(${key.id}, ${value.id})`
}
