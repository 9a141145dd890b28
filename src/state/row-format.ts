/**
 * How a store's rows stand in its backend and in its changelog.
 *
 *     key     0x01 + the user's key bytes        a row of the user
 *             0x00 + a name                      a reserved row: positions, clocks, timers (X8)
 *     value   in the changelog: the value bytes, with the row's time as the record's timestamp; null is a delete
 *             in the backend:   8 bytes of that time as a big-endian double, then the value bytes
 *
 * One prefix byte keeps reserved rows apart from user keys that begin with zeros, as every small int32 does.
 */
export const userPrefix = 0x01
/** The first byte of a reserved row's store key. */
export const reservedPrefix = 0x00

/** Bytes of a row's time in the backend: what comes before its value. */
export const timestampBytes = 8

/** A binary string, a character a byte: the form in which keys are compared and kept in maps. */
export type BinaryKey = string

/** The store key of a user's key, which is a range of `bytes`. */
export function userKey(bytes: Uint8Array, start = 0, length: number = bytes.length): Buffer {
  const storeKey = Buffer.allocUnsafe(length + 1)
  storeKey[0] = userPrefix
  storeKey.set(bytes.subarray(start, start + length), 1)
  return storeKey
}

/** The store key of a reserved row. */
export function reservedKey(name: string): Buffer {
  return Buffer.concat([Buffer.of(reservedPrefix), Buffer.from(name)])
}

/** The user's key inside a store key. */
export function binaryKeyOf(storeKey: Uint8Array): BinaryKey {
  return Buffer.from(storeKey.buffer, storeKey.byteOffset, storeKey.byteLength).latin1Slice(1)
}

/** A row as the backend holds it. */
export function encodeRow(timestamp: number, value: Uint8Array): Buffer {
  const row = Buffer.allocUnsafe(timestampBytes + value.length)
  row.writeDoubleBE(timestamp, 0)
  row.set(value, timestampBytes)
  return row
}

/** The time in a row of the backend. */
export function rowTimestamp(row: Uint8Array): number {
  return new DataView(row.buffer, row.byteOffset, timestampBytes).getFloat64(0)
}

/** The value bytes in a row of the backend: a view. */
export function rowValue(row: Uint8Array): Uint8Array {
  return row.subarray(timestampBytes)
}
