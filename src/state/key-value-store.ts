import type { MemoryBudget } from '../core/memory-budget.ts'
import type { AnySerde } from '../serde/serde.ts'
import { serialized } from '../serde/serialized.ts'
import { RowCache } from './row-cache.ts'
import type { RowChanges } from './row-changes.ts'
import { binaryKeyOf, decodeRow, userKey, userPrefix } from './row-format.ts'
import { type RowNumber, RowTable } from './row-table.ts'
import type { StateBackend } from './state-backend.ts'
import { bufferBytes, scalarBytes, sizeOf, textBytes } from './value-size.ts'

/** How a store keeps its rows in memory. */
export interface StoreOptions {
  /** What the stores of this process share. */
  readonly memory: MemoryBudget
  /** What the backend of one may hold in memory; see {@link StateBackends.open}. */
  readonly backendBytes: number
  /** A 32-bit number that nobody who chooses keys knows. */
  readonly hashSeed: number
}

/** What a changed row takes beside its key and value, in its table as well as in the commit. */
const rowBytes = 100

/** Every so many changes a mutable value is looked at; after one of so many bytes, each change pays for 2^shift of them. */
const looks = { every: 16, shift: 10 } as const

/** Decoded, a value takes about so many times its bytes. */
const decodedFactor = 2

/**
 * A key-value store of one task: rows in memory over a backend that only ever holds what was committed.
 *
 * Reads and writes are synchronous (X11). What a transaction changes stays in memory until it is committed: `cut`
 * freezes it as bytes, the caller writes those to the changelog and after the commit to the backend, and says `written`.
 * `reset` forgets every row, so that an aborted value is never seen again (X6). The rows of the open transaction and the
 * cache of committed ones share one table, so a record costs one look-up; the cache is two generations, the older dropped
 * whole when the memory budget of the process asks for it.
 */
export class KeyValueStore {
  readonly name: string
  /** As messages name it. */
  private readonly place: string
  private readonly backend: StateBackend
  private readonly value: AnySerde
  private readonly isImmutable: boolean
  private readonly memory: MemoryBudget
  private readonly rows: RowCache
  /** Rows of the young generation, in the order of their first change. */
  private dirty: RowNumber[] = []
  /** Changes of mutable rows until the size of one is looked at again. */
  private changesToLook = 0
  private transaction = 1

  constructor(name: string, backend: StateBackend, value: AnySerde, options: StoreOptions) {
    this.name = name
    this.place = `the store ${name}`
    this.backend = backend
    this.value = value
    this.isImmutable = value.immutable === true
    this.memory = options.memory
    this.rows = new RowCache(
      options.memory,
      backend.memoryBytes,
      () => new RowTable(options.hashSeed, !this.isImmutable),
    )
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
    let row = this.rows.young.find(key, start, length)
    if (row < 0) row = this.load(key, start, length)
    if (!this.isImmutable) this.handOut(row)
    return row
  }

  /** Each transaction decodes its own copy of a value that it may change in place (X6). */
  private handOut(row: RowNumber): void {
    const { young } = this.rows
    if (!young.handOut(row, this.transaction)) return
    const committed = young.committed?.[row]
    if (!committed) return
    young.values[row] = this.value.deserialize(committed)
    young.setValueBytes(row, bufferBytes + (1 + decodedFactor) * committed.length)
  }

  private load(key: Buffer, start: number, length: number): RowNumber {
    const { young } = this.rows
    let row = this.rows.known(key, start, length)
    if (row < 0) {
      const stored = this.backend.getSync(userKey(key, start, length))
      if (stored === undefined) row = young.add(key, start, length, undefined, Number.NEGATIVE_INFINITY, null)
      else {
        const { value: bytes, timestamp, expiry } = decodeRow(stored, this.backend.path)
        const value = this.isImmutable ? this.value.deserialize(bytes) : undefined
        row = young.add(key, start, length, value, timestamp, bytes)
        young.setValueBytes(row, this.committedBytes(value, bytes.length))
        young.setExpiry(row, expiry)
      }
    }
    this.rows.added()
    return row
  }

  /** What a committed value takes in memory. @param encodedBytes length of its bytes */
  private committedBytes(value: unknown, encodedBytes: number): number {
    if (!this.isImmutable) return bufferBytes + encodedBytes
    if (typeof value === 'number' || typeof value === 'boolean') return scalarBytes
    return typeof value === 'string' ? textBytes(value.length, encodedBytes) : bufferBytes + encodedBytes
  }

  /** A row's value; undefined where the key has none. A mutable one may be changed by user code while the transaction lasts. */
  valueAt(row: RowNumber): unknown {
    return this.rows.young.values[row]
  }

  /** A row's time, epoch milliseconds: the greatest of the records that made its value (R4). */
  timestampAt(row: RowNumber): number {
    return this.rows.young.timestamp(row)
  }

  /** When a row expires, epoch milliseconds of stream time; null for never. */
  expiryAt(row: RowNumber): number | null {
    return this.rows.young.expiry(row)
  }

  /** Gives a row of this transaction another value. `value` undefined deletes the row. */
  put(row: RowNumber, value: unknown, timestamp: number, expiry: number | null = null): void {
    const { young } = this.rows
    const isNumber = typeof value === 'number'
    const bytes = isNumber ? scalarBytes : this.changedBytes(row, value)
    // One number for another, as every count writes it, takes what it took.
    const grown = isNumber && typeof young.values[row] === 'number' ? 0 : young.setValueBytes(row, bytes)
    young.values[row] = value
    young.setExpiry(row, expiry)
    if (young.mark(row, timestamp)) {
      this.dirty.push(row)
      this.rows.changed(rowBytes + young.keyLength(row) + bytes)
    } else if (grown !== 0) this.rows.changed(grown)
  }

  /**
   * What a row takes with a value that it is about to get, and the committed bytes of a mutable one. Nothing says how much a
   * value that was changed in place has grown: it is looked at now and then, a large one less often.
   */
  private changedBytes(row: RowNumber, value: unknown): number {
    const { young } = this.rows
    const isInPlace = typeof value === 'object' && value === young.values[row]
    if (isInPlace && --this.changesToLook > 0) return young.valueBytes(row)
    const bytes = sizeOf(value)
    if (isInPlace) this.changesToLook = Math.max(looks.every, bytes >>> looks.shift)
    const committed = young.committed?.[row]
    return committed ? bytes + bufferBytes + committed.length : bytes
  }

  /** The value of a changed row as it is now, in bytes that later changes leave alone. @throws {StreamError} `RECORD_SERIALIZATION` */
  encoded(row: RowNumber): Buffer {
    return Buffer.from(this.bytesOf(this.valueAt(row)))
  }

  /** A value of its own that equals the given one. @throws {StreamError} `RECORD_SERIALIZATION` */
  copyOf(value: unknown): unknown {
    return this.value.deserialize(this.bytesOf(value))
  }

  /** Whether this store has changes, and so much has changed in all stores that the task should commit early. */
  get isFull(): boolean {
    return this.dirty.length > 0 && this.memory.isFull
  }

  /**
   * Freezes what the transaction changed. Rows stay readable; the next change begins a new transaction. The rows of the last
   * cut are in the backend, or this store is reset.
   * @returns them, good until the next cut
   * @throws {StreamError} `RECORD_SERIALIZATION`
   */
  cut(): RowChanges {
    const { young } = this.rows
    const { changes } = this.rows
    changes.begin(this.dirty.length)
    for (const row of this.dirty) {
      young.unmark(row)
      const value = young.values[row] === undefined ? null : this.bytesOf(young.values[row])
      changes.add(young, row, value)
      if (young.committed !== null) {
        young.committed[row] = value && Buffer.from(value)
        young.values[row] = undefined
      }
      const bytes = value === null ? 0 : this.committedBytes(young.values[row], value.length)
      if (bytes !== young.valueBytes(row)) this.rows.changed(young.setValueBytes(row, bytes))
    }
    this.dirty = []
    this.nextTransaction()
    this.rows.cut()
    return changes
  }

  private bytesOf(value: unknown): Uint8Array {
    return serialized(this.value, value, 'value', this.place)
  }

  /** The backend has what the last cut gave, so that memory need not keep it any more. */
  written(): void {
    this.rows.written()
  }

  /** Forgets all rows in memory: the transaction failed, and what is true is in the backend. */
  reset(): void {
    this.rows.reset()
    this.dirty = []
    this.nextTransaction()
  }

  /** Forgets all rows and leaves the memory budget: its backend is closed. Idempotent. */
  close(): void {
    this.reset()
    this.rows.close()
  }

  /** Numbers of transactions begin again where the column that keeps them ends. */
  private nextTransaction(): void {
    this.transaction = this.transaction === 0x7fffffff ? 1 : this.transaction + 1
  }

  /** The committed value of a key: a copy, decoded anew (X6). Undefined where there is none. */
  committed(key: Uint8Array): unknown {
    const stored = this.backend.getSync(userKey(key))
    return stored === undefined ? undefined : this.value.deserialize(decodeRow(stored, this.backend.path).value)
  }

  /** All committed rows in the byte order of their keys, as they were when the iteration began. */
  async *committedRows(): AsyncIterable<readonly [key: Buffer, value: unknown]> {
    for await (const [key, row] of this.backend.iterate({
      from: Buffer.of(userPrefix),
      to: Buffer.of(userPrefix + 1),
    })) {
      const { value } = decodeRow(row, this.backend.path)
      yield [Buffer.from(binaryKeyOf(key), 'latin1'), this.value.deserialize(value)]
    }
  }
}
