import type { CaseNode, Formula, SerdeName, Test } from './case.ts'

const prime = 1_000_003

/** Any value as a number below 1,000,003: itself where it is one, or a text of one (`k12`), else a hash of its parts. */
export function digest(value: unknown): number {
  if (typeof value === 'number') return Math.abs(value) % prime
  if (value === null || value === undefined) return 17
  if (typeof value === 'string' && /^k\d{1,7}$/.test(value)) return Number(value.slice(1)) % prime
  const text = typeof value === 'string' ? value : JSON.stringify(Object.entries(value).sort())
  let hash = 7
  for (let i = 0; i < text.length; i++) hash = (hash * 31 + text.charCodeAt(i)) % prime
  return hash
}

/** Whether a test holds. */
export function holds(test: Test | undefined, value: unknown, key: unknown): boolean {
  return test !== undefined && digest(test.of === 'key' ? key : value) % test.by === test.rest
}

/** What a formula gives. */
export function computed({ of, times, plus, asObject, nullWhen }: Formula, value: unknown, key: unknown): unknown {
  if (holds(nullWhen, value, key)) return null
  const n = (digest(of === 'key' ? key : value) * times + plus) % prime
  return asObject === true ? { n } : n
}

/** Up to `most` values: the value itself, and what shows which one it is. */
export function* several(most: number, by: 'value' | 'key', value: unknown, key: unknown): Iterable<unknown> {
  const n = digest(by === 'key' ? key : value) % (most + 1)
  // By the key alone values are handed on as they are.
  for (let i = 0; i < n; i++) yield by === 'key' ? value : (digest(value) + i * 7919) % prime
}

/** A state and one more value: another number for each order. */
export const hashed = (state: unknown, value: unknown): number => (digest(state) * 31 + digest(value) + 1) % prime

/** A state and one more value: one number for all orders. */
export const summed = (state: unknown, value: unknown): number => (digest(state) + digest(value)) % prime

/** A number as a key or value of an encoding. */
export const as = (serde: SerdeName, n: number): string | number => (serde === 'text' ? `k${n}` : n)

/** In place of the key where a function is shown none, as RxJS operators are: by it `several` gives one value. */
export const noKey = 'k1'

/** Where extracted timestamps begin. */
const extractedFromMs = 1_700_000_000_000

/** Event time out of a value. */
export const extractedTime = (value: unknown): number => extractedFromMs + (digest(value) % 40)

/** The key that a `keyBy` gives. */
export function keyOf({ to, among, key: serde }: CaseNode & { kind: 'key-by' }, value: unknown, key: unknown): unknown {
  const n = computed(to, value, key)
  return n === null ? null : as(serde, (n as number) % among)
}
