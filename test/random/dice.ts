import type { Random } from '../../src/core/random.ts'

/** What a generator draws with. */
export class Dice {
  readonly random: Random
  private names = 0

  constructor(random: Random) {
    this.random = random
  }

  /** Uniform in [0, bound). */
  integer(bound: number): number {
    return this.random.integer(bound)
  }

  /** True once in so many times. */
  onceIn(times: number): boolean {
    return this.random.integer(times) === 0
  }

  one<T>(of: readonly T[]): T {
    return of[this.random.integer(of.length)] as T
  }

  /** A name that nothing else has. */
  name(prefix: string): string {
    return `${prefix}${this.names++}`
  }
}
