import type { CaseNode, CaseRecord, CaseSource } from './case.ts'
import { computed, digest, as as encodedAs } from './functions.ts'

/** Where extracted timestamps begin. */
export const extractedFromMs = 1_700_000_000_000

/** Event time out of a value. */
export const extractedTime = (value: unknown): number => extractedFromMs + (digest(value) % 40)

/** The event time of a record: a record without a value keeps its own. */
export const timeOf = ({ value, timestamp }: CaseRecord, { extractsTime }: CaseSource): number =>
  extractsTime && value !== null ? extractedTime(value) : timestamp

/** Whether a record is passed over as it comes in. */
export const poisoned = ({ isPoison }: CaseRecord): boolean => isPoison === true

/** The key that a `keyBy` gives. */
export function keyOf({ to, among, key: serde }: CaseNode & { kind: 'key-by' }, value: unknown, key: unknown): unknown {
  const n = computed(to, value, key)
  return n === null ? null : encodedAs(serde, (n as number) % among)
}
