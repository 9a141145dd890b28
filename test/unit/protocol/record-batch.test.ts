import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { noHeaders } from '../../../src/core/record.ts'
import {
  batchAttribute,
  batchHeaderBytes,
  batchLayout,
  batchSizeAt,
  readBatchHeader,
  verifyChecksum,
} from '../../../src/protocol/batch-header.ts'
import { encodeMarker, markerType, readMarker } from '../../../src/protocol/control-batch.ts'
import { RecordCursor } from '../../../src/protocol/record-batch-reader.ts'
import { RecordBatchWriter } from '../../../src/protocol/record-batch-writer.ts'
import { loneBatchBytes } from '../../../src/protocol/record-size.ts'
import { varlongLength, writeVarlong } from '../../../src/protocol/varint.ts'
import { factLines } from '../../support/kafka-facts.ts'
import {
  anyRecord,
  batchOf,
  gzipped,
  type PlainRecord,
  record,
  recordsIn,
  restamped,
} from '../../support/record-batches.ts'
import { runs } from '../../support/seed.ts'

const corrupt = expect.objectContaining({ code: 'BATCH_CORRUPT' })

const hex = (bytes: Uint8Array | null): string | null => (bytes === null ? null : Buffer.from(bytes).toString('hex'))

/** A record in a form that `toEqual` compares by content. */
const shown = ({ key, value, timestamp, headers }: PlainRecord) => ({
  key: hex(key),
  value: hex(value),
  timestamp,
  headers: headers.map(([name, value]) => [name, hex(value)]),
})

const kafkaBatch = (name: string): Buffer => {
  const line = factLines('kafka-batches.txt').find((one) => one.startsWith(`${name} `))
  return Buffer.from(line?.split(' ')[1] ?? '', 'hex')
}

/** What every batch of kafka-batches.txt holds but `headers`. */
const kafkaRecords: readonly PlainRecord[] = [
  record('key', 'value'),
  record(null, 'no key, earlier', 1_699_999_999_000, [
    ['trace', 'abc'],
    ['ümlaut', '\u0000\u0001\u0002'],
  ]),
  record('deleted', null, 1_700_000_600_000),
  record('', '', 1_700_000_000_000, [['', '']]),
]

const producer = { producerId: 4_611_686, producerEpoch: 7 }

describe('a record batch', () => {
  test('is written as Kafka writes it', () => {
    expect(batchOf(kafkaRecords).toString('hex')).toBe(kafkaBatch('plain').toString('hex'))
    const transactional = batchOf(kafkaRecords, { producer, baseSequence: 42, transactional: true })
    expect(transactional.toString('hex')).toBe(kafkaBatch('transactional').toString('hex'))
  })

  test.each(['plain', 'transactional', 'gzip'])('of Kafka is read (%s)', (name) => {
    expect(recordsIn(kafkaBatch(name)).map(shown)).toEqual(kafkaRecords.map(shown))
  })

  test('takes its offsets from its base offset', () => {
    expect(recordsIn(kafkaBatch('gzip')).map(({ offset }) => offset)).toEqual([5e9, 5e9 + 1, 5e9 + 2, 5e9 + 3])
  })

  test('with append time gives all of its records the time of the append', () => {
    expect(recordsIn(kafkaBatch('append-time')).map(({ timestamp }) => timestamp)).toEqual(
      Array(4).fill(1_700_000_001_234),
    )
  })

  test('has a header that says what it was written with', () => {
    const batch = kafkaBatch('gzip')
    expect(readBatchHeader(batch, 0, batchSizeAt(batch, 0, batch.length))).toEqual({
      baseOffset: 5_000_000_000,
      sizeBytes: batch.length,
      leaderEpoch: 3,
      crc: batch.readUInt32BE(batchLayout.crc),
      attributes: batchAttribute.transactional | 1,
      lastOffsetDelta: 3,
      baseTimestamp: 1_700_000_000_000,
      maxTimestamp: 1_700_000_600_000,
      ...producer,
      baseSequence: 42,
      count: 4,
    })
  })

  test('gives any records back, plain and gzipped', () => {
    fc.assert(
      fc.property(
        fc.array(anyRecord, { minLength: 1, maxLength: 20 }),
        fc.integer({ min: 1, max: 400 }),
        (all, room) => {
          const batch = batchOf(all, { capacity: batchHeaderBytes + room })
          const expected = all.map(shown)
          expect(recordsIn(batch).map(shown)).toEqual(expected)
          expect(recordsIn(gzipped(batch)).map(shown)).toEqual(expected)
          const header = readBatchHeader(batch, 0, batch.length)
          expect(header.count).toBe(all.length)
          expect(header.baseTimestamp).toBe(all[0]?.timestamp)
          expect(header.maxTimestamp).toBe(Math.max(...all.map(({ timestamp }) => timestamp)))
        },
      ),
      runs(300),
    )
  })

  test('keeps the timestamp 0', () => {
    const batch = batchOf([record('a', 'b', 0), record('a', 'b', 5)])
    expect(recordsIn(batch).map(({ timestamp }) => timestamp)).toEqual([0, 5])
    expect(readBatchHeader(batch, 0, batch.length).baseTimestamp).toBe(0)
  })

  test('is not changed by a broker that assigns offset and leader epoch', () => {
    const batch = batchOf(kafkaRecords)
    batch.writeBigInt64BE(77n, batchLayout.baseOffset)
    batch.writeInt32BE(9, batchLayout.leaderEpoch)
    expect(recordsIn(batch).map(({ offset }) => offset)).toEqual([77, 78, 79, 80])
  })

  test('emptied by compaction has offsets and no records', () => {
    const batch = Buffer.from(batchOf(kafkaRecords).subarray(0, batchHeaderBytes))
    batch.writeInt32BE(0, batchLayout.count)
    expect(recordsIn(restamped(batch))).toEqual([])
    expect(readBatchHeader(batch, 0, batch.length).lastOffsetDelta).toBe(3)
  })

  test('keeps headers as Kafka does: in order, several of one name, null, empty, and without a name', () => {
    const records = [
      record('key', 'value', 1_700_000_000_000, [
        ['trace', 'hop-1'],
        ['other', 'x'],
        ['trace', 'hop-2'],
        ['none', null],
        ['trace', ''],
        ['', 'unnamed'],
        ['', null],
        ['größe', 'ü'],
        ['__proto__', 'p'],
        ['trace', 'hop-3'],
      ]),
      record('key', 'value', 1_700_000_000_000, [['none', null]]),
      record('key', 'value'),
    ]
    const batch = kafkaBatch('headers')
    expect(recordsIn(batch).map(shown)).toEqual(records.map(shown))
    expect(recordsIn(batch)[2]?.headers).toBe(noHeaders)
    expect(batchOf(records).toString('hex')).toBe(batch.toString('hex'))
  })

  test('takes as many headers as a record has room for, as Kafka does', () => {
    const headers = Array.from({ length: 20_000 }, (): [string, null] => ['', null])
    expect(recordsIn(batchOf([record('k', 'v', 1, headers)]))[0]?.headers).toHaveLength(20_000)
  })

  test('refuses a header name that is not UTF-8, and reads the next record', () => {
    const batch = batchOf([record('k', 'v', 1, [['name', 'x']]), record('k', 'v', 1, [['h', 'x']])])
    batch[batch.indexOf('name') + 1] = 0xff
    const cursor = new RecordCursor()
    cursor.open(batch, 0, readBatchHeader(batch, 0, batch.length))
    cursor.next()
    cursor.verify()
    expect(() => cursor.headers()).toThrow(expect.objectContaining({ code: 'RECORD_DESERIALIZATION' }))
    expect(() => cursor.headers()).toThrow('6eff6d65')
    expect(cursor.next()).toBe(true)
    expect(cursor.headers()).toEqual([['h', Buffer.from('x')]])
  })
})

describe('the batch writer', () => {
  test('starts over after reset and leaves no trace of what was there', () => {
    const writer = new RecordBatchWriter(128)
    writer.append(Buffer.from('long key'), Buffer.alloc(500, 1), 9_000, noHeaders)
    writer.finish(producer, 3, true)
    writer.reset()
    expect(writer.count).toBe(0)
    expect(writer.sizeBytes).toBe(batchHeaderBytes)
    for (const one of kafkaRecords) writer.append(one.key, one.value, one.timestamp, one.headers)
    expect(writer.finish(null, 0, false).toString('hex')).toBe(kafkaBatch('plain').toString('hex'))
  })

  test('says that a record fits exactly when the batch with it is within the limit', () => {
    fc.assert(
      fc.property(
        fc.array(anyRecord, { minLength: 2, maxLength: 8 }),
        fc.integer({ min: 100, max: 900 }),
        (all, limit) => {
          const writer = new RecordBatchWriter(64)
          const written: PlainRecord[] = []
          for (const one of all) {
            const { key, value, timestamp, headers } = one
            const size = batchOf([...written, one]).length
            const fits = (most: number) => writer.fits(key?.length ?? -1, value?.length ?? -1, timestamp, headers, most)
            expect([fits(size - 1), fits(size)]).toEqual([false, true])
            if (written.length === 0) expect(loneBatchBytes(key?.length ?? -1, value?.length ?? -1, headers)).toBe(size)
            if (!fits(limit)) continue
            writer.append(key, value, timestamp, headers)
            written.push(one)
            expect(writer.sizeBytes).toBe(size)
          }
        },
      ),
      runs(200),
    )
  })

  test('copies keys and values', () => {
    const writer = new RecordBatchWriter(256)
    const key = Buffer.from('key')
    const value = Buffer.alloc(100, 7)
    writer.append(key, value, 1, noHeaders)
    key.fill(0)
    value.fill(0)
    const [read] = recordsIn(writer.finish(null, 0, false))
    expect(read?.key?.toString()).toBe('key')
    expect(read?.value?.[99]).toBe(7)
  })

  test('copies ranges of every length, wherever they begin and end up', () => {
    const bytes = Buffer.from(Array.from({ length: 400 }, (_, i) => (i * 167 + 129) & 255))
    const writer = new RecordBatchWriter(64)
    const lengths = Array.from({ length: 300 }, (_, length) => length)
    // Each record begins one byte further on in the source, and at another place of a word in the batch.
    for (const length of lengths) writer.appendRanges(bytes, 1, length & 3, bytes, length & 7, length, 1, noHeaders)
    const read = recordsIn(Buffer.from(writer.finish(null, 0, false)))
    expect(read.map(({ value }) => hex(value))).toEqual(
      lengths.map((length) => hex(bytes.subarray(length & 7, (length & 7) + length))),
    )
  })
})

describe('a zigzag varint of 64 bits', () => {
  test('is exact for every safe integer and as long as it says', () => {
    const target = Buffer.alloc(16)
    fc.assert(
      fc.property(
        fc.oneof(
          fc.maxSafeInteger(),
          fc.integer(),
          fc.constantFrom(
            Number.MAX_SAFE_INTEGER,
            Number.MIN_SAFE_INTEGER,
            2 ** 52,
            -(2 ** 52),
            2 ** 31,
            -(2 ** 31) - 1,
          ),
        ),
        (value) => {
          const end = writeVarlong(target, 0, value)
          expect(end).toBe(varlongLength(value))
          let zigzag = 0n
          for (let i = end - 1; i >= 0; i--) zigzag = (zigzag << 7n) | BigInt((target[i] as number) & 0x7f)
          expect((zigzag >> 1n) ^ -(zigzag & 1n)).toBe(BigInt(value))
        },
      ),
      runs(500),
    )
  })
})

describe('a fetched range of batches', () => {
  const first = batchOf(kafkaRecords)
  const second = gzipped(batchOf([record('x', 'y'), record('z', null)]))
  const both = Buffer.concat([first, second])

  test('is read up to its last whole batch, wherever it is cut off', () => {
    for (let end = first.length; end < both.length; end++) {
      expect(recordsIn(both.subarray(0, end))).toHaveLength(4)
    }
    for (let end = 0; end < first.length; end++) expect(recordsIn(both.subarray(0, end))).toEqual([])
    expect(recordsIn(both)).toHaveLength(6)
  })

  test('of an old message format is refused by name', () => {
    const old = Buffer.from(first)
    old[batchLayout.magic] = 1
    expect(() => batchSizeAt(old, 0, old.length)).toThrow(corrupt)
    expect(() => batchSizeAt(old, 0, old.length)).toThrow(/magic 1/)
  })
})

describe('the batch reader', () => {
  test('refuses a checksum that does not fit', () => {
    const batch = batchOf(kafkaRecords)
    batch[batch.length - 1] = 1
    expect(() => verifyChecksum(batch, 0, batch.length)).toThrow(corrupt)
  })

  test.each([
    ['more records than there are', (batch: Buffer) => batch.writeInt32BE(5, batchLayout.count)],
    ['fewer records than there are', (batch: Buffer) => batch.writeInt32BE(3, batchLayout.count)],
    ['a negative count', (batch: Buffer) => batch.writeInt32BE(-1, batchLayout.count)],
    ['a count beyond its bytes', (batch: Buffer) => batch.writeInt32BE(0x7fffffff, batchLayout.count)],
    ['an offset past its last', (batch: Buffer) => batch.writeInt32BE(2, batchLayout.lastOffsetDelta)],
    ['a codec that does not exist', (batch: Buffer) => batch.writeInt16BE(7, batchLayout.attributes)],
    ['gzip that is none', (batch: Buffer) => batch.writeInt16BE(1, batchLayout.attributes)],
  ])('refuses %s, whatever the checksum says', (_name, damage) => {
    const batch = batchOf(kafkaRecords)
    damage(batch)
    expect(() => recordsIn(restamped(batch))).toThrow(corrupt)
  })

  test.each([2, 3, 4])('says which codec it cannot read (%i)', (codec) => {
    const batch = batchOf(kafkaRecords)
    batch.writeInt16BE(codec, batchLayout.attributes)
    expect(() => recordsIn(restamped(batch))).toThrow(expect.objectContaining({ code: 'COMPRESSION_UNSUPPORTED' }))
  })

  test('refuses gzip that would inflate far beyond what it claims to hold', () => {
    const batch = batchOf([record('bomb', 'x'.repeat(80_000_000))], { capacity: 81_000_000 })
    expect(() => recordsIn(gzipped(batch))).toThrow(corrupt)
  })

  test('can tell that a record is all fields, headers included', () => {
    const batch = batchOf([
      record('k', 'v', 1, [
        ['h', 'x'],
        ['name', ''],
      ]),
      record(null, null),
    ])
    const verify = () => {
      const cursor = new RecordCursor()
      cursor.open(batch, 0, readBatchHeader(batch, 0, batch.length))
      while (cursor.next()) cursor.verify()
      return cursor.offset
    }
    expect(verify()).toBe(1)
    // The bytes of the first record: length, attributes, deltas, key and value of two bytes each, count of headers.
    const headers = batchHeaderBytes + 4 + 2 + 2
    for (const count of [0, 1, 3]) {
      batch[headers] = count << 1
      expect(verify, `${count} headers`).toThrow(corrupt)
    }
  })

  test('gives views of the fetched bytes, not copies, and headers as copies', () => {
    const batch = batchOf([record('k', 'v', 1, [['h', 'x']])])
    const cursor = new RecordCursor()
    cursor.open(batch, 0, readBatchHeader(batch, 0, batch.length))
    cursor.next()
    const [key, headers] = [cursor.key(), cursor.headers()]
    batch.fill(0, batchHeaderBytes)
    expect(hex(key)).toBe('00')
    expect(headers).toEqual([['h', Buffer.from('x')]])
  })
})

describe('a transaction marker', () => {
  test.each([
    ['abort-marker', markerType.abort],
    ['commit-marker', markerType.commit],
  ] as const)('is written as Kafka writes it (%s)', (name, type) => {
    const written = encodeMarker(producer, type, 11, 1_700_000_000_000)
    expect(written.toString('hex')).toBe(kafkaBatch(name).toString('hex'))
  })

  test.each([markerType.abort, markerType.commit])('is read from its key (%i)', (type) => {
    const batch = encodeMarker(producer, type, 11, 5)
    const header = readBatchHeader(batch, 0, batch.length)
    expect(header.attributes).toBe(0x30)
    expect(header.baseSequence).toBe(-1)
    const [marker] = recordsIn(batch)
    expect(readMarker(marker?.key ?? null)).toBe(type)
  })

  test('of another kind, or too short to have one, is none', () => {
    expect(readMarker(Buffer.from([0, 0, 0, 2]))).toBeNull()
    expect(readMarker(Buffer.from([0, 0, 1, 1]))).toBeNull()
    expect(readMarker(Buffer.from([0, 0, 0]))).toBeNull()
    expect(readMarker(null)).toBeNull()
  })
})
