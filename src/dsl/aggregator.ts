/**
 * Folds `V`s into an `R`, one field of a state: what `aggregate(store, { field: aggregator })` is made of. Its state is
 * its result, so both are plain data that the store keeps.
 */
export interface Aggregator<in V, out R> {
  /** The field with one more value; `before` is the field so far, undefined at the first value. */
  readonly fold: (before: unknown, value: V) => R
}

type Comparable = number | bigint | string | Date

/** Aggregators by the fields that they fold. */
export interface Aggregators<in V> {
  readonly [field: string]: Aggregator<V, unknown>
}

type Folded<A> = A extends Aggregator<never, infer R> ? R : never

// The conditional only keeps the alias out of hovers, which then show the fields themselves.
/** The state that aggregators fold. */
export type Results<A> = A extends unknown ? { -readonly [F in keyof A]: Folded<A[F]> } : never

/** How many values there were. */
export function count(): Aggregator<unknown, number> {
  return { fold: (before) => ((before as number | undefined) ?? 0) + 1 }
}

/** The sum of numbers or bigints; a sum of bigints is a bigint. */
export function sum<V, N extends number | bigint>(
  fn: (value: V) => N,
): Aggregator<V, [N] extends [bigint] ? bigint : number> {
  type Sum = [N] extends [bigint] ? bigint : number
  return {
    fold: (before, value) => (before === undefined ? fn(value) : (before as number) + (fn(value) as number)) as Sum,
  }
}

/** The least value; strings are compared by code unit. */
export function min<V, R extends Comparable>(fn: (value: V) => R): Aggregator<V, R> {
  return better(fn, (value, best) => value < best)
}

/** The greatest value; strings are compared by code unit. */
export function max<V, R extends Comparable>(fn: (value: V) => R): Aggregator<V, R> {
  return better(fn, (value, best) => value > best)
}

function better<V, R extends Comparable>(fn: (value: V) => R, beats: (value: R, best: R) => boolean): Aggregator<V, R> {
  return {
    fold(before, value) {
      const candidate = fn(value)
      return before === undefined || beats(candidate, before as R) ? candidate : (before as R)
    },
  }
}

/** The first value in order of offset, passing over undefined. */
export function first<V, R>(fn: (value: V) => R): Aggregator<V, R> {
  return { fold: (before, value) => (before === undefined ? fn(value) : (before as R)) }
}

/** The last value in order of offset. */
export function last<V, R>(fn: (value: V) => R): Aggregator<V, R> {
  return { fold: (_before, value) => fn(value) }
}

/**
 * All values in order of offset, or the first `limit` of them. The list is part of the state and is written whole at
 * each commit: without a limit it grows for ever.
 */
export function collect<V, R>(fn: (value: V) => R, options: { readonly limit?: number } = {}): Aggregator<V, R[]> {
  const { limit = Number.POSITIVE_INFINITY } = options
  return {
    fold(before, value) {
      const list = (before as R[] | undefined) ?? []
      return list.length < limit ? [...list, fn(value)] : list
    },
  }
}
