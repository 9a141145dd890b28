import type { Clock } from './clock.ts'
import type { FileSystem } from './file-system.ts'
import type { Logger } from './logger.ts'
import type { Random } from './random.ts'
import type { StepHook } from './steps.ts'

/**
 * The ports of this rank, handed down together. With `Transport`, `StateBackend`, `BrokerStorage`, `ProcessPort`
 * and `Threads` they are the only places where the engine may wait or learn something it did not compute.
 */
export interface Ports {
  readonly clock: Clock
  readonly random: Random
  readonly files: FileSystem
  readonly logger: Logger
  /** Told of every named step of opening and commit; the fail-point sweep crashes here. */
  readonly steps: StepHook
}
