import type { Logger } from '../../core/logger.ts'
import type { LoopTime } from '../../core/loop-time.ts'
import type { Random } from '../../core/random.ts'
import type { ResolvedOptions } from '../broker-options.ts'
import type { Facts } from '../storage/facts.ts'

/** What the coordination of groups works with. */
export interface GroupEnvironment {
  readonly facts: Facts
  readonly time: LoopTime
  readonly random: Random
  readonly logger: Logger
  readonly options: ResolvedOptions
}
