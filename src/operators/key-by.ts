import type { KeyByNode } from '../topology/node.ts'
import { type RecordOperator, stepOperator } from './step-subscriber.ts'

/** Gives each record the key that the user's function computes. Whether that means a repartition is the plan's matter. */
export function keyBy(node: KeyByNode): RecordOperator {
  const { fn } = node
  return stepOperator((emit) => (record) => emit(record.withKey(fn(record.value, record.key))))
}
