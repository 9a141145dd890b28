import type { Clock } from '../core/clock.ts'
import { messageOf } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { parsePartitionKey } from '../core/topic-partition.ts'
import type { Admin } from '../kafka/admin.ts'

const intervalMs = 30_000
const bytesMax = 64 * 1024 * 1024

/**
 * Deletes what was consumed of repartition and ingest topics (X21): only up to the position of a known commit, every 30 s
 * or 64 MB. A purge that fails is repeated by the next; nothing waits for it.
 */
export class Purge {
  private readonly admin: Admin
  private readonly clock: Clock
  private readonly logger: Logger
  private readonly positions = new Map<string, number>()
  private bytes = 0
  private lastMs: number
  private running: Promise<void> | null = null

  constructor(admin: Admin, clock: Clock, logger: Logger) {
    this.admin = admin
    this.clock = clock
    this.logger = logger
    this.lastMs = clock.monotonicMs()
  }

  /** Told of each known commit: positions of purgeable inputs by `topic-partition`, and the bytes consumed for them. */
  committed(positions: Iterable<readonly [key: string, offset: number]>, bytes: number): void {
    for (const [key, offset] of positions) this.positions.set(key, offset)
    this.bytes += bytes
    const now = this.clock.monotonicMs()
    if (this.running || this.positions.size === 0) return
    if (this.bytes < bytesMax && now - this.lastMs < intervalMs) return
    this.lastMs = now
    this.bytes = 0
    this.running = this.run().finally(() => {
      this.running = null
    })
  }

  /** When it should be told of commits again although there were none; infinite while nothing waits to be deleted. */
  get dueMs(): number {
    return this.positions.size === 0 || this.running ? Number.POSITIVE_INFINITY : this.lastMs + intervalMs
  }

  private async run(): Promise<void> {
    const taken = [...this.positions]
    this.positions.clear()
    try {
      await this.admin.deleteRecords(taken.map(([key, offset]) => ({ ...parsePartitionKey(key), offset })))
    } catch (error) {
      for (const [key, offset] of taken) if (!this.positions.has(key)) this.positions.set(key, offset)
      this.logger.debug('a purge is left to the next', { reason: messageOf(error) })
    }
  }

  /** Waits for the purge that is under way. */
  async close(): Promise<void> {
    await this.running
  }
}
