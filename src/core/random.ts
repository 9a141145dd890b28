/** Port 2: randomness and ids. Nothing else in the engine draws a random number. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number
  /** Uniform integer in [0, bound). */
  integer(bound: number): number
  /** A fresh UUID (version 4 layout). */
  uuid(): string
}

/** Random numbers from a seed: the same seed gives the same sequence (mulberry32). For simulations and tests. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
  return fromUniform(next)
}

/** Builds the port from a source of uniform numbers in [0, 1). */
export function fromUniform(next: () => number): Random {
  const integer = (bound: number): number => Math.floor(next() * bound)
  const hex = (count: number): string => Array.from({ length: count }, () => integer(16).toString(16)).join('')
  return {
    next,
    integer,
    uuid: () => `${hex(8)}-${hex(4)}-4${hex(3)}-${(8 + integer(4)).toString(16)}${hex(3)}-${hex(12)}`,
  }
}
