import { createRequire } from 'node:module'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { headerValues, noHeaders } from '../../../src/core/record.ts'
import { anyRecord, batchOf, gzipped, type PlainRecord, recordsIn } from '../../support/record-batches.ts'
import { runs } from '../../support/seed.ts'

/*
 * kafkajs carries our batches and speaks to our broker, and its own encoder and decoder are a second witness.
 * Three of its habits are left out of what is generated: a header that occurs in `Object.prototype`, an empty name, and a
 * null value, which it cannot write.
 */

interface KafkajsRecord {
  readonly offset: string
  readonly timestamp: string
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: Record<string, Buffer | Buffer[]>
  readonly isControlRecord: boolean
}

const kafkajs = createRequire(import.meta.url)
const Decoder: new (buffer: Buffer) => object = kafkajs('kafkajs/src/protocol/decoder')
const decodeBatch: (
  decoder: object,
) => Promise<{ records: KafkajsRecord[]; inTransaction: boolean; producerId: string }> = kafkajs(
  'kafkajs/src/protocol/recordBatch/v0/decoder',
)
const { RecordBatch }: { RecordBatch: (batch: object) => Promise<{ buffer: Buffer }> } = kafkajs(
  'kafkajs/src/protocol/recordBatch/v0',
)
const encodeRecord: (record: object) => object = kafkajs('kafkajs/src/protocol/recordBatch/record/v0')

const text = (bytes: Uint8Array | null): string | null => (bytes === null ? null : Buffer.from(bytes).toString('hex'))
/** What both can say of headers: by name, in the order of each name. */
const headersOf = ({ headers }: PlainRecord): Record<string, (string | null)[]> =>
  Object.fromEntries(headers.map(([name]) => [name, headerValues(headers, name).map(text)]))

const plainHeaders = ({ headers }: PlainRecord): boolean =>
  headers.every(([name, value]) => name !== '' && value !== null && !(name in Object.prototype))

const records = fc.array(anyRecord.filter(plainHeaders), { minLength: 1, maxLength: 12 })

describe('a batch of ours', () => {
  test('is what kafkajs reads, plain and gzipped', async () => {
    await fc.assert(
      fc.asyncProperty(records, fc.boolean(), async (all, transactional) => {
        const producer = { producerId: 987, producerEpoch: 3 }
        const plain = batchOf(all, { producer, baseSequence: 5, transactional })
        for (const bytes of [plain, gzipped(plain)]) {
          const batch = await decodeBatch(new Decoder(bytes))
          expect(batch.inTransaction).toBe(transactional)
          expect(batch.producerId).toBe('987')
          expect(
            batch.records.map(({ offset, timestamp, key, value, headers }) => ({
              offset: Number(offset),
              timestamp: Number(timestamp),
              key: text(key),
              value: text(value),
              headers: Object.fromEntries(Object.entries(headers).map(([name, all]) => [name, [all].flat().map(text)])),
            })),
          ).toEqual(
            all.map((one, offset) => ({
              offset,
              timestamp: one.timestamp,
              key: text(one.key),
              value: text(one.value),
              headers: headersOf(one),
            })),
          )
        }
      }),
      runs(60),
    )
  })
})

describe('a batch of kafkajs', () => {
  test('is what we read, plain and gzipped', async () => {
    await fc.assert(
      fc.asyncProperty(records, fc.constantFrom(0, 1), async (all, compression) => {
        const base = all[0]?.timestamp ?? 0
        const { buffer } = await RecordBatch({
          compression,
          firstTimestamp: base,
          maxTimestamp: base,
          lastOffsetDelta: all.length - 1,
          records: all.map((one, offsetDelta) =>
            encodeRecord({
              offsetDelta,
              timestampDelta: one.timestamp - base,
              key: one.key === null ? null : Buffer.from(one.key),
              value: one.value === null ? null : Buffer.from(one.value),
              headers: Object.fromEntries(
                one.headers.map(([name]) => [
                  name,
                  headerValues(one.headers, name).map((value) => Buffer.from(value as Uint8Array)),
                ]),
              ),
            }),
          ),
        })
        expect(
          recordsIn(buffer).map((one) => ({
            ...one,
            key: text(one.key),
            value: text(one.value),
            headers: headersOf(one),
          })),
        ).toEqual(
          all.map((one, offset) => ({
            offset,
            timestamp: one.timestamp,
            key: text(one.key),
            value: text(one.value),
            headers: headersOf(one),
          })),
        )
      }),
      runs(60),
    )
  })

  test('without headers shares the one empty set of them', async () => {
    const { buffer } = await RecordBatch({ records: [encodeRecord({ key: Buffer.from('k'), value: null })] })
    expect(recordsIn(buffer)[0]?.headers).toBe(noHeaders)
  })
})
