import type { Random } from '../../src/core/random.ts'
import type { Formula, Test } from './case.ts'
import type { Facts } from './facts.ts'

/** What the generator knows where it adds a node. */
export interface Dressing {
  readonly input: Facts
  readonly isExact: boolean
  readonly random: Random
  /** Whether a pipe of its task waits already. */
  readonly hasWaiting: boolean
}

/** A test that is one of so many, on what is certain. */
export const testOn = ({ input, random }: Dressing, by: number): Test => ({
  of: input.isBlind || random.integer(4) === 0 ? 'key' : 'value',
  by,
  rest: random.integer(by),
})

/** Where a function throws, if it may and does. */
export const throwing = (place: Dressing): { throwsWhen?: Test } =>
  place.input.skips && place.random.integer(4) === 0 ? { throwsWhen: testOn(place, 11 + place.random.integer(10)) } : {}

/** What a function computes. */
export const formula = ({ input, random }: Dressing): Formula => ({
  of: input.isBlind || random.integer(5) === 0 ? 'key' : 'value',
  times: 1 + random.integer(50),
  plus: random.integer(100),
})

/** What decides how many values come of one. */
export const byOf = ({ input, random }: Dressing): 'value' | 'key' =>
  input.isBlind || random.integer(4) === 0 ? 'key' : 'value'
