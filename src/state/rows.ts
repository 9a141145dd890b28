import type { MemoryBudget } from '../core/memory-budget.ts'
import type { AnySerde } from '../serde/serde.ts'
import { serialized } from '../serde/serialized.ts'
import type { ChangedRows } from './changed-keys.ts'
import { ChangedSizes } from './changed-sizes.ts'
import type { RowContent } from './generation.ts'
import { RowCache } from './row-cache.ts'
import type { RowChanges } from './row-changes.ts'
import { decodeRow, storeKey } from './row-format.ts'
import { RowScans, type ScannedRow } from './row-scans.ts'
import { type RowNumber, RowTable } from './row-table.ts'
import type { ScanRange } from './scan-range.ts'
import type { StateBackend } from './state-backend.ts'
import { bufferBytes, committedBytes, scalarBytes } from './value-size.ts'

/** What rows are kept with. */
export interface RowsOptions {
  /** The first byte of their store keys (row-format.ts). */
  readonly prefix: number
  /** Of their values. */
  readonly value: AnySerde
  /** What they are, as messages name it. */
  readonly place: string
  readonly memory: MemoryBudget
  /** What the memory budget is to count for their backend. */
  readonly backendBytes: number
  readonly hashSeed: number
}

/** What a changed row takes beside its key and value, in its table as well as in the commit. */
const rowBytes = 100

/** Decoded, a value takes about so many times its bytes. */
const decodedFactor = 2

/**
 * The rows of a store that share a prefix: from key bytes to a value, a time and an expiry. What the keys and values mean is
 * the business of who holds them: one row a key, a bucket of a window, the versions of a key.
 *
 * Reads and writes are synchronous (X11) and take a row by its number, so that a record costs one look-up: changed rows and
 * the cache of committed ones share one table.
 */
export class Rows {
  private readonly backend: StateBackend
  private readonly prefix: number
  private readonly value: AnySerde
  private readonly place: string
  private readonly isImmutable: boolean
  private readonly cache: RowCache
  private readonly scans: RowScans
  /** Rows of the young table that the open generation has changed, in the order of their first change. */
  private dirty: RowNumber[] = []
  private readonly sizes = new ChangedSizes()
  /** Counts generations, each of which decodes its own copies. */
  private generation = 1

  constructor(backend: StateBackend, options: RowsOptions) {
    const { memory, value, prefix, place } = options
    this.backend = backend
    this.prefix = prefix
    this.value = value
    this.place = place
    this.isImmutable = value.immutable === true
    this.cache = new RowCache(
      memory,
      options.backendBytes,
      () => new RowTable(options.hashSeed, !this.isImmutable, prefix),
    )
    this.scans = new RowScans({
      ...{ backend, prefix, value, place },
      open: this.openRows(),
      readOpen: (row) => this.openRow(row),
    })
  }

  /** The rows that the open generation has changed, by the table that they are in now. */
  private openRows(): ChangedRows {
    const rows = this
    return {
      get columns() {
        return rows.cache.young
      },
      get length() {
        return rows.dirty.length
      },
      rowOf: (position) => rows.dirty[position] as RowNumber,
    }
  }

  /** Whether a fold may be given the row's value without its being an effect: it cannot change it in place. */
  get hasImmutableValues(): boolean {
    return this.isImmutable
  }

  /** How many rows the open generation has changed. */
  get changedCount(): number {
    return this.dirty.length
  }

  /** Room for what a cut freezes. */
  get changes(): RowChanges {
    return this.cache.changes
  }

  /**
   * The row of a key, a range of a buffer, read from the backend when memory does not have it.
   * @returns its number, good until the next cut or reset
   * @throws {StreamError} `STORE_CORRUPT`
   */
  row(key: Buffer, start: number, length: number): RowNumber {
    let row = this.cache.young.find(key, start, length)
    if (row < 0) row = this.load(key, start, length)
    if (!this.isImmutable) this.handOut(row)
    return row
  }

  /** Each generation decodes its own copy of a value that it may change in place (X6). */
  private handOut(row: RowNumber): void {
    const { young } = this.cache
    if (!young.handOut(row, this.generation)) return
    const committed = young.committed?.[row]
    if (!committed) return
    young.values[row] = this.value.deserialize(committed)
    young.setValueBytes(row, bufferBytes + (1 + decodedFactor) * committed.length)
  }

  private load(key: Buffer, start: number, length: number): RowNumber {
    const { young } = this.cache
    let row = this.cache.known(key, start, length)
    if (row < 0) {
      const stored = this.backend.getSync(storeKey(this.prefix, key, start, length))
      if (stored === undefined) row = young.add(key, start, length, undefined, Number.NEGATIVE_INFINITY, null)
      else {
        const { value: bytes, timestamp, expiry } = decodeRow(stored, this.backend.path)
        const value = this.isImmutable ? this.value.deserialize(bytes) : undefined
        row = young.add(key, start, length, value, timestamp, bytes)
        young.setValueBytes(row, this.committedBytes(value, bytes.length))
        young.setExpiry(row, expiry)
      }
    }
    this.cache.added()
    return row
  }

  private committedBytes(value: unknown, encodedBytes: number): number {
    return this.isImmutable ? committedBytes(value, encodedBytes) : bufferBytes + encodedBytes
  }

  /** A row's value; undefined where the key has none. A mutable one may be changed by user code while the generation is open. */
  valueAt(row: RowNumber): unknown {
    return this.cache.young.values[row]
  }

  /** A row's time, epoch milliseconds: the greatest of the records that made its value (R4). */
  timestampAt(row: RowNumber): number {
    return this.cache.young.timestamp(row)
  }

  /** When a row expires, epoch milliseconds of stream time; null for never. */
  expiryAt(row: RowNumber): number | null {
    return this.cache.young.expiry(row)
  }

  /** Gives a row another value in the open generation. `value` undefined deletes the row. */
  put(row: RowNumber, value: unknown, timestamp: number, expiry: number | null = null): void {
    const { young } = this.cache
    const isNumber = typeof value === 'number'
    const bytes = isNumber ? scalarBytes : this.sizes.of(young, row, value)
    // One number for another, as every count writes it, takes what it took.
    const grown = isNumber && typeof young.values[row] === 'number' ? 0 : young.setValueBytes(row, bytes)
    young.values[row] = value
    young.setExpiry(row, expiry)
    if (young.mark(row, timestamp)) {
      this.dirty.push(row)
      this.cache.changed(rowBytes + young.keyLength(row) + bytes)
    } else if (grown !== 0) this.cache.changed(grown)
  }

  /** The value of a changed row as it is now, in bytes that later changes leave alone. @throws {StreamError} `RECORD_SERIALIZATION` */
  encoded(row: RowNumber): Buffer {
    return Buffer.from(this.bytesOf(this.valueAt(row)))
  }

  /** A value of its own that equals the given one. @throws {StreamError} `RECORD_SERIALIZATION` */
  copyOf(value: unknown): unknown {
    return this.value.deserialize(this.bytesOf(value))
  }

  private bytesOf(value: unknown): Uint8Array {
    return serialized(this.value, value, 'value', this.place)
  }

  /** The committed value of a key: a copy, decoded anew (X6). Undefined where there is none. @throws {StreamError} `STORE_CORRUPT` */
  committed(key: Uint8Array): unknown {
    const stored = this.backend.getSync(storeKey(this.prefix, key))
    return stored === undefined ? undefined : this.value.deserialize(decodeRow(stored, this.backend.path).value)
  }

  /** Committed rows as they were when the iteration began, in the byte order of their keys. @throws {StreamError} `STORE_CORRUPT` */
  committedRows(range: ScanRange = {}): AsyncIterable<ScannedRow> {
    return this.scans.committed(range)
  }

  /**
   * Rows in the byte order of their keys, with what the open generation has changed, also while the scan goes on: see
   * {@link RowScans}. Ending the loop early frees what it holds.
   * @throws {StreamError} `ILLEGAL_STATE` when the store is reset or closed meanwhile: the attempt was given up. `STORE_CORRUPT`
   */
  scan(range: ScanRange = {}): AsyncIterable<ScannedRow> {
    return this.scans.scan(range)
  }

  private openRow(row: RowNumber): RowContent | null {
    const value = this.valueAt(row)
    return value === undefined ? null : { value, timestamp: this.timestampAt(row), expiry: this.expiryAt(row) }
  }

  /** Adds what the open generation changed to a commit, and begins another. For the store alone, as all below. @throws {StreamError} `RECORD_SERIALIZATION` */
  cut(changes: RowChanges): void {
    const { young } = this.cache
    const base = changes.length
    for (const row of this.dirty) {
      young.unmark(row)
      const value = young.values[row] === undefined ? null : this.bytesOf(young.values[row])
      changes.add(young, row, value)
      if (young.committed !== null) {
        young.committed[row] = value && Buffer.from(value)
        young.values[row] = undefined
      }
      const bytes = value === null ? 0 : this.committedBytes(young.values[row], value.length)
      if (bytes !== young.valueBytes(row)) this.cache.changed(young.setValueBytes(row, bytes))
    }
    this.scans.cut(changes, base)
    this.dirty = []
    this.nextGeneration()
    this.cache.cut()
  }

  /** The backend has what the last cut gave, so that memory need not keep it any more. */
  written(): void {
    this.scans.written()
    this.cache.written()
  }

  /** Forgets all rows in memory. */
  reset(): void {
    this.scans.reset()
    this.cache.reset()
    this.dirty = []
    this.nextGeneration()
  }

  /** Forgets all rows and leaves the memory budget. Idempotent. */
  close(): void {
    this.reset()
    this.cache.close()
  }

  /** Numbers of generations begin again where the column that keeps them ends. */
  private nextGeneration(): void {
    this.generation = this.generation === 0x7fffffff ? 1 : this.generation + 1
  }
}
