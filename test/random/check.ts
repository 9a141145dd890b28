import type { Analysis } from './analysis.ts'
import type { Case } from './case.ts'
import { checkPossible } from './checks.ts'
import { compare } from './compare.ts'
import { evaluate } from './naive.ts'
import { type RunResult, runCase } from './run.ts'

/** What came of a case. */
export interface Verdict {
  /** What is not as the definition says; nothing when all is well. */
  readonly wrongs: readonly string[]
  readonly analysis: Analysis
  readonly calm: RunResult | null
  readonly disturbed: RunResult | null
}

/** Evaluates a case by definition, runs it undisturbed and disturbed, and compares. */
export async function judge(given: Case): Promise<Verdict> {
  const analysis = checkPossible(given)
  const expected = evaluate(given, analysis)
  const wrongs: string[] = []
  const results: (RunResult | null)[] = []
  for (const isDisturbed of [false, true]) {
    const how = isDisturbed ? 'under its script' : 'undisturbed'
    try {
      const found = await runCase(given, analysis, isDisturbed)
      results.push(found)
      wrongs.push(...compare(given, analysis, expected, found).map((wrong) => `${how}, ${wrong}`))
    } catch (error) {
      results.push(null)
      wrongs.push(`${how}: ${error instanceof Error ? (error.stack ?? error.message) : error}`)
    }
    if (wrongs.length > 0) break
  }
  return { wrongs, analysis, calm: results[0] ?? null, disturbed: results[1] ?? null }
}
