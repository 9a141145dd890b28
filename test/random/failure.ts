import type { Case } from './case.ts'
import { judge, type Verdict } from './check.ts'
import { printCase } from './print.ts'
import { shrinkCase } from './shrink.ts'

/** Tries to make a failing case smaller: what one test has time for. */
const shrinkTriesMax = 400

/** @returns a failing case, shrunk, as a test to paste; null where all is well */
export async function failureOf(given: Case, { sort }: Verdict): Promise<string | null> {
  if (sort === '') return null
  const smaller = await shrinkCase(given, async (one) => (await judge(one)).sort === sort, shrinkTriesMax)
  return `seed ${given.seed} fails; shrunk:\n${printCase(smaller, (await judge(smaller)).wrongs)}`
}
