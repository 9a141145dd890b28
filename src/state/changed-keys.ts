/** Keys of rows where they lie, as the store writes them. */
export interface KeyColumns {
  /** Holds the key of a row. */
  keyPage(row: number): Buffer
  /** Where it begins in there. */
  keyStart(row: number): number
  storeKeyLength(row: number): number
}

/** The rows that a generation has changed, by position: in the order of their first change. */
export interface ChangedRows {
  readonly columns: KeyColumns
  /** How many there are now. */
  readonly length: number
  rowOf(position: number): number
}

/** So few new keys are put in their places one by one. */
const fewMax = 16
/** New keys are kept apart up to so many, or four times the root of all others: then they join those. */
const freshMin = 256

/**
 * An index over the keys that a generation has changed, in byte order: positions, four bytes a row. It is made when a scan
 * first asks, and catches up with what was changed since when one asks again, so a store that nobody scans pays nothing.
 */
export class ChangedKeys {
  private rows: ChangedRows
  private sorted = new Int32Array(0)
  /** Positions that are not in `sorted` yet, in order as well. */
  private fresh: number[] = []
  private seen = 0

  constructor(rows: ChangedRows) {
    this.rows = rows
  }

  /** The same rows, at the same positions, stand elsewhere now. */
  moveTo(rows: ChangedRows): void {
    this.rows = rows
  }

  /** The position of the first key that is not below `key`, or with `reverse` of the last that is; -1 when there is none. */
  next(key: Buffer, reverse: boolean): number {
    this.catchUp()
    const step = reverse ? -1 : 0
    const first = this.sorted[this.placeOf(this.sorted, key) + step]
    const second = this.fresh[this.placeOf(this.fresh, key) + step]
    if (first === undefined || second === undefined) return first ?? second ?? -1
    return this.compare(first, second) < 0 !== reverse ? first : second
  }

  /** A copy of a key. */
  keyAt(position: number): Buffer {
    const { columns } = this.rows
    const row = this.rows.rowOf(position)
    const start = columns.keyStart(row)
    return Buffer.from(columns.keyPage(row).subarray(start, start + columns.storeKeyLength(row)))
  }

  /** Below 0 where the key at a position comes before `key`, 0 where it is the same. */
  compareTo(position: number, key: Buffer): number {
    const { columns } = this.rows
    const row = this.rows.rowOf(position)
    const start = columns.keyStart(row)
    return columns.keyPage(row).compare(key, 0, key.length, start, start + columns.storeKeyLength(row))
  }

  private compare(a: number, b: number): number {
    const { columns } = this.rows
    const [rowA, rowB] = [this.rows.rowOf(a), this.rows.rowOf(b)]
    const [startA, startB] = [columns.keyStart(rowA), columns.keyStart(rowB)]
    const [endA, endB] = [startA + columns.storeKeyLength(rowA), startB + columns.storeKeyLength(rowB)]
    return columns.keyPage(rowA).compare(columns.keyPage(rowB), startB, endB, startA, endA)
  }

  private catchUp(): void {
    const { seen, fresh } = this
    const { length } = this.rows
    if (seen === length) return
    this.seen = length
    if (length - seen <= fewMax) {
      for (let position = seen; position < length; position++) {
        fresh.splice(this.placeOf(fresh, this.keyAt(position)), 0, position)
      }
      if (fresh.length <= Math.max(freshMin, 4 * Math.sqrt(this.sorted.length))) return
    } else {
      for (let position = seen; position < length; position++) fresh.push(position)
      fresh.sort((a, b) => this.compare(a, b))
    }
    this.join()
  }

  /** Puts the fresh ones among the others, of which whole runs are copied. */
  private join(): void {
    const { sorted, fresh } = this
    const joined = new Int32Array(sorted.length + fresh.length)
    let from = 0
    for (const [index, position] of fresh.entries()) {
      const to = this.placeOf(sorted, this.keyAt(position))
      joined.set(sorted.subarray(from, to), from + index)
      joined[to + index] = position
      from = to
    }
    joined.set(sorted.subarray(from), from + fresh.length)
    this.sorted = joined
    this.fresh = []
  }

  /** How many positions of a list come before a key. */
  private placeOf(positions: ArrayLike<number>, key: Buffer): number {
    let low = 0
    let high = positions.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.compareTo(positions[middle] as number, key) < 0) low = middle + 1
      else high = middle
    }
    return low
  }
}
