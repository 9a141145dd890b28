import { StreamError } from '../core/errors.ts'
import { type Headers, header, noHeaders } from '../core/record.ts'
import { corrupt } from '../protocol/batch-header.ts'

/**
 * How a store's rows stand in its backend and in its changelog.
 *
 *     key     0x01 + the user's key bytes        a row of the user
 *             0x00 + a name                      a reserved row: positions, clocks, timers (X8)
 *     value   in the backend:   a head, then the value bytes. The head is a byte that has the format's number, with the
 *                               highest bit where the row expires; 8 bytes of the row's time; 8 bytes of its expiry where it
 *                               has one. Times are epoch milliseconds as big-endian doubles
 *             in the changelog: the value bytes alone, so that every consumer can read them, with the row's time as the
 *                               record's timestamp, and its expiry, where it has one, as the header `expiry`, the same 8
 *                               bytes (X23). Null is a delete
 *
 * One prefix byte keeps reserved rows apart from user keys that begin with zeros, as every small int32 does. A row without an
 * expiry has no byte for it in either form.
 */
export const userPrefix = 0x01
/** The first byte of a reserved row's store key. */
export const reservedPrefix = 0x00

/**
 * The number of the layout of rows in a backend, which each of them bears, and its store's meta row as well. Format 1 had no
 * such byte: its rows began with their time, whose first byte is another.
 */
export const rowFormat = 2

const expires = 0x80
const timeBytes = 8
const plainHeadBytes = 1 + timeBytes
const expiringHeadBytes = plainHeadBytes + timeBytes

const expiryHeader = 'expiry'

/** A binary string, a character a byte: the form in which keys are compared and kept in maps. */
export type BinaryKey = string

/** A row of a backend, taken apart. */
export interface StoredRow {
  /** Epoch milliseconds. */
  readonly timestamp: number
  /** Epoch milliseconds of stream time from which on the row is dead (X23); null for never. */
  readonly expiry: number | null
  /** A view of its value bytes. */
  readonly value: Uint8Array
}

/** The store key of a key, which is a range of `bytes`, under a prefix. */
export function storeKey(prefix: number, bytes: Uint8Array, start = 0, length: number = bytes.length): Buffer {
  const key = Buffer.allocUnsafe(length + 1)
  key[0] = prefix
  key.set(bytes.subarray(start, start + length), 1)
  return key
}

/** The store key of a user's key. */
export function userKey(bytes: Uint8Array): Buffer {
  return storeKey(userPrefix, bytes)
}

/** The store key of a reserved row. */
export function reservedKey(name: string): Buffer {
  return Buffer.concat([Buffer.of(reservedPrefix), Buffer.from(name)])
}

/** The user's key inside a store key. */
export function binaryKeyOf(storeKey: Uint8Array): BinaryKey {
  return Buffer.from(storeKey.buffer, storeKey.byteOffset, storeKey.byteLength).latin1Slice(1)
}

/** Bytes of the head of a row with this expiry. */
export function headBytes(expiry: number | null): number {
  return expiry === null ? plainHeadBytes : expiringHeadBytes
}

/** Writes the head of a row. @returns where its value goes */
export function writeHead(target: Buffer, at: number, timestamp: number, expiry: number | null): number {
  target[at] = expiry === null ? rowFormat : rowFormat | expires
  const end = target.writeDoubleBE(timestamp, at + 1)
  return expiry === null ? end : target.writeDoubleBE(expiry, end)
}

/** The expiry in a head that {@link writeHead} wrote. */
export function expiryAt(target: Buffer, at: number): number | null {
  return target[at] === rowFormat ? null : target.readDoubleBE(at + plainHeadBytes)
}

/** A row as the backend holds it. */
export function encodeRow(timestamp: number, value: Uint8Array, expiry: number | null = null): Buffer {
  const row = Buffer.allocUnsafe(headBytes(expiry) + value.length)
  row.set(value, writeHead(row, 0, timestamp, expiry))
  return row
}

/**
 * Takes a row of a backend apart.
 * @param path of the backend, for what is wrong with it
 * @throws {StreamError} `STORE_CORRUPT` for bytes that are no row of this format: the store is to be restored
 */
export function decodeRow(row: Uint8Array, path: string): StoredRow {
  const head = row[0] as number
  const length = head === rowFormat ? plainHeadBytes : expiringHeadBytes
  if ((head & ~expires) !== rowFormat || row.length < length) throw unreadable(row, path)
  const view = new DataView(row.buffer, row.byteOffset, length)
  return {
    timestamp: view.getFloat64(1),
    expiry: length === plainHeadBytes ? null : view.getFloat64(plainHeadBytes),
    value: row.subarray(length),
  }
}

function unreadable(row: Uint8Array, path: string): StreamError {
  const begins = row[0] === undefined ? '' : ` that begins with byte ${row[0]}`
  return new StreamError(
    'STORE_CORRUPT',
    `the store at ${path} has to have rows of format ${rowFormat}, and has one of ${row.length} bytes${begins}; it can be restored from its changelog`,
    { path },
  )
}

/** The headers of a row's record in the changelog. */
export function rowHeaders(expiry: number | null): Headers {
  if (expiry === null) return noHeaders
  const bytes = Buffer.allocUnsafe(timeBytes)
  bytes.writeDoubleBE(expiry)
  return [[expiryHeader, bytes]]
}

/**
 * The expiry of a row, from its record's headers; null for none.
 * @throws {StreamError} `BATCH_CORRUPT` where the header has another length: no commit wrote it
 */
export function expiryIn(headers: Headers): number | null {
  const bytes = header(headers, expiryHeader)
  if (bytes === undefined) return null
  if (bytes?.length !== timeBytes) throw corrupt(`a row's expiry of ${bytes?.length ?? 'no'} bytes`)
  return new DataView(bytes.buffer, bytes.byteOffset, timeBytes).getFloat64(0)
}
