/** The one test that has to find a bug: as narrow as it can be named. */
export interface Killer {
  /** Of vitest: a folder of `test`. */
  readonly project: 'unit' | 'contract' | 'simulation' | 'integration'
  /** Below `test/<project>`. */
  readonly file: string
  /** The test's whole name, with those of its groups before it; or what it begins with. */
  readonly test: string
}

/**
 * A mistake that somebody could make: one place of the source, and what stands there with the bug. Types are not looked at
 * when tests run.
 */
export interface PlantedBug {
  /** What is wrong, as a statement. */
  readonly name: string
  readonly file: string
  /** Found exactly once in the file. A place that is gone has been rebuilt, and the bug is to be planted there. */
  readonly find: string
  readonly replace: string
  readonly killer: Killer
}
