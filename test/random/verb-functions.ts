import { concatMap, from, map, mergeMap, type Observable, type OperatorFunction, of, timer } from 'rxjs'
import type { CaseNode, FoldName, Test } from './case.ts'
import { digest, hashed, holds, noKey, several, summed } from './functions.ts'

/** Throws where a test holds. */
export function failing(test: Test | undefined, value: unknown, key: unknown): void {
  if (holds(test, value, key)) throw new Error('as the case says')
}

/** The RxJS operators of a `pipe`. */
export function operatorsOf({
  most,
  by,
  waits,
  throwsWhen,
}: CaseNode & { kind: 'pipe' }): OperatorFunction<unknown, unknown>[] {
  const gives = mergeMap((value: unknown): Observable<unknown> => {
    failing(throwsWhen, value, null)
    return from([...several(most, by, value, noKey)])
  })
  if (waits === undefined) return [gives]
  const wait = concatMap((value: unknown) =>
    holds(waits.when, value, null) ? timer(waits.ms).pipe(map(() => value)) : of(value),
  )
  return [wait, gives]
}

/** A fold of objects that changes the state that it is given. */
export function addInPlace(state: unknown, value: unknown): unknown {
  const tally = state as { n: number }
  tally.n = summed(tally.n, (value as { n: number }).n)
  return tally
}

/** A seed, and a fold over it; those that change their state in place do so in every record. */
export function seededFold(name: FoldName): [seed: () => unknown, fold: (state: unknown, value: unknown) => unknown] {
  type Tally = { n: number; total: number }
  type List = { list: number[] }
  type Total = { total: number }
  switch (name) {
    case 'tally':
      return [
        () => ({ n: 0, total: 0 }),
        (state, value) => {
          const tally = state as Tally
          tally.n++
          tally.total += digest(value)
          return tally
        },
      ]
    case 'list':
      return [
        () => ({ list: [] }),
        (state, value) => {
          ;(state as List).list.push(digest(value))
          return state
        },
      ]
    case 'hash':
      return [() => ({ total: 0 }), (state, value) => ({ total: hashed((state as Total).total, value) })]
    case 'last':
      return [() => ({ total: 0 }), (_state, value) => ({ total: digest(value) })]
    default:
      return [() => ({ total: 0 }), (state, value) => ({ total: summed((state as Total).total, value) })]
  }
}
