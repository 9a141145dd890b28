import type { Serde } from '../serde/serde.ts'
import { serialized } from '../serde/serialized.ts'
import type { ScannedRow } from './row-scans.ts'
import type { RowNumber } from './row-table.ts'
import type { Rows } from './rows.ts'
import type { ScanRange } from './scan-range.ts'

/**
 * Rows of a store as a map from keys to values: one row a key. Operators that have a key as the bytes of a record take its
 * row by those instead; both see the same rows.
 */
export class KeyValueView<K, V> {
  private readonly rows: Rows
  private readonly key: Serde<K>

  /** @param rows whose values are `V` */
  constructor(rows: Rows, key: Serde<K>) {
    this.rows = rows
    this.key = key
  }

  /** The value of a key as the open generation has it; undefined where there is none. A mutable one is this generation's own (X6). */
  get(key: K): V | undefined {
    return this.rows.valueAt(this.row(key)) as V | undefined
  }

  /** @param timestamp, expiry epoch milliseconds; without an expiry the row stays for good */
  put(key: K, value: V, timestamp: number, expiry: number | null = null): void {
    this.rows.put(this.row(key), value, timestamp, expiry)
  }

  delete(key: K, timestamp: number): void {
    this.rows.put(this.row(key), undefined, timestamp)
  }

  /** The committed value of a key: a copy. Undefined where there is none. */
  committed(key: K): V | undefined {
    return this.rows.committed(this.keyBytes(key)) as V | undefined
  }

  /** All committed rows in the byte order of their keys, as they were when the iteration began; copies. */
  committedEntries(): AsyncIterable<readonly [key: K, value: V]> {
    return this.entriesOf(this.rows.committedRows())
  }

  /** Rows in the byte order of their keys, as a scan sees them: see `Rows.scan`. */
  entries(range: ScanRange = {}): AsyncIterable<readonly [key: K, value: V]> {
    return this.entriesOf(this.rows.scan(range))
  }

  private async *entriesOf(rows: AsyncIterable<ScannedRow>): AsyncIterable<readonly [key: K, value: V]> {
    for await (const { key, value } of rows) yield [this.key.deserialize(key), value as V]
  }

  private row(key: K): RowNumber {
    const bytes = this.keyBytes(key)
    return this.rows.row(bytes, 0, bytes.length)
  }

  private keyBytes(key: K): Buffer {
    const bytes = serialized(this.key, key, 'key', 'a store')
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }
}
