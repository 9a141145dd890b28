import { nullable } from '../serde/nullable.ts'
import type { NodeKind, NodeOf, TopologyNode } from '../topology/node.ts'
import { aggregate } from './aggregate.ts'
import type { ChainLink, Operator } from './operator.ts'
import { pipe } from './pipe.ts'
import type { ProcessorContext } from './processor-context.ts'
import { sink } from './sink.ts'
import { filter, flatMap, keyBy, map, type Step, tap } from './stateless.ts'

/** A kind of node that stands in a chain: sources are its inputs, and sink connectors have tasks of their own. */
export type ChainKind = Exclude<NodeKind, 'topic-source' | 'connector-source' | 'connector-sink'>

/** How a chain comes by what a node does. */
export type OperatorEntry<N> =
  /** One step; neighbouring ones become one operator. */
  | { readonly step: Step<N> }
  /** An operator of its own. */
  | { build(node: N, context: ProcessorContext, link: ChainLink): Operator }
  /** Nothing: records of all its inputs go on as they are. */
  | 'through'

/** How chains come by what nodes do: an entry for every kind that stands in one. */
export type OperatorTable = { readonly [K in ChainKind]: OperatorEntry<NodeOf<K>> }

/** The operators of the engine: a kind without its entry does not compile. */
export const operatorTable: OperatorTable = {
  map: { step: map },
  filter: { step: filter },
  'flat-map': { step: flatMap },
  tap: { step: tap },
  'key-by': { step: keyBy },
  merge: 'through',
  updates: 'through',
  pipe: { build: pipe },
  aggregate: { build: aggregate },
  'topic-sink': {
    build: ({ topic: { name, key, value: serde }, value: { holdsNull } }, context) => {
      // Where the stream's serde holds null, every null of it is a record without a value, whoever made it (R48).
      const value = holdsNull === true ? nullable(serde) : serde
      return sink({ topic: name, key, value }, context)
    },
  },
}

/** The entry of a node's kind. @throws {Error} for one that stands in no chain, which the plan keeps out */
export function operatorEntry(table: OperatorTable, node: TopologyNode): OperatorEntry<TopologyNode> {
  const entry = (table as Partial<Record<NodeKind, unknown>>)[node.kind]
  if (entry === undefined) throw new Error(`unreachable: a ${node.kind} is not part of a chain`)
  return entry as OperatorEntry<TopologyNode>
}
