import type { NodeOf } from '../topology/node.ts'
import type { Emit } from './emit.ts'

/** A verb that looks at one record and keeps nothing, as a function over what takes its records. */
export type Step<N> = (node: N, next: Emit) => Emit

/**
 * Order is kept; nothing is buffered; `flatMap` hands each element on before it takes the next. `keyBy` gives each record
 * the key that the user's function computes; whether that means a repartition is the plan's matter.
 */
export const map: Step<NodeOf<'map'>> =
  ({ fn }, next) =>
  (record) =>
    next(record.withValue(fn(record.value, record.key)))

/** Hands on the records of which its function is sure. */
export const filter: Step<NodeOf<'filter'>> =
  ({ fn }, next) =>
  (record) => {
    if (fn(record.value, record.key)) next(record)
  }

/** One record for each value that its function gives. */
export const flatMap: Step<NodeOf<'flat-map'>> =
  ({ fn }, next) =>
  (record) => {
    for (const value of fn(record.value, record.key)) next(record.withValue(value))
  }

/** Shows each record, and hands it on as it is. */
export const tap: Step<NodeOf<'tap'>> =
  ({ fn }, next) =>
  (record) => {
    fn(record.value, record.key)
    next(record)
  }

/** Another key for each record. */
export const keyBy: Step<NodeOf<'key-by'>> =
  ({ fn }, next) =>
  (record) =>
    next(record.withKey(fn(record.value, record.key)))
