import { userPrefix } from './row-format.ts'

/** A row of a table: its number, good for as long as the table. */
export type RowNumber = number

/**
 * Rows in memory, found by the bytes of their keys: an open-addressing hash table whose rows stand in columns.
 *
 * A record brings its key as a range of a fetched buffer. A `Map` would need that range as a string first, and an object
 * a row scatters what one look-up touches over memory: with 40,000 words in four stores a count costs 50 ns with columns,
 * 140 with row objects behind the same index, and 400 with a `Map` of them.
 *
 * Rows are only ever added. Two keys are one where their bytes are (R8); the hash is seeded, so that nobody who chooses
 * keys can choose ones that collide.
 */
export class RowTable {
  /** Undefined where a key has no value. */
  readonly values: unknown[] = []
  /** The committed bytes of values that can be changed in place; null in a table of others, which need no second form. */
  readonly committed: (Uint8Array | null)[] | null
  private readonly seed: number
  /** The number of a row plus one, by the hash of its key; 0 for an empty place. At most half of them are taken. */
  private slots = new Int32Array(initialRows * 2)
  /** What a look-up reads of a row stands together, so that it is one line of the processor's cache: see `cell`. */
  private cells = new Int32Array(initialRows * cell.ints)
  /** The same memory. */
  private times = new Float64Array(this.cells.buffer)
  /** The keys as the store writes them, one behind the other: an object for each would take more than all else of a row. */
  private keys = Buffer.allocUnsafeSlow(initialRows * 16)
  private keyBytes = 0
  /** Bytes of all values, as they were given. */
  private valueSum = 0

  /** @param isMutable whether values can be changed in place */
  constructor(seed: number, isMutable: boolean) {
    this.seed = seed
    this.committed = isMutable ? [] : null
  }

  /** Bytes that the table takes, with what its columns have room for; 0 while it has no row. */
  get bytes(): number {
    const rows = this.values.length
    if (rows === 0) return 0
    const perRow = this.committed === null ? listBytes : 2 * listBytes
    return this.slots.byteLength + this.cells.byteLength + this.keys.length + rows * perRow + this.valueSum
  }

  get size(): number {
    return this.values.length
  }

  /** The row of a key, a range of a buffer; -1 when there is none. */
  find(key: Uint8Array, start: number, length: number): RowNumber {
    const { slots, cells, keys } = this
    const hash = hashOf(this.seed, key, start, length)
    const mask = slots.length - 1
    for (let at = hash & mask; ; at = (at + 1) & mask) {
      const row = (slots[at] as number) - 1
      if (row < 0) return -1
      const base = row * cell.ints
      if (cells[base + cell.hash] !== hash || cells[base + cell.keyLength] !== length) continue
      const from = cells[base + cell.keyStart] as number
      let same = 0
      while (same < length && keys[from + same] === key[start + same]) same++
      if (same === length) return row
    }
  }

  /** Adds the row of a key that `find` did not find. The key is copied. */
  add(
    key: Uint8Array,
    start: number,
    length: number,
    value: unknown,
    timestamp: number,
    committed: Uint8Array | null,
  ): RowNumber {
    const row = this.values.length
    if (row * 2 === this.slots.length) this.grow(row * 2)
    if (this.keyBytes + 1 + length > this.keys.length) this.lengthenKeys(this.keyBytes + 1 + length)
    this.keys[this.keyBytes] = userPrefix
    const from = this.keyBytes + 1
    for (let i = 0; i < length; i++) this.keys[from + i] = key[start + i] as number
    this.keyBytes = from + length
    this.values.push(value)
    this.committed?.push(committed)
    const { cells } = this
    const base = row * cell.ints
    cells[base + cell.keyStart] = from
    cells[base + cell.keyLength] = length
    cells[base + cell.hash] = hashOf(this.seed, key, start, length)
    this.setTimestamp(row, timestamp)
    this.place(row)
    return row
  }

  /** What was handed out of the shorter one stays as it is: bytes of keys are written once. */
  private lengthenKeys(least: number): void {
    const longer = Buffer.allocUnsafeSlow(Math.max(this.keys.length * 2, least))
    this.keys.copy(longer, 0, 0, this.keyBytes)
    this.keys = longer
  }

  private place(row: RowNumber): void {
    const { slots } = this
    const mask = slots.length - 1
    let at = (this.cells[row * cell.ints + cell.hash] as number) & mask
    while (slots[at] !== 0) at = (at + 1) & mask
    slots[at] = row + 1
  }

  private grow(rows: number): void {
    const cells = new Int32Array(rows * cell.ints)
    cells.set(this.cells)
    this.cells = cells
    this.times = new Float64Array(cells.buffer)
    this.slots = new Int32Array(rows * 2)
    for (let row = 0; row < this.values.length; row++) this.place(row)
  }

  /** A row's key as the store writes it: a view that stays good. */
  storeKey(row: RowNumber): Buffer {
    const base = row * cell.ints
    const from = this.cells[base + cell.keyStart] as number
    return this.keys.subarray(from - 1, from + (this.cells[base + cell.keyLength] as number))
  }

  /** A row's time, epoch milliseconds. */
  timestamp(row: RowNumber): number {
    return this.times[row * cell.doubles] as number
  }

  setTimestamp(row: RowNumber, timestamp: number): void {
    this.times[row * cell.doubles] = timestamp
  }

  /** Bytes of a row's key. */
  keyLength(row: RowNumber): number {
    return this.cells[row * cell.ints + cell.keyLength] as number
  }

  /** Bytes of a row's value, as `setValueBytes` was told; 0 of a new row. */
  valueBytes(row: RowNumber): number {
    return this.cells[row * cell.ints + cell.valueBytes] as number
  }

  /** @returns by how much the row has grown */
  setValueBytes(row: RowNumber, bytes: number): number {
    const at = row * cell.ints + cell.valueBytes
    const grown = Math.min(bytes, 0x7fffffff) - (this.cells[at] as number)
    this.cells[at] = (this.cells[at] as number) + grown
    this.valueSum += grown
    return grown
  }

  /** Marks a row as changed. @returns whether it was not marked yet */
  mark(row: RowNumber): boolean {
    const at = row * cell.ints + cell.isDirty
    if (this.cells[at] === 1) return false
    this.cells[at] = 1
    return true
  }

  unmark(row: RowNumber): void {
    this.cells[row * cell.ints + cell.isDirty] = 0
  }

  /** Notes that a row is handed out to a transaction, by its number. @returns whether it was not yet */
  handOut(row: RowNumber, transaction: number): boolean {
    const at = row * cell.ints + cell.handedOut
    if (this.cells[at] === transaction) return false
    this.cells[at] = transaction
    return true
  }
}

const initialRows = 64

/** What a row takes of a list, which has room for up to half as many again. */
const listBytes = 10

/** Where the parts of a row's cell are, in 32-bit numbers; its first two are its time, a double. */
const cell = {
  ints: 8,
  doubles: 4,
  keyStart: 2,
  keyLength: 3,
  hash: 4,
  isDirty: 5,
  handedOut: 6,
  valueBytes: 7,
} as const

/** FNV-1a over the key, from a seed, with its high bits mixed into the low ones: a signed 32-bit number. */
function hashOf(seed: number, key: Uint8Array, start: number, length: number): number {
  let hash = seed ^ length
  for (let i = start; i < start + length; i++) hash = Math.imul(hash ^ (key[i] as number), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
  return hash ^ (hash >>> 13)
}
