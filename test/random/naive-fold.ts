import type { CaseNode } from './case.ts'
import type { Facts } from './facts.ts'
import { digest, hashed, holds, summed } from './functions.ts'

/** A function of the pipeline threw, as it was told to. */
export class Thrown extends Error {}

interface Total {
  readonly n: number
}

/**
 * The state of a row and one more value, by the definition of the fold.
 *
 * @returns null for a delete
 * @throws {Thrown}
 */
export function foldedOf(
  node: CaseNode & { kind: 'aggregate' },
  state: unknown,
  value: unknown,
  key: unknown,
  { value: serde, isObject }: Facts,
): unknown {
  if (node.operation === 'count') return ((state as number | undefined) ?? 0) + 1
  if (node.operation === 'reduce') {
    if (state === undefined) return value
    if (holds(node.throwsWhen, value, key)) throw new Thrown()
    if (holds(node.deletesWhen, value, key)) return null
    if (node.fold === 'tally' && isObject) return { n: summed((state as Total).n, (value as Total).n) }
    const n = node.fold === 'last' ? digest(value) : node.fold === 'hash' ? hashed(state, value) : summed(state, value)
    return serde === 'text' ? `k${n}` : n
  }
  if (holds(node.throwsWhen, value, key)) throw new Thrown()
  if (holds(node.deletesWhen, value, key)) return null
  const { n = 0, total = 0, list = [] } = (state ?? {}) as { n?: number; total?: number; list?: readonly number[] }
  switch (node.fold) {
    case 'sum':
      return { total: summed(total, value) }
    case 'hash':
      return { total: hashed(total, value) }
    case 'last':
      return { total: digest(value) }
    case 'fields':
      return {
        n: n + 1,
        total: total + digest(value),
        most: Math.max((state as { most?: number })?.most ?? 0, digest(value)),
      }
    case 'list':
      return { list: [...list, digest(value)] }
    case 'tally':
      return { n: n + 1, total: total + digest(value) }
  }
}
