import { StreamError } from '../core/errors.ts'

/**
 * A function of the pipeline gave undefined: most likely it lacks a `return`, and what was meant cannot be told.
 *
 * @param what the verb, as the pipeline has it
 * @param instead what says on purpose that there is nothing
 * @throws {StreamError} `RECORD_PROCESSING`, always
 */
export function refuseUndefined(what: string, instead: string): never {
  throw new StreamError(
    'RECORD_PROCESSING',
    `${what}: expected its function to give a value, found undefined; return one, or ${instead}`,
  )
}
