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
   * The record in hand waits for `done`: the task takes no other record and does not commit until it settled.
   * A rejection fails the record. `cancel` is called when the record is given up before that.
   */
  suspend(done: Promise<void>, cancel: () => void): void
}

/** Why a record goes no further without being an error. */
export type DropReason = 'null key' | 'null value'
