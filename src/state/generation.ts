import { ChangedKeys, type ChangedRows } from './changed-keys.ts'
import type { KeyRange } from './scan-range.ts'

/** What a row holds beside its key. */
export interface RowContent {
  readonly value: unknown
  /** Epoch milliseconds. */
  readonly timestamp: number
  /** Epoch milliseconds of stream time; null for never. */
  readonly expiry: number | null
}

/** Reads a row of a generation as it is now; null where it was deleted. */
export type ReadRow = (row: number) => RowContent | null

/** What a generation has changed, in byte order of the keys: what scans see of it. */
export class Generation {
  private readonly keys: ChangedKeys
  private rows: ChangedRows
  private read: ReadRow

  constructor(rows: ChangedRows, read: ReadRow) {
    this.rows = rows
    this.read = read
    this.keys = new ChangedKeys(rows)
  }

  /** It is frozen: its rows stand elsewhere from here on, at the same positions. */
  freeze(rows: ChangedRows, read: ReadRow): void {
    this.rows = rows
    this.read = read
    this.keys.moveTo(rows)
  }

  /** The position of the first key of a range in its order; -1 where none was changed. */
  next({ from, to, reverse }: KeyRange): number {
    const position = this.keys.next(reverse ? to : from, reverse)
    if (position < 0) return -1
    const isBeyond = reverse ? this.keys.compareTo(position, from) < 0 : this.keys.compareTo(position, to) >= 0
    return isBeyond ? -1 : position
  }

  /** As {@link ChangedKeys.compareTo}. */
  compareTo(position: number, key: Buffer): number {
    return this.keys.compareTo(position, key)
  }

  /** A copy of a store key. */
  keyAt(position: number): Buffer {
    return this.keys.keyAt(position)
  }

  rowAt(position: number): RowContent | null {
    return this.read(this.rows.rowOf(position))
  }
}
