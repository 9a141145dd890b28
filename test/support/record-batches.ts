import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { type Headers, noHeaders } from '../../src/core/record.ts'
import {
  batchHeaderBytes,
  batchLayout,
  batchSizeAt,
  readBatchHeader,
  verifyChecksum,
} from '../../src/protocol/batch-header.ts'
import { crc32c } from '../../src/protocol/crc32c.ts'
import { RecordCursor } from '../../src/protocol/record-batch-reader.ts'
import { type ProducerIdentity, RecordBatchWriter } from '../../src/protocol/record-batch-writer.ts'

/** A record to write, or one that was read: bytes as they are, nothing decoded. */
export interface PlainRecord {
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly timestamp: number
  readonly headers: Headers
}

/** A record from its texts, for tests that do not care about bytes. */
export function record(
  key: string | null,
  value: string | null,
  timestamp = 1_700_000_000_000,
  headers: readonly (readonly [name: string, value: string | null])[] = [],
): PlainRecord {
  return {
    key: key === null ? null : Buffer.from(key),
    value: value === null ? null : Buffer.from(value),
    timestamp,
    headers:
      headers.length === 0 ? noHeaders : headers.map(([name, own]) => [name, own === null ? null : Buffer.from(own)]),
  }
}

/** A batch of these records as {@link RecordBatchWriter} writes it, in a buffer of its own. */
export function batchOf(
  records: readonly PlainRecord[],
  options: { producer?: ProducerIdentity; baseSequence?: number; transactional?: boolean; capacity?: number } = {},
): Buffer {
  const writer = new RecordBatchWriter(options.capacity ?? 256)
  for (const one of records) writer.append(one.key, one.value, one.timestamp, one.headers)
  return Buffer.from(writer.finish(options.producer ?? null, options.baseSequence ?? 0, options.transactional ?? false))
}

/** Stamps length and checksum anew after a batch was changed by hand. */
export function restamped(batch: Buffer): Buffer {
  batch.writeInt32BE(batch.length - 12, batchLayout.length)
  batch.writeUInt32BE(crc32c(batch, batchLayout.attributes, batch.length), batchLayout.crc)
  return batch
}

/** The same batch with its records compressed. */
export function gzipped(batch: Buffer): Buffer {
  const header = Buffer.from(batch.subarray(0, batchHeaderBytes))
  header.writeInt16BE(header.readInt16BE(batchLayout.attributes) | 1, batchLayout.attributes)
  return restamped(Buffer.concat([header, gzipSync(batch.subarray(batchHeaderBytes))]))
}

/** A record with its offset. */
export interface ReadRecord extends PlainRecord {
  readonly offset: number
}

/** Every record of the whole batches in `buffer`, each checked against its checksum, as the fetch path reads them. */
export function recordsIn(buffer: Buffer, checksum: 'verify' | 'trust' = 'verify'): ReadRecord[] {
  const all: ReadRecord[] = []
  const cursor = new RecordCursor()
  for (let start = 0; ; ) {
    const size = batchSizeAt(buffer, start, buffer.length)
    if (size === 0) return all
    if (checksum === 'verify') verifyChecksum(buffer, start, size)
    const header = readBatchHeader(buffer, start, size)
    cursor.open(buffer, start, header)
    while (cursor.next()) {
      const { offset, timestamp } = cursor
      all.push({ offset, timestamp, key: cursor.key(), value: cursor.value(), headers: cursor.headers() })
    }
    start += size
  }
}

/** The distance of any two timestamps from -1 (none) up to here is a safe integer, as is every delta in a batch. */
const timestampMax = Number.MAX_SAFE_INTEGER - 1

/** A header's value, null and empty among them. */
const anyHeaderValue: fc.Arbitrary<Uint8Array | null> = fc.option(fc.uint8Array({ maxLength: 30 }))

/** Headers whose names repeat, are empty and are not ASCII. */
const anyHeaders: fc.Arbitrary<Headers> = fc.array(
  fc.tuple(
    fc.oneof(fc.constantFrom('', 'h', '__proto__'), fc.string({ unit: 'grapheme', maxLength: 10 })),
    anyHeaderValue,
  ),
  { maxLength: 4 },
)

/** Any record that the wire can hold: null and empty keys and values, headers, every timestamp that is exact. */
export const anyRecord: fc.Arbitrary<PlainRecord> = fc.record({
  key: fc.option(fc.uint8Array({ maxLength: 60 })),
  value: fc.option(fc.uint8Array({ maxLength: 200 })),
  timestamp: fc.oneof(
    fc.constantFrom(0, 1, -1, 1_700_000_000_000, timestampMax),
    fc.integer({ min: 1_699_999_000_000, max: 1_700_001_000_000 }),
    fc.integer({ min: -1, max: timestampMax }),
  ),
  headers: anyHeaders,
})
