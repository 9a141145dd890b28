import { randomInt, randomUUID } from 'node:crypto'
import type { Random } from './random.ts'

/** The real source of randomness of this process. */
export const systemRandom: Random = {
  next: () => Math.random(),
  integer: (bound) => (bound <= 1 ? 0 : randomInt(bound)),
  uuid: () => randomUUID(),
}
