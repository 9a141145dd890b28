import { describe, expect, it } from 'vitest'
import { checkBatch } from '../../../src/broker/log/batch-check.ts'
import { TopicConfig } from '../../../src/broker/topic-config.ts'
import { batchHeaderBytes, batchLayout, verifyChecksum } from '../../../src/protocol/batch-header.ts'
import { kafkaError } from '../../../src/protocol/kafka-errors.ts'
import { batchOf, gzipped, record, recordsIn, restamped } from '../../support/record-batches.ts'

const now = 1_700_000_000_000
const config = new TopicConfig(new Map())
const check = (batch: Buffer) => checkBatch(batch, 9, false, config, now)

/** Two records, the first of these bytes: length, attributes, two deltas, key, value, count of headers, a header. */
const batch = () => batchOf([record('k', 'v', now, [['h', 'x']]), record('k', 'v', now)])
const first = batchHeaderBytes
const second = first + 1 + 12

describe('a batch that a client wants to append', () => {
  it('is taken as it is where it is sound, compressed or not', () => {
    for (const sound of [batch(), gzipped(batch())]) expect(check(sound)).toMatchObject({ records: sound })
  })

  it.each([
    ['are cut off', (bytes: Buffer) => bytes.writeInt8(60, second)],
    [
      'are fewer than it says',
      (bytes: Buffer) => {
        bytes.writeInt32BE(3, batchLayout.count)
        bytes.writeInt32BE(2, batchLayout.lastOffsetDelta)
      },
    ],
    ['are longer than they say', (bytes: Buffer) => bytes.writeInt8(22, first)],
    ['have gaps between their offsets', (bytes: Buffer) => bytes.writeInt8(2, first + 3)],
    ['have one offset twice', (bytes: Buffer) => bytes.writeInt8(0, second + 3)],
    ['have headers without an end', (bytes: Buffer) => bytes.writeInt8(4, first + 8)],
    ['have bytes behind their last field', (bytes: Buffer) => bytes.writeInt8(0, first + 8)],
  ])('is refused when its records %s, compressed or not', (_, spoil) => {
    const bytes = batch()
    spoil(bytes)
    for (const spoiled of [restamped(bytes), gzipped(bytes)]) {
      expect(check(spoiled)).toMatchObject({ error: kafkaError.INVALID_RECORD })
    }
  })

  it('is corrected in a copy when its greatest timestamp is false', () => {
    for (const sound of [batch(), gzipped(batch())]) {
      const claims = Buffer.from(sound)
      claims.writeBigInt64BE(BigInt(now + 1), batchLayout.maxTimestamp)
      const given = Buffer.from(restamped(claims))
      const checked = check(claims)
      if ('error' in checked) throw new Error(checked.message)
      expect(claims).toEqual(given)
      expect(checked.header.maxTimestamp).toBe(now)
      expect(checked.records).toEqual(sound)
      verifyChecksum(checked.records, 0, checked.records.length)
      expect(recordsIn(checked.records)).toHaveLength(2)
    }
  })
})
