import type { Chain } from './chain.ts'
import type { OwnUnit } from './own-units.ts'
import type { RecordQueue } from './record-queue.ts'
import type { TaskClock } from './task-clock.ts'
import type { TaskEnd } from './task-end.ts'
import type { TaskInputs } from './task-inputs.ts'

/** What an agenda goes by. */
export interface AgendaParts {
  readonly chain: Pick<Chain, 'dueMs' | 'nextWakeMs' | 'advance' | 'punctuate' | 'flush'>
  readonly inputs: Pick<TaskInputs, 'choose'>
  readonly clock: TaskClock
  readonly end: TaskEnd
  /** Whether the job goes on at its end: then the wall clock does, too. */
  readonly follow: boolean
}

/**
 * What a task works on next: what operators do by the wall clock; what they do by stream time, before the record that moves it
 * (R5); records, in the order of R3; and at the end of bounded inputs what is kept back (X18).
 */
export class Agenda {
  private readonly parts: AgendaParts
  /** The input whose head has moved stream time: it is taken next, whatever comes meanwhile. */
  private chosen: RecordQueue | null = null
  private isWakeDue = false

  constructor(parts: AgendaParts) {
    this.parts = parts
  }

  /** Looks at the wall clock, where anybody asked for it: once in a while, and not for every record. */
  look(): void {
    const { chain, clock } = this.parts
    this.isWakeDue = this.isAwake && chain.nextWakeMs !== Number.POSITIVE_INFINITY && clock.now() >= chain.nextWakeMs
  }

  /** A job that is about to end does nothing by the wall clock any more, or it never would. */
  private get isAwake(): boolean {
    const { follow, end } = this.parts
    return follow || !(end.isReached || end.isFlushing)
  }

  /** When there is something to do, whatever comes, in epoch milliseconds; `Infinity` for never. */
  get nextWakeMs(): number {
    const { chain, end } = this.parts
    if (end.isFlushing) return 0
    return this.isAwake ? chain.nextWakeMs : Number.POSITIVE_INFINITY
  }

  /** What an operator does before the next record; null when there is nothing. The caller does it before it asks again. */
  own(): OwnUnit | null {
    const { chain, clock, end } = this.parts
    if (this.isWakeDue) {
      const unit = chain.punctuate(clock.now())
      if (unit !== null) {
        end.takeBack()
        return unit
      }
      this.isWakeDue = false
    }
    let { chosen } = this
    if (chosen === null) {
      chosen = this.parts.inputs.choose()
      if (chosen === null) return end.isFlushing ? this.flush() : null
      this.chosen = chosen
      end.takeBack()
    }
    const time = chosen.headTime
    if (time > clock.streamTime) clock.streamTime = time
    return clock.streamTime < chain.dueMs ? null : chain.advance(clock.streamTime)
  }

  private flush(): OwnUnit | null {
    const { chain, end } = this.parts
    const unit = chain.flush()
    if (unit === null) end.flushed()
    return unit
  }

  /** The input whose head is next, once `own` has nothing; null when no record is here. The caller takes it. */
  record(): RecordQueue | null {
    const { chosen } = this
    this.chosen = null
    return chosen
  }

  /** The inputs are at the end that the token stands for. */
  markEnded(token: string): void {
    const { end } = this.parts
    end.mark(token)
    if (end.isFlushing) this.flush()
  }
}
