import { assert } from '../core/assert.ts'
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
 * What the last cut froze: `committing` until its transaction is known to be committed, `stored` from then on until the backend
 * has it; none in between.
 */
type InFlight = 'none' | 'committing' | 'stored'

/**
 * A store of one task: rows in memory over a backend that only ever holds what was committed.
 *
 * What a transaction changes is a generation, and a row is read from the youngest that has it:
 *
 *     open         what has changed since the last cut
 *     committing   `cut` froze it as bytes: on its way into the changelog, the fate of its transaction not known
 *     stored       `known`: committed, on its way into the backend
 *     backend      `written`: all that was committed, and a cache of it in memory
 *
 * Work goes on behind a cut: puts go to the open generation whatever the one before is about. There is one in flight at the
 * most, so `cut` waits for `written`. An abort drops open and committing whole: `reset`, so that an aborted value is never seen
 * again (X6). It drops no known one, which would show rows from before the commit: a stored generation is written first, or the
 * store is closed and opened anew, and its changelog has what its backend lacks. Where the outcome is in doubt the changelog
 * decides as well: after a `reset` from committing the store is restored before it is read (X4). Any other order is refused.
 */
export class RowStore {
  readonly name: string
  /** The rows of the user. */
  readonly rows: Rows
  private readonly backend: StateBackend
  private readonly options: StoreOptions
  private reservedRows: Rows | null = null
  private inFlight: InFlight = 'none'
  private isClosed = false

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
   * or gets them leaves as they are. The names `meta`, `positions` and `clock` are the task's own.
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
   * Freezes the open generation, which is committing from here on, and opens another. Rows stay readable.
   * @returns the changed rows, the user's first, good until the next cut
   * @throws {StreamError} `RECORD_SERIALIZATION`: the generation can only be dropped then
   */
  cut(): RowChanges {
    this.expect('none', 'is cut')
    this.inFlight = 'committing'
    const { changes } = this.rows
    changes.begin(this.changedCount)
    this.rows.cut(changes)
    this.reservedRows?.cut(changes)
    return changes
  }

  /** What the last cut gave is committed: no abort drops it any more, and the backend is to get it. */
  known(): void {
    this.expect('committing', 'is told of a commit')
    this.inFlight = 'stored'
  }

  /** The backend has what the last cut gave, so that memory need not keep it any more. */
  written(): void {
    this.expect('stored', 'is told of a write')
    this.inFlight = 'none'
    this.rows.written()
    this.reservedRows?.written()
  }

  /** Forgets all rows in memory: the transaction failed. What is true is in the backend, or in the changelog beyond it. */
  reset(): void {
    assert(this.inFlight !== 'stored', `the store ${this.name} is not reset while it has a generation that is stored`)
    this.inFlight = 'none'
    this.rows.reset()
    this.reservedRows?.reset()
  }

  /** Forgets all rows and leaves the memory budget: its backend is closed, whatever is in flight. Idempotent. */
  close(): void {
    this.isClosed = true
    this.rows.close()
    this.reservedRows?.close()
  }

  private expect(inFlight: InFlight, what: string): void {
    const { name } = this
    assert(!this.isClosed, `the store ${name} ${what} before it is closed`)
    assert(
      this.inFlight === inFlight,
      `the store ${name} ${what} when what is in flight is ${inFlight}, not ${this.inFlight}`,
    )
  }
}
