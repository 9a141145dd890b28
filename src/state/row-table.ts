import type { KeyColumns } from './changed-keys.ts'
import { RowExpiries } from './row-expiries.ts'
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
 * Columns are lists of pages. Doubled arrays had room for up to twice the rows, left their shorter forms to the collector,
 * and a store that passed a power of two let go of half its rows at once: the budget counts what there is room for.
 *
 * Rows are only ever added. Two keys are one where their bytes are (R8); the hash is seeded, so that nobody who chooses
 * keys can choose ones that collide.
 */
export class RowTable implements KeyColumns {
  /** Undefined where a key has no value. */
  readonly values: unknown[] = []
  /** The committed bytes of values that can be changed in place; null in a table of others, which need no second form. */
  readonly committed: (Uint8Array | null)[] | null
  /** The generation that a row was last handed out to, where values can be changed in place. */
  private readonly handedOut: number[] = []
  private readonly seed: number
  private readonly prefix: number
  /** The number of a row plus one, by the hash of its key; 0 for an empty place. At most half of them are taken. */
  private slots = new Int32Array(slotsMin)
  /** What a look-up reads of a row stands together, so that it is one line of the processor's cache: see `cell`. */
  private readonly cells: Int32Array[] = []
  /** The same memory. */
  private readonly times: Float64Array[] = []
  /** Null while no row has one. */
  private expiries: RowExpiries | null = null
  /** The keys as the store writes them, one behind the other: an object for each would take more than all else of a row. */
  private readonly keys: Buffer[] = []
  private keyBytes = 0
  /** Where the next key goes, in the last page. */
  private keyEnd = keyPage.bytes
  /** Bytes of all values, as they were given. */
  private valueSum = 0

  /** @param isMutable whether values can be changed in place @param prefix of its rows' store keys */
  constructor(seed: number, isMutable: boolean, prefix: number = userPrefix) {
    this.seed = seed
    this.prefix = prefix
    this.committed = isMutable ? [] : null
  }

  /** Bytes that the table takes, with what its columns have room for; 0 while it has no row. */
  get bytes(): number {
    const rows = this.values.length
    if (rows === 0) return 0
    const perRow = this.committed === null ? listBytes : 3 * listBytes
    const cells = this.cells.length * cellPage.bytes + (this.expiries?.bytes ?? 0)
    return this.slots.byteLength + cells + this.keyBytes + rows * perRow + this.valueSum
  }

  get size(): number {
    return this.values.length
  }

  /** The row of a key, a range of a buffer; -1 when there is none. */
  find(key: Uint8Array, start: number, length: number): RowNumber {
    const { slots } = this
    const hash = hashOf(this.seed, key, start, length)
    const mask = slots.length - 1
    for (let at = hash & mask; ; at = (at + 1) & mask) {
      const row = (slots[at] as number) - 1
      if (row < 0) return -1
      const cells = this.cells[row >>> cellPage.bits] as Int32Array
      const base = (row & cellPage.mask) * cell.ints
      if (cells[base + cell.hash] !== hash || (cells[base + cell.keyLength] as number) >>> 1 !== length) continue
      const place = cells[base + cell.keyPlace] as number
      const keys = this.keys[place >>> keyPage.bits] as Buffer
      const from = (place & keyPage.mask) + 1
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
    if (row * 2 === this.slots.length) this.growSlots()
    if (row >>> cellPage.bits === this.cells.length) this.addCells()
    const place = this.placeOf(length + 1)
    const keys = this.keys[place >>> keyPage.bits] as Buffer
    const from = place & keyPage.mask
    keys[from] = this.prefix
    for (let i = 0; i < length; i++) keys[from + 1 + i] = key[start + i] as number
    this.values.push(value)
    if (this.committed !== null) {
      this.committed.push(committed)
      this.handedOut.push(0)
    }
    const cells = this.cells[row >>> cellPage.bits] as Int32Array
    const base = (row & cellPage.mask) * cell.ints
    cells[base + cell.keyPlace] = place
    cells[base + cell.keyLength] = length << 1
    cells[base + cell.hash] = hashOf(this.seed, key, start, length)
    this.setTimestamp(row, timestamp)
    this.enter(row)
    return row
  }

  /** Makes room for a key. @returns the page and the offset in it, in one number */
  private placeOf(length: number): number {
    if (this.keyEnd + length > keyPage.bytes) {
      // A key that is longer than a page has one of its own, and the next begins another.
      const page = Buffer.allocUnsafeSlow(Math.max(keyPage.bytes, length))
      this.keys.push(page)
      this.keyBytes += page.length
      this.keyEnd = 0
    }
    const place = (this.keys.length - 1) * keyPage.bytes + this.keyEnd
    this.keyEnd += length
    return place
  }

  private addCells(): void {
    const cells = new Int32Array(cellPage.rows * cell.ints)
    this.cells.push(cells)
    this.times.push(new Float64Array(cells.buffer))
  }

  private enter(row: RowNumber): void {
    const { slots } = this
    const mask = slots.length - 1
    let at = ((this.cells[row >>> cellPage.bits] as Int32Array)[intOf(row, cell.hash)] as number) & mask
    while (slots[at] !== 0) at = (at + 1) & mask
    slots[at] = row + 1
  }

  private growSlots(): void {
    this.slots = new Int32Array(this.slots.length * 2)
    for (let row = 0; row < this.values.length; row++) this.enter(row)
  }

  /** Bytes of a row's key as the store writes it. */
  storeKeyLength(row: RowNumber): number {
    return this.keyLength(row) + 1
  }

  keyPage(row: RowNumber): Buffer {
    return this.keys[this.keyPlace(row) >>> keyPage.bits] as Buffer
  }

  keyStart(row: RowNumber): number {
    return this.keyPlace(row) & keyPage.mask
  }

  private keyPlace(row: RowNumber): number {
    return (this.cells[row >>> cellPage.bits] as Int32Array)[intOf(row, cell.keyPlace)] as number
  }

  /** A row's time, epoch milliseconds. */
  timestamp(row: RowNumber): number {
    return (this.times[row >>> cellPage.bits] as Float64Array)[(row & cellPage.mask) * cell.doubles] as number
  }

  private setTimestamp(row: RowNumber, timestamp: number): void {
    const times = this.times[row >>> cellPage.bits] as Float64Array
    times[(row & cellPage.mask) * cell.doubles] = timestamp
  }

  /** When a row expires, epoch milliseconds of stream time; null for never. */
  expiry(row: RowNumber): number | null {
    return this.expiries === null ? null : this.expiries.get(row)
  }

  setExpiry(row: RowNumber, expiry: number | null): void {
    if (this.expiries === null) {
      if (expiry === null) return
      this.expiries = new RowExpiries()
    }
    this.expiries.set(row, expiry)
  }

  /** Bytes of a row's key. */
  keyLength(row: RowNumber): number {
    return ((this.cells[row >>> cellPage.bits] as Int32Array)[intOf(row, cell.keyLength)] as number) >>> 1
  }

  /** Bytes of a row's value, as `setValueBytes` was told; 0 of a new row. */
  valueBytes(row: RowNumber): number {
    return (this.cells[row >>> cellPage.bits] as Int32Array)[intOf(row, cell.valueBytes)] as number
  }

  /** @returns by how much the row has grown */
  setValueBytes(row: RowNumber, bytes: number): number {
    const cells = this.cells[row >>> cellPage.bits] as Int32Array
    const at = intOf(row, cell.valueBytes)
    const grown = Math.min(bytes, 0x7fffffff) - (cells[at] as number)
    cells[at] = (cells[at] as number) + grown
    this.valueSum += grown
    return grown
  }

  /** Marks a row as changed, and gives it its time. @returns whether it was not marked yet */
  mark(row: RowNumber, timestamp: number): boolean {
    this.setTimestamp(row, timestamp)
    const cells = this.cells[row >>> cellPage.bits] as Int32Array
    const at = intOf(row, cell.keyLength)
    const before = cells[at] as number
    cells[at] = before | 1
    return (before & 1) === 0
  }

  unmark(row: RowNumber): void {
    const cells = this.cells[row >>> cellPage.bits] as Int32Array
    const at = intOf(row, cell.keyLength)
    cells[at] = (cells[at] as number) & ~1
  }

  /** Notes that a row with a mutable value is handed out to a generation, by its number. @returns whether it was not yet */
  handOut(row: RowNumber, generation: number): boolean {
    if (this.handedOut[row] === generation) return false
    this.handedOut[row] = generation
    return true
  }
}

const slotsMin = 128

/** What a row takes of a list, which has room for up to half as many again. */
const listBytes = 10

/**
 * Where the parts of a row's cell are, in 32-bit numbers; its first two are its time, a double. The lowest bit beside the
 * length of the key says whether the row is marked.
 */
const cell = { ints: 6, doubles: 3, keyPlace: 2, keyLength: 3, hash: 4, valueBytes: 5 } as const

/** Rows of a page: as many as make a page of 24 kB, which a store of a few rows can bear. */
const cellPage = { bits: 10, rows: 1024, mask: 1023, bytes: 1024 * 24 } as const

const keyPage = { bits: 14, bytes: 1 << 14, mask: (1 << 14) - 1 } as const

const intOf = (row: RowNumber, part: number): number => (row & cellPage.mask) * cell.ints + part

/** FNV-1a over the key, from a seed, with its high bits mixed into the low ones: a signed 32-bit number. */
function hashOf(seed: number, key: Uint8Array, start: number, length: number): number {
  let hash = seed ^ length
  for (let i = start; i < start + length; i++) hash = Math.imul(hash ^ (key[i] as number), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
  return hash ^ (hash >>> 13)
}
