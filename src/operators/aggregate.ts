import { userPrefix } from '../state/row-format.ts'
import type { AggregateNode } from '../topology/node.ts'
import { FlowRecord } from './flow-record.ts'
import type { ChainLink, Operator } from './operator.ts'
import type { ProcessorContext } from './processor-context.ts'
import { refuseUndefined } from './refuse-undefined.ts'
import { stepOperator } from './step-subscriber.ts'

/**
 * Folds each record into the row of its key and hands on the row's new value.
 *
 * A record with a null key or value is passed over and counted (R6, R7). A fold that gives null deletes the row. The row's time
 * is the greatest of its records (R4). Emits one record per input, in order, where somebody wants every change; the last per key at the cut.
 *
 * A value that can be changed in place is the row's alone: the first one is no other reader's, and what is handed on are
 * its bytes of that moment, so neither another store nor a later record changes what was said (X6).
 */
export function aggregate(node: AggregateNode, context: ProcessorContext, link: ChainLink): Operator {
  const spec = node.store
  const store = context.store(spec.name)
  const { rows } = store
  const { seed, fold } = node
  const counts = node.operation === 'count'
  const reduces = node.operation === 'reduce'
  const isImmutable = rows.hasImmutableValues
  const folded = (state: unknown, value: unknown, key: unknown): unknown => {
    if (state === undefined && reduces) return value
    return fold(state === undefined ? seed?.() : state, value, key)
  }
  const operator = stepOperator((emit) => (record) => {
    if (record.hasNullKey) return context.dropped('null key', record)
    if (record.hasNullValue) return context.dropped('null value', record)
    const row = rows.row(record.buffer, record.keyStart, record.keyLength)
    const before = rows.valueAt(row)
    let next: unknown
    if (counts) next = ((before as number | undefined) ?? 0) + 1
    else if (isImmutable) next = folded(before, record.value, record.key)
    else {
      // From here on the row's value may be changed in place by user code, which only an abort undoes.
      context.effect()
      const value = record.takeValue()
      next = folded(before, value, record.key)
      // A state is nobody else's: other stores fold the same record.
      if (next === value && next !== null) next = rows.copyOf(next)
    }
    if (next === undefined) refuseUndefined(`${node.operation}(${spec.name})`, 'null to delete the row')
    context.effect()
    // A row that was deleted has no time any more.
    const timestamp = before === undefined ? record.timestamp : Math.max(rows.timestampAt(row), record.timestamp)
    rows.put(row, next === null ? undefined : next, timestamp)
    if (!link.wantsEveryChange) return
    if (next === null) emit(record.withoutValueAt(timestamp))
    else if (isImmutable) emit(record.withValueAt(next, timestamp))
    else emit(record.withRow(rows.encoded(row), spec.value, timestamp))
  })
  return {
    ...operator,
    cut(handOn) {
      const changes = store.cut()
      if (handOn !== null) {
        changes.forEach((bytes, keyAt, keyLength, valueAt, valueLength, timestamp) => {
          if (bytes[keyAt] !== userPrefix) return
          handOn(FlowRecord.row(bytes, keyAt, keyLength, spec.key, valueAt, valueLength, spec.value, timestamp))
        })
      }
      return [{ store: spec.name, rows: changes }]
    },
  }
}
