import type { AnySerde } from '../serde/serde.ts'

/** The place of a node in its topology: inputs always have smaller numbers. Not part of any name. */
export type NodeId = number

/** What a partition whose records cannot be decoded or processed does: stop the job, or pass over the record and count it. */
export type ErrorPolicy = 'fail' | 'skip'

/** What happens to a record that fails, by where it fails. `dlq` and `retry` will join the type, not replace it. */
export interface ErrorPolicies {
  /** The bytes do not decode. */
  readonly decode: ErrorPolicy
  /** User code threw, rejected, or ran past the record's deadline. */
  readonly process: ErrorPolicy
}

/** A Kafka topic as a user names it. */
export interface TopicSpec {
  readonly name: string
  readonly key: AnySerde
  readonly value: AnySerde
  /** For a topic that the pipeline only writes and that is not there: created with these. */
  readonly partitions?: number
  readonly config?: Readonly<Record<string, string>>
}

/** A source connector as the plan sees it; the connector itself travels through, its contract is of a higher rank. */
export interface ConnectorSourceSpec {
  readonly name: string
  readonly key: AnySerde
  readonly value: AnySerde
  readonly partitions: number
  /** The `SourceConnector`. */
  readonly connector: unknown
}

/** A sink connector as the plan sees it. */
export interface ConnectorSinkSpec {
  readonly name: string
  readonly guarantee: 'at-least-once' | 'idempotent' | 'transactional'
  /** The `SinkConnector`. */
  readonly connector: unknown
}

/** A key-value store, changelogged to `<app>-<name>-changelog`. */
export interface StoreSpec {
  /** The user's name, unique in the pipeline. */
  readonly name: string
  readonly kind: 'key-value'
  readonly key: AnySerde
  readonly value: AnySerde
}

interface NodeBase {
  readonly id: NodeId
  readonly inputs: readonly NodeId[]
  /** The encoding of the keys that leave this node. */
  readonly key: AnySerde
  /** The encoding of the values that leave this node, where one is known: an untouched value keeps its topic's. */
  readonly value: AnySerde
}

/** Reads a Kafka topic. */
export interface TopicSourceNode extends NodeBase {
  readonly kind: 'topic-source'
  readonly topic: TopicSpec
  /** Event time from the decoded value, epoch milliseconds; without it the record's own timestamp. */
  readonly timestamp?: (value: unknown) => number
  /** Read to the end that the topic has when the job starts; without it the topic never ends (X18). */
  readonly until?: 'end'
  readonly errors: ErrorPolicies
}

/** Reads a source connector through its ingest topic. */
export interface ConnectorSourceNode extends NodeBase {
  readonly kind: 'connector-source'
  readonly source: ConnectorSourceSpec
  readonly timestamp?: (value: unknown) => number
  readonly errors: ErrorPolicies
}

/** A node that shows values to user code. */
interface ShowingNode extends NodeBase {
  /**
   * Records without a value are shown to it, as null, since the serde of the values that come here holds null. Without it they
   * pass it by (R47).
   */
  readonly showsNull?: true
}

/** Replaces each value by what `fn` makes of it; the key stays. */
export interface MapNode extends ShowingNode {
  readonly kind: 'map'
  readonly fn: (value: unknown, key: unknown) => unknown
}
/** Hands on the records for which `fn` is true. */
export interface FilterNode extends ShowingNode {
  readonly kind: 'filter'
  readonly fn: (value: unknown, key: unknown) => boolean
}
/** Replaces each record by one per value that `fn` gives, in their order, all with its key and timestamp. */
export interface FlatMapNode extends ShowingNode {
  readonly kind: 'flat-map'
  readonly fn: (value: unknown, key: unknown) => Iterable<unknown>
}
/** Shows each record to `fn` and hands it on as it is. */
export interface TapNode extends ShowingNode {
  readonly kind: 'tap'
  readonly fn: (value: unknown, key: unknown) => void
}

/** Hands on the records of all its inputs, whose keys have one encoding. */
export interface MergeNode extends NodeBase {
  readonly kind: 'merge'
}

/** RxJS operators over the values of a record, each record its own finite Observable. */
export interface PipeNode extends ShowingNode {
  readonly kind: 'pipe'
  /** `OperatorFunction`s of RxJS, first to last; typed where rxjs is at home. */
  readonly operators: readonly unknown[]
}

/** Gives records a new key. A keyed operator behind it reads through the repartition topic of this name. */
export interface KeyByNode extends ShowingNode {
  readonly kind: 'key-by'
  readonly name: string
  readonly fn: (value: unknown, key: unknown) => unknown
}

/** Folds the records of each key into a store; hands on each change, and the last per key at each commit. */
export interface AggregateNode extends NodeBase {
  readonly kind: 'aggregate'
  readonly operation: 'count' | 'reduce' | 'aggregate'
  readonly store: StoreSpec
  /** The state before a key's first record. Undefined for `reduce`, where the first record is the state. */
  readonly seed?: () => unknown
  /** Not called for `count`, whose state is a number that grows by one. */
  readonly fold: (state: unknown, value: unknown, key: unknown) => unknown
}

/** Every change of a table as a stream; null is a delete. */
export interface UpdatesNode extends NodeBase {
  readonly kind: 'updates'
}

/** Writes to a Kafka topic. */
export interface TopicSinkNode extends NodeBase {
  readonly kind: 'topic-sink'
  readonly topic: TopicSpec
}

/** Hands records to a sink connector, from a sub-topology that does nothing else (X17). */
export interface ConnectorSinkNode extends NodeBase {
  readonly kind: 'connector-sink'
  readonly sink: ConnectorSinkSpec
}

/** One step of a pipeline, frozen. What is to know about a kind stands in two tables: `nodeKinds` here, `operators` there. */
export type TopologyNode =
  | TopicSourceNode
  | ConnectorSourceNode
  | MapNode
  | FilterNode
  | FlatMapNode
  | TapNode
  | PipeNode
  | MergeNode
  | KeyByNode
  | AggregateNode
  | UpdatesNode
  | TopicSinkNode
  | ConnectorSinkNode

/** A kind of node. */
export type NodeKind = TopologyNode['kind']

/** The node of a kind. */
export type NodeOf<K extends NodeKind> = Extract<TopologyNode, { readonly kind: K }>

/** A node that begins a plan. */
export type SourceNode = NodeOf<'topic-source' | 'connector-source'>
