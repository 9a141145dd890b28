import type { Emit } from '../../src/operators/emit.ts'
import type { Operator } from '../../src/operators/operator.ts'
import { connect } from '../../src/operators/step-subscriber.ts'

/** The only way into an operator of one port that stands in front of `next`. */
export function wayInto(operator: Operator, next: Emit): Emit {
  return connect(operator, 1, next)[0] as Emit
}
