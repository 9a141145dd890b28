import type { NodeOf } from '../topology/node.ts'
import type { Emit } from './emit.ts'
import type { ProcessorContext } from './processor-context.ts'
import { refuseUndefined } from './refuse-undefined.ts'

/** A verb that looks at one record and keeps nothing, as a function over what takes its records. */
export type Step<N> = (node: N, next: Emit, context: Pick<ProcessorContext, 'dropped'>) => Emit

/** What a function that has nothing to say gives in place of undefined. */
export const nullInstead = 'null on purpose; filter out what should go no further'

/**
 * Order is kept; nothing is buffered; `flatMap` hands each element on before it takes the next. `keyBy` gives each record
 * the key that the user's function computes; whether that means a repartition is the plan's matter.
 *
 * A record without a value passes every function by, as it is, unless the values that come here have a serde that holds null
 * (R47); a `keyBy` has nothing to make its key from then, and drops and counts it.
 */
export const map: Step<NodeOf<'map'>> =
  ({ fn, showsNull = false }, next) =>
  (record) => {
    if (!record.hasValue && !showsNull) return next(record)
    const value = fn(record.value, record.key)
    if (value === undefined) refuseUndefined('map', nullInstead)
    next(record.withValue(value))
  }

/** Hands on the records of which its function is sure. */
export const filter: Step<NodeOf<'filter'>> =
  ({ fn, showsNull = false }, next) =>
  (record) => {
    if ((!record.hasValue && !showsNull) || fn(record.value, record.key)) next(record)
  }

/** One record for each value that its function gives. */
export const flatMap: Step<NodeOf<'flat-map'>> =
  ({ fn, showsNull = false }, next) =>
  (record) => {
    if (!record.hasValue && !showsNull) return next(record)
    for (const value of fn(record.value, record.key)) {
      if (value === undefined) refuseUndefined('flatMap', nullInstead)
      next(record.withValue(value))
    }
  }

/** Shows each record, and hands it on as it is. */
export const tap: Step<NodeOf<'tap'>> =
  ({ fn, showsNull = false }, next) =>
  (record) => {
    if (record.hasValue || showsNull) fn(record.value, record.key)
    next(record)
  }

/** Another key for each record. */
export const keyBy: Step<NodeOf<'key-by'>> =
  ({ fn, showsNull = false }, next, context) =>
  (record) => {
    if (!record.hasValue && !showsNull) return context.dropped('null value', record)
    next(record.withKey(fn(record.value, record.key)))
  }
