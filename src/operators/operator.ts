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
 * A node of a task's chain, built once for it. What is optional is what only some have beside records; a chain calls
 * each of it in the order of its nodes, so that what one hands on has reached the next before that is called.
 */
export interface Operator {
  /** What the node hands on, of what comes in by each of its ports. Subscribed once, and it never completes. */
  connect(inputs: readonly Observable<FlowRecord>[]): Observable<FlowRecord>
  /**
   * Stream time, epoch milliseconds, has come to where the operator had something to do: it does all that is due up to there,
   * in order of time and then of key bytes, and hands on what that gives (R5).
   * @returns the next time at which it has something to do; `Infinity` when there is none
   */
  advance?(streamTime: number): number
  /**
   * As `advance`, for wall-clock time.
   * @param now epoch milliseconds
   */
  punctuate?(now: number): number
  /**
   * Freezes what the node's stores changed since the last commit.
   * @param handOn takes the last change of each key, in the order of first change; null when nobody wants them
   */
  cut?(handOn: Emit | null): readonly StoreCut[]
  /** Its bounded inputs have ended: hands on what it still keeps back (X18). */
  flush?(): void
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
