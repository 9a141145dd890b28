import type { Cancel } from '../../core/clock.ts'
import type { LoopTime } from '../../core/loop-time.ts'
import type { TransactionRow } from './transaction-row.ts'

interface Watch {
  readonly cancel: Cancel
  isDue: boolean
}

/** The time that each open transaction has. What is due stays so until it is taken or the transaction ends. */
export class TransactionTimeouts {
  private readonly time: LoopTime
  private readonly due: (transactionalId: string) => void
  private readonly watches = new Map<string, Watch>()

  /** @param due told once of each transaction whose time is up; it may not be able to act at once */
  constructor(time: LoopTime, due: (transactionalId: string) => void) {
    this.time = time
    this.due = due
  }

  /** Takes note of a row: a transaction's time begins when it opens, and whatever joins it later does not prolong it. */
  follow(row: TransactionRow): void {
    const { transactionalId, state, timeoutMs } = row
    const known = this.watches.get(transactionalId)
    if (state !== 'Ongoing') {
      known?.cancel()
      this.watches.delete(transactionalId)
      return
    }
    if (known) return
    const cancel = this.time.timer(timeoutMs, () => {
      watch.isDue = true
      this.due(transactionalId)
    })
    const watch: Watch = { cancel, isDue: false }
    this.watches.set(transactionalId, watch)
  }

  /** @returns whether the transaction's time is up and nobody took that before */
  takeDue(transactionalId: string): boolean {
    const watch = this.watches.get(transactionalId)
    if (!watch?.isDue) return false
    watch.isDue = false
    return true
  }
}
