import type { Headers } from '../core/record.ts'
import { batchHeaderBytes } from './batch-header.ts'
import { varintLength, varlongLength } from './varint.ts'

/**
 * Bytes of a record's frame at the most, without headers: its length (5), attributes (1), timestamp delta (10), offset
 * delta (5), the lengths of key and value (5 each) and the count of headers (5).
 */
export const frameBytesMax = 36

/** Bytes of a record behind its own length field. Lengths are -1 for null. */
export function recordBodyBytes(
  keyLength: number,
  valueLength: number,
  timestampDelta: number,
  offsetDelta: number,
  headers: Headers,
): number {
  return (
    1 +
    varlongLength(timestampDelta) +
    varintLength(offsetDelta) +
    varintLength(keyLength) +
    (keyLength < 0 ? 0 : keyLength) +
    varintLength(valueLength) +
    (valueLength < 0 ? 0 : valueLength) +
    (headers.length === 0 ? 1 : headersBytes(headers))
  )
}

/** Bytes that a record adds to a batch. Lengths are -1 for null. */
export function recordBytes(
  keyLength: number,
  valueLength: number,
  timestampDelta: number,
  offsetDelta: number,
  headers: Headers,
): number {
  const body = recordBodyBytes(keyLength, valueLength, timestampDelta, offsetDelta, headers)
  return varintLength(body) + body
}

/** Bytes of a batch that holds one record alone: what a broker compares with `max.message.bytes`. Lengths are -1 for null. */
export function loneBatchBytes(keyLength: number, valueLength: number, headers: Headers): number {
  return batchHeaderBytes + recordBytes(keyLength, valueLength, 0, 0, headers)
}

function headersBytes(headers: Headers): number {
  let total = varintLength(headers.length)
  for (const [name, value] of headers) {
    const nameLength = Buffer.byteLength(name)
    total += varintLength(nameLength) + nameLength
    total += value === null ? 1 : varintLength(value.length) + value.length
  }
  return total
}
