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
  /** What sort of wrong it is: the code or message of what a run failed with, or that something differs; '' when all is well. */
  readonly sort: string
  readonly analysis: Analysis
  readonly calm: RunResult | null
  readonly disturbed: RunResult | null
}

/** Evaluates a case by definition, runs it undisturbed and disturbed, and compares. */
export async function judge(given: Case): Promise<Verdict> {
  const analysis = checkPossible(given)
  const expected = evaluate(given, analysis)
  const wrongs: string[] = []
  let sort = ''
  const results: (RunResult | null)[] = []
  for (const isDisturbed of [false, true]) {
    const how = isDisturbed ? 'under its script' : 'undisturbed'
    try {
      const found = await runCase(given, analysis, isDisturbed)
      results.push(found)
      wrongs.push(...compare(given, analysis, expected, found).map((wrong) => `${how}, ${wrong}`))
    } catch (error) {
      results.push(null)
      sort = sortOf(error)
      wrongs.push(`${how}: ${error instanceof Error ? (error.stack ?? error.message) : error}`)
    }
    if (wrongs.length > 0) break
  }
  if (sort === '' && wrongs.length > 0) sort = 'a difference'
  return { wrongs, sort, analysis, calm: results[0] ?? null, disturbed: results[1] ?? null }
}

function sortOf(error: unknown): string {
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown }
  return typeof code === 'string' ? code : (String(message).split('\n')[0]?.replaceAll(/\d+/g, 'n') ?? '')
}

/** @throws {Error} that says what is not as the definition has it */
export async function expectExact(given: Case): Promise<Verdict> {
  const verdict = await judge(given)
  if (verdict.wrongs.length > 0) throw new Error(`case ${given.seed}: ${verdict.wrongs.join('\n')}`)
  return verdict
}
