import type { OperatorFunction } from 'rxjs'
import type { SinkConnector } from '../../src/connector/sink.ts'
import type { SourceConnector } from '../../src/connector/source.ts'
import type { Serde, Topic } from '../../src/index.ts'
import type { CaseNode, CaseSource } from './case.ts'
import type { Facts } from './facts.ts'

/** A stream or a table of the DSL, whose types a random pipeline does not know. */
export interface Handle {
  map(fn: (value: unknown, key: unknown) => unknown): Handle
  filter(fn: (value: unknown, key: unknown) => boolean): Handle
  flatMap(fn: (value: unknown, key: unknown) => Iterable<unknown>): Handle
  tap(fn: (value: unknown, key: unknown) => void): Handle
  pipe(...operators: readonly OperatorFunction<unknown, unknown>[]): Handle
  merge(other: Handle): Handle
  keyBy(name: string, fn: (value: unknown, key: unknown) => unknown, serdes: { key: Serde<unknown> }): Handle
  count(store: string): Handle
  reduce(store: string, fn: (state: unknown, value: unknown, key: unknown) => unknown): Handle
  aggregate(store: string, ...how: readonly unknown[]): Handle
  updates(): Handle
  to(sink: unknown): void
}

/** What a pipeline is built of beside its nodes. */
export interface Parts {
  readonly stream: (source: unknown, options: unknown) => Handle
  readonly topic: (name: string) => Topic<unknown, unknown>
  readonly source: (name: string) => SourceConnector<unknown, unknown, number>
  readonly sink: (node: CaseNode & { kind: 'connector-sink' }) => SinkConnector<unknown, unknown>
  readonly options: (source: string, kind: 'topic' | 'connector') => CaseSource
  /** Of the node in hand, and of its first input. */
  readonly facts: Facts
  readonly inputFacts: Facts
}
