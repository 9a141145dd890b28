import type { MemoryBudget } from '../core/memory-budget.ts'
import { bytes } from '../serde/bytes.ts'
import type { AnySerde } from '../serde/serde.ts'
import type { RowChanges } from './row-changes.ts'
import { reservedPrefix, userPrefix } from './row-format.ts'
import { Rows } from './rows.ts'
import type { StateBackend } from './state-backend.ts'

/** How a store keeps its rows in memory. */
export interface StoreOptions {
  /** What the stores of this process share. */
  readonly memory: MemoryBudget
  /** What the backend of one may hold in memory; see {@link StateBackends.open}. */
  readonly backendBytes: number
  /** A 32-bit number that nobody who chooses keys knows. */
  readonly hashSeed: number
}

/**
 * A store of one task: rows in memory over a backend that only ever holds what was committed.
 *
 * What a transaction changes stays in memory until it is committed: `cut` freezes it as bytes, the caller writes those to the
 * changelog and after the commit to the backend, and says `written`. `reset` forgets every row, so that an aborted value is
 * never seen again (X6). The cache of committed rows is two tables, the older dropped whole when the memory budget of the
 * process asks for it.
 */
export class RowStore {
  readonly name: string
  /** The rows of the user. */
  readonly rows: Rows
  private readonly backend: StateBackend
  private readonly options: StoreOptions
  private reservedRows: Rows | null = null

  /** @param value of the user's rows */
  constructor(name: string, backend: StateBackend, value: AnySerde, options: StoreOptions) {
    this.name = name
    this.backend = backend
    this.options = options
    this.rows = this.rowsOf(userPrefix, value, backend.memoryBytes)
  }

  /**
   * The reserved rows (X8): what an operator has to know again after a restart beside the user's rows. They go the same way
   * as those: into the changelog and the backend with a commit, away with an abort. Their values are bytes that whoever puts
   * or gets them leaves as they are. The names `meta` and `positions` are the task's own.
   */
  get reserved(): Rows {
    this.reservedRows ??= this.rowsOf(reservedPrefix, { ...bytes, immutable: true }, 0)
    return this.reservedRows
  }

  private rowsOf(prefix: number, value: AnySerde, backendBytes: number): Rows {
    const { memory, hashSeed } = this.options
    return new Rows(this.backend, { prefix, value, place: `the store ${this.name}`, memory, backendBytes, hashSeed })
  }

  /** Whether this store has changes, and so much has changed in all stores that the task should commit early. */
  get isFull(): boolean {
    return this.changedCount > 0 && this.options.memory.isFull
  }

  private get changedCount(): number {
    return this.rows.changedCount + (this.reservedRows?.changedCount ?? 0)
  }

  /**
   * Freezes what the transaction changed. Rows stay readable; the next change begins a new transaction. The rows of the last
   * cut are in the backend, or this store is reset.
   * @returns them, the user's first, good until the next cut
   * @throws {StreamError} `RECORD_SERIALIZATION`
   */
  cut(): RowChanges {
    const { changes } = this.rows
    changes.begin(this.changedCount)
    this.rows.cut(changes)
    this.reservedRows?.cut(changes)
    return changes
  }

  /** The backend has what the last cut gave, so that memory need not keep it any more. */
  written(): void {
    this.rows.written()
    this.reservedRows?.written()
  }

  /** Forgets all rows in memory: the transaction failed, and what is true is in the backend. */
  reset(): void {
    this.rows.reset()
    this.reservedRows?.reset()
  }

  /** Forgets all rows and leaves the memory budget: its backend is closed. Idempotent. */
  close(): void {
    this.rows.close()
    this.reservedRows?.close()
  }
}
