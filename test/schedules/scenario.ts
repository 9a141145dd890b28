import type { Pipeline } from '../../src/dsl/pipeline.ts'
import type { World } from '../support/world.ts'

/** What an application has to do in one schedule, and how to tell that it did. */
export interface Work {
  readonly pipeline: Pipeline
  /** The store that is read at the end, if the pipeline keeps one. */
  readonly store: string | null
  /** Adds input: the n-th portion. Any number of portions may be asked for, in order. */
  feed(portion: number): Promise<void>
  /**
   * Compares all that is there, once everything fed is done, with what was fed.
   * @param held the rows of the store, all partitions
   */
  check(held: ReadonlyMap<string, unknown>): Promise<void>
}

/** One shape of pipeline with its input, to be run under many schedules. */
export interface Scenario {
  readonly name: string
  /** Prepares topics and files in a fresh world whose broker runs. Time passes: it is called within the simulation. */
  begin(world: World): Promise<Work>
}

/**
 * Keys of a portion: some come this once, which no later record can cover up; some came long ago and come again; one
 * comes always.
 */
export function keysOf(portion: number, count: number): readonly string[] {
  return Array.from({ length: count }, (_, n) => {
    if (n % 4 === 3) return 'always'
    if (n % 4 === 2) return `again-${(portion * 7 + n) % 23}`
    return `once-${portion}-${n}`
  })
}
