import type { AnySerde } from '../serde/serde.ts'
import type { RowStore } from '../state/row-store.ts'
import type { FlowRecord } from './flow-record.ts'

/** Where a task's chain writes records of one topic: serialises, chooses the partition, appends to an open batch. */
export interface RecordOutput {
  /** @throws {StreamError} `RECORD_SERIALIZATION` or `RECORD_TOO_LARGE`; nothing was written then */
  send(record: FlowRecord): void
}

/** A topic to write, by its name in Kafka. */
export interface OutputTopic {
  readonly topic: string
  readonly key: AnySerde
  readonly value: AnySerde
  /** Whether values may be left out of it at one time and not at another: see `serde/presence.ts`. */
  readonly isRepartition?: boolean
}

/**
 * What a task gives its operators. One context serves all operators of a task, and it outlives no task.
 */
export interface ProcessorContext {
  /** The store of this task by the user's name. */
  store(name: string): RowStore
  output(topic: OutputTopic): RecordOutput
  /**
   * To be called before anything is done that an abort would have to undo: a store row handed to user code that may
   * change it, a write, an output. A record that fails before its first effect is judged alone; one that fails later
   * costs the transaction (X7).
   */
  effect(): void
  /** Counts a record that was passed over, by reason, and says so once in a while. */
  dropped(reason: DropReason, record: FlowRecord): void
  /**
   * Wall time, epoch milliseconds: read once a unit, and never behind what an earlier unit read, before a restart neither
   * where the task has a store. A replay may read another, since nothing of the attempt before is visible.
   */
  now(): number
  /** Uniform in [0, 1), from a seed that follows from the unit: a replay of it draws the same numbers in the same order (R30). */
  random(): number
  /** The task's stream time: the greatest timestamp that it has taken (R1), epoch milliseconds; -1 before the first. */
  streamTime(): number
  /**
   * The unit in hand waits for user code. No commit comes before it is through (X19), and what it waits for has a deadline.
   * @returns what everything that is done later for the unit goes through
   */
  suspend(wait: Wait): Resume
}

/** User code under way, as part of a unit. */
export interface Wait {
  /** Settles when it is over. A rejection fails the unit. */
  readonly done: Promise<void>
  /** Called when the unit is given up before that. */
  cancel(): void
  /**
   * Whom it holds up: the whole `task`, which begins no other unit until it is over; or whomever the `operator` itself
   * holds up, which keeps back what must not overtake: the records of the same key, or nobody. One that has as much under way
   * as it may says `task`.
   */
  readonly holds: 'task' | 'operator'
}

/**
 * Does something as part of the unit that waits: its effects, its time and its random numbers.
 * @throws what `work` throws; {@link StreamError} `ILLEGAL_STATE` when the unit was given up, and `work` was not done
 */
export type Resume = (work: () => void) => void

/** Why a record goes no further without being an error. */
export type DropReason = 'null key' | 'null value'
