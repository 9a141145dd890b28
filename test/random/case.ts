import type { StepName } from '../../src/core/steps.ts'
import type { TopologyNode } from '../../src/topology/node.ts'
import type { CaseHeaders } from './headers.ts'

/** Every kind of node that a pipeline can have today. */
export type NodeKind = TopologyNode['kind']

/** Encodings of keys and values. Those of keys all admit null, which Kafka writes without one. */
export type SerdeName = 'text' | 'int32' | 'int64' | 'structured'

/** Holds for the digest of a value, or of the key where `of` says so: those that leave `rest` when divided by `by`. */
export interface Test {
  readonly of: 'value' | 'key'
  readonly by: number
  readonly rest: number
}

/**
 * What a function given to a verb computes: a hash, so that a record that is lost, doubled or out of place shows in all
 * that comes of it. `of: 'key'` never looks at the value.
 */
export interface Formula {
  readonly of: 'value' | 'key'
  readonly times: number
  readonly plus: number
  /** The result is an object that holds the number. */
  readonly asObject?: boolean
  /** The result is null there. */
  readonly nullWhen?: Test
}

/** Where a function throws; only on streams whose errors are passed over. */
export interface Throws {
  readonly throwsWhen?: Test
}

/**
 * How records become a state. `sum` gives the same for every order of its records; `hash` another for each; `fields` is the
 * DSL's own form; `list` changes its state in place; `last` keeps the last record.
 */
export type FoldName = 'sum' | 'hash' | 'last' | 'fields' | 'list' | 'tally'

/** One node of a pipeline; `inputs` are places in the list of nodes, always smaller than its own. */
export type CaseNode =
  | { readonly kind: 'topic-source'; readonly inputs: readonly []; readonly topic: string }
  | { readonly kind: 'connector-source'; readonly inputs: readonly []; readonly source: string }
  | ({ readonly kind: 'map'; readonly inputs: readonly [number]; readonly to: Formula } & Throws)
  | ({ readonly kind: 'filter'; readonly inputs: readonly [number]; readonly unless: Test } & Throws)
  /** Gives as many values as the digest says, up to `most`; throws after the first. */
  | ({
      readonly kind: 'flat-map'
      readonly inputs: readonly [number]
      readonly most: number
      readonly by: 'value' | 'key'
    } & Throws)
  | ({ readonly kind: 'tap'; readonly inputs: readonly [number] } & Throws)
  /** Values for which `waits` holds take virtual milliseconds. */
  | ({
      readonly kind: 'pipe'
      readonly inputs: readonly [number]
      readonly most: number
      readonly by: 'value' | 'key'
      readonly waits?: { readonly when: Test; readonly ms: number }
    } & Throws)
  | { readonly kind: 'merge'; readonly inputs: readonly [number, number] }
  | ({
      readonly kind: 'key-by'
      readonly inputs: readonly [number]
      readonly name: string
      readonly to: Omit<Formula, 'asObject'>
      readonly among: number
      readonly key: SerdeName
    } & Throws)
  | ({
      readonly kind: 'aggregate'
      readonly inputs: readonly [number]
      readonly store: string
      readonly operation: 'count' | 'reduce' | 'aggregate'
      readonly fold: FoldName
      /** The row is deleted by such a record. */
      readonly deletesWhen?: Test
    } & Throws)
  | { readonly kind: 'updates'; readonly inputs: readonly [number] }
  | {
      readonly kind: 'topic-sink'
      readonly inputs: readonly [number]
      readonly topic: string
      readonly partitions: number
      readonly value: SerdeName
      /** Its values are declared nullable: null is written as a record without one. */
      readonly holdsNull?: boolean
    }
  | {
      readonly kind: 'connector-sink'
      readonly inputs: readonly [number]
      readonly sink: string
      readonly guarantee: 'at-least-once' | 'idempotent' | 'transactional'
    }

/** A record that is there from a phase on. */
export interface CaseRecord {
  readonly phase: number
  readonly key: string | number | null
  readonly value: string | number | null
  readonly timestamp: number
  readonly headers?: CaseHeaders
  /** Its value are bytes that do not decode. */
  readonly isPoison?: boolean
}

/** What a source is declared with. */
export interface CaseSource {
  readonly key: SerdeName | 'nothing'
  readonly value: SerdeName
  /** Its values are declared nullable: functions are shown what has none. */
  readonly holdsNull?: boolean
  readonly partitions: number
  /** Records that do not decode, and records on which a function throws, are passed over; else nothing of both is there. */
  readonly skips: boolean
  /** Event time is taken from the value. */
  readonly extractsTime: boolean
}

/** A topic, with the records of each partition in order. */
export interface CaseTopic extends CaseSource {
  readonly records: readonly (CaseRecord & { readonly partition: number })[]
}

/** A source connector, with the records of each split in order. */
export interface CaseConnector extends CaseSource {
  readonly splits: Readonly<Record<string, readonly CaseRecord[]>>
}

/** What happens to one process. Each occurs once; one that does not come to pass is said. */
export type Fault =
  | {
      readonly at: StepName
      readonly occurrence: number
      readonly when: 'before' | 'after'
      /** `doubt`: the step fails although, or as if, its effect may have happened. */
      readonly do: 'kill' | 'doubt'
    }
  /** Stores are written so much later than they are committed, each time. */
  | { readonly storesLateMs: number }
  | { readonly request: string; readonly occurrence: number; readonly lateMs: number }
  | { readonly pauseAtMs: number; readonly forMs: number }
  | { readonly brokerDownAtMs: number; readonly forMs: number }

/** One life of a process: it runs to the bounded end of its phase, or until it is killed. */
export interface Life {
  readonly directory: string
  readonly faults: readonly Fault[]
}

/** The lives of one phase, one after the other, until one ends by itself; and a second process beside them. */
export interface PhaseScript {
  readonly lives: readonly Life[]
  /**
   * Records come in portions while the lives follow their inputs; then they are stopped, and one more runs to the bounded end.
   * Without it all records of the phase are there before it begins.
   */
  readonly trickle?: { readonly portions: number; readonly everyMs: number }
  readonly beside?: { readonly directory: string; readonly afterMs: number }
}

/** A pipeline, its inputs, and what befalls it: plain data, from which all else follows. */
export interface Case {
  readonly seed: number
  readonly nodes: readonly CaseNode[]
  readonly topics: Readonly<Record<string, CaseTopic>>
  readonly connectors: Readonly<Record<string, CaseConnector>>
  /** One a phase: records of a phase are written when all before it are through. */
  readonly script: readonly PhaseScript[]
  readonly commitIntervalMs: number
  /** Whether the store's cache holds next to nothing. */
  readonly hasTinyCache: boolean
}
