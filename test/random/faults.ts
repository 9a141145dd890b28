import { StreamError } from '../../src/core/errors.ts'
import type { StepName } from '../../src/core/steps.ts'
import type { ScriptedEvent, SimulatedInstance } from '../../src/testing/index.ts'
import type { Fault } from './case.ts'

const lost = 'the answer was lost, as asked'

/** What an answer that never came is to whoever waited for it. */
const doubt = (): StreamError => new StreamError('TRANSACTION_UNKNOWN', lost, { action: 'reset-task' })

/** Whether that is what a job failed with. */
export const isDoubt = (error: unknown): boolean => error instanceof StreamError && error.message === lost

/** A fault as an instance's script has it; those that come at a time are nobody's script. */
export function scripted(fault: Fault): ScriptedEvent[] {
  if ('request' in fault) return [fault]
  if ('storesLateMs' in fault) {
    return [{ at: 'B4.writeStore', occurrence: 'every', when: 'before', do: { lateMs: fault.storesLateMs } }]
  }
  if (!('at' in fault)) return []
  return [{ ...fault, do: fault.do === 'kill' ? 'kill' : doubt() }]
}

/** Whether a fault of a script came to pass. */
export function hasFired(
  fault: Fault,
  faults: readonly Fault[],
  { script, isDead }: Pick<SimulatedInstance, 'script' | 'isDead'>,
): boolean {
  const seen = (step: StepName): number => script.seen.get(step) ?? 0
  if ('storesLateMs' in fault) return seen('B4.writeStore') > 0
  if ('at' in fault) return fault.do === 'kill' ? isDead : seen(fault.at) >= fault.occurrence
  if (!('request' in fault)) return false
  // A script says how many of its events have happened, and a life has one late request at the most.
  const others = faults.filter((one) => one !== fault && hasFired(one, faults, { script, isDead }))
  return script.fired > others.filter((one) => !('forMs' in one)).length
}
