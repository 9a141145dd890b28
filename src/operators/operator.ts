import type { Observable } from 'rxjs'
import type { RowChanges } from '../state/row-changes.ts'
import type { Emit } from './emit.ts'
import type { FlowRecord } from './flow-record.ts'

/** What a store changed since the last commit. */
export interface StoreCut {
  readonly store: string
  readonly rows: RowChanges
}

/**
 * One thing that an operator does by itself, and not for a record that comes in: a unit of work (X7). All that it puts and
 * hands on is kept or dropped whole, and where it fails it fails alone. Good until it was run or passed over.
 */
export interface OwnWork {
  /** When it is due, epoch milliseconds by the clock that it goes by. What is held back until the end has the time of what it ends. */
  readonly time: number
  /** The key that it is done for, as bytes; null where it is done for none. */
  readonly key: Uint8Array | null
  /** Tells apart what is done at one time for one key, as the name of a timer does. Default: nothing. */
  readonly label?: string
  /** Does it, and strikes it off: no later call gives it again, nor one after a restart that finds this one committed. */
  run(): void
  /** Strikes it off without doing it: it failed, and its policy passes it over. */
  passOver(): void
}

/**
 * A node of a task's chain, built once for it. What is optional is what only some have beside records.
 *
 * `advance`, `punctuate` and `flush` tell what there is to do, and change nothing: the task does it, one unit after the other,
 * the most upstream operator's first. What an operator closes by a clock of its own, which a record moved that came in, is
 * part of that record's unit.
 */
export interface Operator {
  /** What the node hands on, of what comes in by each of its ports. Subscribed once, and it never completes. */
  connect(inputs: readonly Observable<FlowRecord>[]): Observable<FlowRecord>
  /**
   * The first that it has to do by the task's stream time: by time, then by the bytes of its key (R5); null when there is
   * nothing. Asked when a time has come that it named by {@link ChainLink.dueAt}, and again whenever that was done.
   * @param streamTime epoch milliseconds; what is due later is not done yet, and asked for when it is
   */
  advance?(streamTime: number): OwnWork | null
  /** As `advance`, for wall-clock time and {@link ChainLink.wakeAt}. */
  punctuate?(now: number): OwnWork | null
  /** The first that it keeps back until its inputs have ended (X18), in the same order; null when there is nothing. */
  flush?(): OwnWork | null
  /**
   * Freezes what the node's stores changed since the last commit.
   * @param handOn takes the last change of each key, in the order of first change; null when nobody wants them
   */
  cut?(handOn: Emit | null): readonly StoreCut[]
}

/** What a chain tells an operator that is built, and lets it say. */
export interface ChainLink {
  /** Whether somebody takes every change of a table: without one only the last of each key is wanted, at the cut. */
  readonly wantsEveryChange: boolean
  /** The operator has something to do when stream time comes to `time`, if not before. */
  dueAt(time: number): void
  /** The operator has something to do when the wall clock comes to `time`, if not before. */
  wakeAt(time: number): void
}
