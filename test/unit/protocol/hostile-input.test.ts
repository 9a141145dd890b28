import { describe, expect, test } from 'vitest'
import { StreamError } from '../../../src/core/errors.ts'
import { type Random, seededRandom } from '../../../src/core/random.ts'
import { apis } from '../../../src/protocol/apis.ts'
import { batchHeaderBytes, batchSizeAt } from '../../../src/protocol/batch-header.ts'
import { readRequestHeader, skipTags } from '../../../src/protocol/frame.ts'
import { WireReader } from '../../../src/protocol/wire-reader.ts'
import { factLines } from '../../support/kafka-facts.ts'
import { batchOf, gzipped, type ReadRecord, record, recordsIn } from '../../support/record-batches.ts'
import { testSeed } from '../../support/seed.ts'

/*
 * Whatever bytes arrive, a decoder answers a value or one of its two named errors, soon, and makes nothing by a claimed
 * length. Damage is drawn from a seed (MILLRACE_TEST_SEED repeats it), on messages that Kafka's own classes wrote.
 */

interface Message {
  readonly name: string
  readonly bytes: Buffer
  readonly decode: (bytes: Buffer) => unknown
}

const messages: readonly Message[] = factLines('kafka-messages.txt').flatMap((line) => {
  const [api, direction, version, form, hex] = line.split(' ') as [string, string, string, string, string]
  const description = apis.find(({ name }) => name === api)
  if (!description) return []
  const codec = direction === 'request' ? description.request : description.response
  return {
    name: `${api} ${direction} ${version} ${form}`,
    bytes: Buffer.from(hex, 'hex'),
    decode: (bytes: Buffer) => codec.decode(Number(version), bytes),
  }
})

/** Runs it; a thrown error must be one of these codes, else it is thrown on with the story of how it came about. */
function surviving<T>(run: () => T, codes: readonly string[], story: () => string): T | 'refused' {
  try {
    return run()
  } catch (error) {
    if (error instanceof StreamError && codes.includes(error.code)) return 'refused'
    throw new Error(`${story()}: ${error instanceof Error ? error.stack : String(error)}`, { cause: error })
  }
}

/** Flips `count` random bits of a copy. */
function damaged(bytes: Buffer, random: Random, count: number, from = 0): Buffer {
  const copy = Buffer.from(bytes)
  for (let i = 0; i < count; i++) {
    const at = from + random.integer(copy.length - from)
    copy[at] = (copy[at] as number) ^ (1 << random.integer(8))
  }
  return copy
}

describe('a damaged message', () => {
  test('is refused at every length that it is cut off at', () => {
    for (const { name, bytes, decode } of messages) {
      for (let length = 0; length < bytes.length; length++) {
        const outcome = surviving(
          () => decode(bytes.subarray(0, length)),
          ['WIRE_MALFORMED'],
          () => `${name} cut at ${length}`,
        )
        expect(outcome, `${name} cut at ${length} of ${bytes.length}`).toBe('refused')
      }
    }
  })

  test('is read or refused by name, whatever bits are flipped', () => {
    const random = seededRandom(testSeed)
    let refused = 0
    for (let i = 0; i < 20_000; i++) {
      const { name, bytes, decode } = messages[random.integer(messages.length)] as Message
      if (bytes.length === 0) continue
      const flipped = damaged(bytes, random, 1 + random.integer(4))
      const story = (): string => `seed ${testSeed}, case ${i}: ${name} as ${flipped.toString('hex')}`
      if (surviving(() => decode(flipped), ['WIRE_MALFORMED'], story) === 'refused') refused++
    }
    expect(refused).toBeGreaterThan(1000)
  })

  test('is read or refused by name when it is noise', () => {
    const random = seededRandom(testSeed)
    for (let i = 0; i < 10_000; i++) {
      const { name, decode } = messages[random.integer(messages.length)] as Message
      const noise = Buffer.from(Array.from({ length: random.integer(60) }, () => random.integer(256)))
      surviving(
        () => decode(noise),
        ['WIRE_MALFORMED'],
        () => `seed ${testSeed}, case ${i}: ${name} as ${noise.toString('hex')}`,
      )
    }
  })

  test('that claims more than it has makes nothing for the claim', () => {
    // The greatest length or count wherever one may stand: half of a megabyte of them, for every message.
    for (const claim of [0x7f, 0xff, 0x00, 0x01]) {
      const bytes = Buffer.alloc(1 << 12, claim)
      for (const { name, decode } of messages) {
        const before = process.memoryUsage().arrayBuffers
        surviving(
          () => decode(bytes),
          ['WIRE_MALFORMED'],
          () => `${name} of bytes ${claim}`,
        )
        const grown = process.memoryUsage().arrayBuffers - before
        expect(grown, `bytes of buffers made for ${name}`).toBeLessThan(4 * bytes.length)
      }
    }
  })

  test('is refused before its fields when its header is cut off', () => {
    const frame = Buffer.from('0012000300000007' + '000474657374' + '01000201ff' + '00', 'hex')
    for (let length = 0; length < frame.length - 1; length++) {
      const reader = new WireReader(frame.subarray(0, length))
      const outcome = surviving(
        () => {
          readRequestHeader(reader)
          skipTags(reader)
        },
        ['WIRE_MALFORMED'],
        () => `header cut at ${length}`,
      )
      expect(outcome).toBe('refused')
    }
  })
})

describe('a damaged batch', () => {
  const records = Array.from({ length: 20 }, (_, i) =>
    record(i % 5 === 0 ? null : `key-${i}`, i % 7 === 0 ? null : 'v'.repeat(i * 3), 1_700_000_000_000 + i * 1000, [
      ['h', `${i}`],
    ]),
  )
  const producer = { producerId: 77, producerEpoch: 1 }
  const plain = batchOf(records, { producer, baseSequence: 9, transactional: true })
  const batches = [plain, gzipped(plain)]
  const shown = (all: readonly ReadRecord[]): unknown => all.map(({ offset: _, ...one }) => one)
  const whole = shown(recordsIn(plain))

  test('is never read as other records, whatever bits are flipped', () => {
    const random = seededRandom(testSeed)
    let refused = 0
    for (let i = 0; i < 10_000; i++) {
      const flipped = damaged(batches[i % 2] as Buffer, random, 1 + random.integer(3))
      const story = (): string => `seed ${testSeed}, case ${i}: ${flipped.toString('hex')}`
      const read = surviving(() => recordsIn(flipped), ['BATCH_CORRUPT', 'WIRE_MALFORMED'], story)
      if (read === 'refused') refused++
      // A longer length looks like a batch that the fetch cut off: nothing is read. Offset and epoch are the broker's.
      else if (read.length > 0) expect(shown(read), story()).toEqual(whole)
    }
    expect(refused).toBeGreaterThan(9000)
  })

  test('is read or refused by name even where its checksum is not looked at', () => {
    const random = seededRandom(testSeed)
    const codes = ['BATCH_CORRUPT', 'WIRE_MALFORMED', 'COMPRESSION_UNSUPPORTED', 'RECORD_DESERIALIZATION']
    for (let i = 0; i < 20_000; i++) {
      const flipped = damaged(
        i % 10 === 0 ? (batches[1] as Buffer) : plain,
        random,
        1 + random.integer(3),
        i % 2 ? batchHeaderBytes : 0,
      )
      const story = (): string => `seed ${testSeed}, case ${i}: ${flipped.toString('hex')}`
      const read = surviving(() => recordsIn(flipped, 'trust'), codes, story)
      if (read === 'refused') continue
      const longest = Math.max(0, ...read.map(({ key, value }) => (key?.length ?? 0) + (value?.length ?? 0)))
      if (longest > plain.length) throw new Error(`a record of ${longest} bytes, ${story()}`)
    }
  })

  test('that is cut off is not there', () => {
    for (const batch of batches) {
      for (let length = 0; length < batch.length; length++) expect(batchSizeAt(batch, 0, length)).toBe(0)
    }
  })
})
