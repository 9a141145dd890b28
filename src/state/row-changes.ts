import type { KeyColumns } from './changed-keys.ts'
import { expiryAt, headBytes, writeHead } from './row-format.ts'
import type { RowNumber, RowTable } from './row-table.ts'
import type { Mutation } from './state-backend.ts'

/** One changed row of a commit, its value as the backend writes it: a head, then the value bytes (row-format.ts). */
export interface RowChange extends Mutation {
  readonly key: Buffer
  /** Null for a delete. */
  readonly value: Buffer | null
  readonly timestamp: number
}

/**
 * What a commit changes in one store: frozen bytes, each row once, in the order of their first change.
 *
 * The rows stand in pages and become objects only while they are walked. They are held for as long as the commit takes, which
 * is longer than two collections of short-lived objects: an object and two buffers a row filled the old space with 300 bytes
 * for each, and a count over 2 million keys held 190 MB there. Some room is kept from commit to commit for the same reason:
 * with new pages for each, counting over 10,000 keys had the whole heap collected 52 times in 15 million records, with kept
 * ones 37 times.
 */
export class RowChanges implements Iterable<RowChange>, KeyColumns {
  private pages: Buffer[] = []
  /** The page of the last row, and where the next goes in it. */
  private page = -1
  private end = pageBytes
  /** Of each row: its page, where it begins, the length of its key, and that of its value or -1. */
  private places = new Int32Array(0)
  private times = new Float64Array(0)
  private count = 0

  /** Bytes that the next {@link begin} keeps. */
  get keptBytes(): number {
    const rows = this.times.length
    return this.keptPages().length * pageBytes + (rows > keptRows ? 0 : rows * rowBytes)
  }

  private keptPages(): Buffer[] {
    return this.pages.filter((page) => page.length === pageBytes).slice(0, keptPages)
  }

  /** Forgets all rows, which nobody may look at any more, and makes room for others. @param rowsMax how many at the most */
  begin(rowsMax: number): void {
    if (rowsMax > this.times.length || this.times.length > keptRows) {
      const rows = rowsMax > keptRows ? rowsMax : Math.min(keptRows, rowsMax * 2)
      this.places = new Int32Array(rows * place.ints)
      this.times = new Float64Array(rows)
    }
    this.pages = this.keptPages()
    this.page = -1
    this.end = pageBytes
    this.count = 0
  }

  /** How many rows there are. */
  get length(): number {
    return this.count
  }

  /** Adds a row of a table with the bytes of its value, which are copied; null deletes it. */
  add(table: RowTable, row: RowNumber, value: Uint8Array | null): void {
    const keyLength = table.storeKeyLength(row)
    const timestamp = table.timestamp(row)
    const expiry = table.expiry(row)
    const begin = this.room(keyLength + headBytes(expiry) + (value?.length ?? 0))
    const page = this.pages[this.page] as Buffer
    const keys = table.keyPage(row)
    const from = table.keyStart(row)
    for (let i = 0; i < keyLength; i++) page[begin + i] = keys[from + i] as number
    const at = writeHead(page, begin + keyLength, timestamp, expiry)
    if (value !== null) {
      if (value.length > shortBytes) page.set(value, at)
      else for (let i = 0; i < value.length; i++) page[at + i] = value[i] as number
    }
    const { places, count } = this
    const base = count * place.ints
    places[base + place.page] = this.page
    places[base + place.begin] = begin
    places[base + place.keyLength] = keyLength
    places[base + place.valueLength] = value?.length ?? -1
    this.times[count] = timestamp
    this.count++
  }

  private room(length: number): number {
    if (this.end + length > pageBytes) {
      // A row that is longer than a page has one of its own, and the next begins another.
      this.page++
      const kept = this.pages[this.page]
      if (kept === undefined || kept.length < length) {
        this.pages[this.page] = Buffer.allocUnsafeSlow(Math.max(pageBytes, length))
      }
      this.end = 0
    }
    const begin = this.end
    this.end += length
    return begin
  }

  keyPage(row: number): Buffer {
    return this.pages[this.places[row * place.ints + place.page] as number] as Buffer
  }

  keyStart(row: number): number {
    return this.places[row * place.ints + place.begin] as number
  }

  storeKeyLength(row: number): number {
    return this.places[row * place.ints + place.keyLength] as number
  }

  /** A row as the backend gets it: a view, null for a delete. */
  storedRow(row: number): Buffer | null {
    const valueLength = this.places[row * place.ints + place.valueLength] as number
    if (valueLength < 0) return null
    const page = this.keyPage(row)
    const start = this.keyStart(row) + this.storeKeyLength(row)
    return page.subarray(start, start + headBytes(expiryAt(page, start)) + valueLength)
  }

  /**
   * Shows each row where it lies: its store key, and its value bytes without their head, with a length of -1 for a delete; its
   * time, and its expiry or null.
   */
  forEach(
    see: (
      bytes: Buffer,
      keyAt: number,
      keyLength: number,
      valueAt: number,
      valueLength: number,
      time: number,
      expiry: number | null,
    ) => void,
  ): void {
    const { pages, places, times, count } = this
    for (let row = 0; row < count; row++) {
      const base = row * place.ints
      const begin = places[base + place.begin] as number
      const keyLength = places[base + place.keyLength] as number
      const valueLength = places[base + place.valueLength] as number
      const page = pages[places[base + place.page] as number] as Buffer
      const expiry = expiryAt(page, begin + keyLength)
      const valueAt = begin + keyLength + headBytes(expiry)
      see(page, begin, keyLength, valueAt, valueLength, times[row] as number, expiry)
    }
  }

  /** Rows one by one. The bytes of short ones are good until the next is asked for: a view of each cost more than a copy. */
  [Symbol.iterator](): Iterator<RowChange> {
    const { pages, places, times, count } = this
    const keys: Buffer[] = []
    const values: Buffer[] = []
    let row = 0
    return {
      next() {
        if (row === count) return { done: true, value: undefined }
        const base = row * place.ints
        const page = pages[places[base + place.page] as number] as Buffer
        const begin = places[base + place.begin] as number
        const keyEnd = begin + (places[base + place.keyLength] as number)
        const valueLength = places[base + place.valueLength] as number
        const key = lent(keys, page, begin, keyEnd)
        const valueEnd = keyEnd + headBytes(expiryAt(page, keyEnd)) + valueLength
        const value = valueLength < 0 ? null : lent(values, page, keyEnd, valueEnd)
        return { done: false, value: { key, value, timestamp: times[row++] as number } }
      },
    }
  }
}

/** A range of a page: a copy in a buffer for that length, which the next one of the length takes over, or a view. */
function lent(buffers: Buffer[], page: Buffer, from: number, to: number): Buffer {
  const length = to - from
  if (length > shortBytes) return page.subarray(from, to)
  let buffer = buffers[length]
  if (buffer === undefined) {
    buffer = Buffer.allocUnsafe(length)
    buffers[length] = buffer
  }
  for (let i = 0; i < length; i++) buffer[i] = page[from + i] as number
  return buffer
}

/** A few changes of a commit take little more than their bytes, many cost no call each. */
const pageBytes = 16 * 1024

/** What is kept from commit to commit. */
const keptPages = 8
const keptRows = 4096

/** Up to so many bytes a loop copies faster than a call. */
const shortBytes = 32

const place = { ints: 4, page: 0, begin: 1, keyLength: 2, valueLength: 3 } as const

/** What places and times take of a row. */
const rowBytes = 4 * place.ints + 8
