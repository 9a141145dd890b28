import type { AggregateNode } from '../topology/node.ts'
import type { ProcessorContext } from './processor-context.ts'
import { type RecordOperator, stepOperator } from './step-subscriber.ts'

/**
 * Folds each record into the row of its key and hands on the row's new value.
 *
 * A record with a null key or value is passed over and counted (R6, R7). The row's time is the greatest of its records
 * (R4). Emits one record per input, in order; what wants only the last per key reads the store at the commit instead.
 */
export function aggregate(node: AggregateNode, context: ProcessorContext, emitsUpdates: boolean): RecordOperator {
  const store = context.store(node.store.name)
  const { seed, fold } = node
  const counts = node.operation === 'count'
  const reduces = node.operation === 'reduce'
  return stepOperator((emit) => (record) => {
    if (record.hasNullKey) return context.dropped('null key', record)
    if (record.hasNullValue) return context.dropped('null value', record)
    const row = store.row(record.binaryKey())
    let next: unknown
    if (counts) next = ((row.value as number | undefined) ?? 0) + 1
    else {
      // From here on the row's value may be changed in place by user code, which only an abort undoes.
      if (!store.hasImmutableValues) context.effect()
      if (row.value === undefined && reduces) next = record.value
      else next = fold(row.value === undefined ? seed?.() : row.value, record.value, record.key)
    }
    context.effect()
    const timestamp = row.timestamp > record.timestamp ? row.timestamp : record.timestamp
    store.put(row, next === null ? undefined : next, timestamp)
    if (emitsUpdates) emit(record.withValueAt(next ?? null, timestamp))
  })
}
