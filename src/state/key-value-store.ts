import type { AnySerde } from '../serde/serde.ts'
import { binaryKeyOf, encodeRow, rowTimestamp, rowValue, userKey, userPrefix } from './row-format.ts'
import { type RowNumber, RowTable } from './row-table.ts'
import type { Mutation, StateBackend } from './state-backend.ts'

/**
 * One changed row of a commit, as the backend writes it: its time, then its value bytes (row-format.ts). The changelog
 * takes the value bytes out of it, so that a row is written once.
 */
export interface RowChange extends Mutation {
  readonly key: Buffer
  /** Null for a delete. */
  readonly value: Buffer | null
  readonly timestamp: number
}

/** How a store keeps its rows in memory. */
export interface StoreOptions {
  /** The limit of committed rows kept decoded, in serialised bytes. */
  readonly cacheBytes: number
  /** The limit of changed rows of the open transaction, in serialised bytes; beyond it the task commits early. */
  readonly overlayBytes: number
  /** A 32-bit number that nobody who chooses keys knows. */
  readonly hashSeed: number
}

/** What a row takes in memory beside its key, which is there twice, and the bytes of its value. */
const rowOverheadBytes = 200

/**
 * A key-value store of one task: rows in memory over a backend that only ever holds what was committed.
 *
 * Reads and writes are synchronous (X11). What a transaction changes stays in memory until it is committed: `cut`
 * freezes it as bytes, the caller writes those to the changelog and after the commit to the backend. `reset` forgets
 * every row, so that an aborted value is never seen again (X6). The rows of the open transaction and the cache of
 * committed ones share one table, so a record costs one look-up; the cache is two generations, the older dropped whole.
 */
export class KeyValueStore {
  readonly name: string
  private readonly backend: StateBackend
  private readonly value: AnySerde
  private readonly isImmutable: boolean
  private readonly options: StoreOptions
  private young: RowTable
  private old: RowTable
  private youngBytes = 0
  /** Rows of `young`, in the order of their first change. */
  private dirty: RowNumber[] = []
  private dirtyBytes = 0
  private transaction = 1

  constructor(name: string, backend: StateBackend, value: AnySerde, options: StoreOptions) {
    this.name = name
    this.backend = backend
    this.value = value
    this.isImmutable = value.immutable === true
    this.options = options
    this.young = new RowTable(options.hashSeed)
    this.old = this.young
  }

  /** Whether a fold may be given the row's value without its being an effect: it cannot change it in place. */
  get hasImmutableValues(): boolean {
    return this.isImmutable
  }

  /**
   * The row of a key, a range of a buffer, read from the backend when memory does not have it.
   * @returns its number, good until the next cut or reset
   */
  row(key: Buffer, start: number, length: number): RowNumber {
    let row = this.young.find(key, start, length)
    if (row < 0) row = this.load(key, start, length)
    if (!this.isImmutable) this.handOut(row)
    return row
  }

  /** Each transaction decodes its own copy of a value that it may change in place (X6). */
  private handOut(row: RowNumber): void {
    const { young } = this
    if (!young.handOut(row, this.transaction)) return
    const committed = young.bytes[row]
    if (committed) young.values[row] = this.value.deserialize(committed)
  }

  private load(key: Buffer, start: number, length: number): RowNumber {
    const { young, old } = this
    this.youngBytes += rowOverheadBytes + 2 * length
    const known = old.find(key, start, length)
    if (known >= 0) {
      const bytes = old.bytes[known] ?? null
      this.youngBytes += bytes?.length ?? 0
      const time = old.timestamp(known)
      return young.add(key, start, length, old.storeKeys[known] as Buffer, old.values[known], time, bytes)
    }
    const storeKey = userKey(key, start, length)
    const stored = this.backend.getSync(storeKey)
    if (stored === undefined) return young.add(key, start, length, storeKey, undefined, Number.NEGATIVE_INFINITY, null)
    const bytes = rowValue(stored)
    const time = rowTimestamp(stored)
    if (this.isImmutable) return young.add(key, start, length, storeKey, this.value.deserialize(bytes), time, null)
    this.youngBytes += bytes.length
    return young.add(key, start, length, storeKey, undefined, time, bytes)
  }

  /** A row's value; undefined where the key has none. A mutable one may be changed by user code while the transaction lasts. */
  valueAt(row: RowNumber): unknown {
    return this.young.values[row]
  }

  /** A row's time, epoch milliseconds: the greatest of the records that made its value (R4). */
  timestampAt(row: RowNumber): number {
    return this.young.timestamp(row)
  }

  /** Gives a row of this transaction another value. `value` undefined deletes the row. */
  put(row: RowNumber, value: unknown, timestamp: number): void {
    const { young } = this
    young.values[row] = value
    young.setTimestamp(row, timestamp)
    if (!young.mark(row)) return
    this.dirty.push(row)
    this.dirtyBytes += rowOverheadBytes + 2 * young.keyLength(row)
  }

  /** A changed row as it is now, in bytes that later changes leave alone. @throws what the value serde throws */
  encoded(row: RowNumber): Buffer {
    return encodeRow(this.timestampAt(row), this.value.serialize(this.valueAt(row)))
  }

  /** A value of its own that equals the given one. @throws what the value serde throws */
  copyOf(value: unknown): unknown {
    return this.value.deserialize(this.value.serialize(value))
  }

  /** Whether so much has changed that the task should commit before its interval is over. */
  get isFull(): boolean {
    return this.dirtyBytes > this.options.overlayBytes
  }

  /**
   * Freezes what the transaction changed, as bytes, each row once, in the order of their first change. Rows stay readable; the next change begins a new transaction.
   * @throws what the value serde throws
   */
  cut(): RowChange[] {
    const { young } = this
    const changes: RowChange[] = []
    for (const row of this.dirty) {
      young.unmark(row)
      const value = young.values[row] === undefined ? null : this.encoded(row)
      if (!this.isImmutable) {
        young.bytes[row] = value && rowValue(value)
        young.values[row] = undefined
        this.youngBytes += value?.length ?? 0
      }
      changes.push({ key: young.storeKeys[row] as Buffer, value, timestamp: this.timestampAt(row) })
    }
    this.dirty = []
    this.dirtyBytes = 0
    this.nextTransaction()
    if (this.youngBytes > this.options.cacheBytes / 2) {
      this.old = young
      this.young = new RowTable(this.options.hashSeed)
      this.youngBytes = 0
    }
    return changes
  }

  /** Forgets all rows in memory: the transaction failed, and what is true is in the backend. */
  reset(): void {
    this.young = new RowTable(this.options.hashSeed)
    this.old = this.young
    this.youngBytes = 0
    this.dirty = []
    this.dirtyBytes = 0
    this.nextTransaction()
  }

  /** Numbers of transactions begin again where the column that keeps them ends. */
  private nextTransaction(): void {
    this.transaction = this.transaction === 0x7fffffff ? 1 : this.transaction + 1
  }

  /** The committed value of a key: a copy, decoded anew (X6). Undefined where there is none. */
  committed(key: Uint8Array): unknown {
    const stored = this.backend.getSync(userKey(key))
    return stored === undefined ? undefined : this.value.deserialize(rowValue(stored))
  }

  /** All committed rows in the byte order of their keys, as they were when the iteration began. */
  async *committedRows(): AsyncIterable<readonly [key: Buffer, value: unknown]> {
    for await (const [key, row] of this.backend.iterate({
      from: Buffer.of(userPrefix),
      to: Buffer.of(userPrefix + 1),
    })) {
      yield [Buffer.from(binaryKeyOf(key), 'latin1'), this.value.deserialize(rowValue(row))]
    }
  }
}
