/**
 * The seed of this run's random tests: `MILLRACE_TEST_SEED`, else a fresh one. Tests put it into the message of what
 * fails, so that the same case can be run again.
 */
export const testSeed: number = Number(process.env['MILLRACE_TEST_SEED'] ?? Math.floor(Math.random() * 0x7fffffff))

/** Options for `fc.assert`; fast-check prints the seed of what fails itself. */
export function runs(numRuns: number): { numRuns: number; seed: number } {
  return { numRuns, seed: testSeed }
}

/** The seed of a simulation: `MILLRACE_TEST_SEED`, else the one that the test is written with, since schedules are repeatable. */
export function simulationSeed(usual: number): number {
  return Number(process.env['MILLRACE_TEST_SEED'] ?? usual)
}
