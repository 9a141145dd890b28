import { judge } from './check.ts'
import { generateCase } from './generator.ts'
import { printCase } from './print.ts'
import { shrinkCase } from './shrink.ts'

/** Tries to make a failing case smaller: what one test has time for. */
const shrinkTriesMax = 400

/** @returns a failing case, shrunk, as a test to paste; null where all is well */
export async function failureOf(seed: number): Promise<string | null> {
  const given = generateCase(seed)
  const { sort } = await judge(given)
  if (sort === '') return null
  const smaller = await shrinkCase(given, async (one) => (await judge(one)).sort === sort, shrinkTriesMax)
  return `seed ${seed} fails; shrunk:\n${printCase(smaller, (await judge(smaller)).wrongs)}`
}
