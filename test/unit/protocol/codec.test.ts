import { describe, expect, test } from 'vitest'
import { AssertionError } from '../../../src/core/assert.ts'
import {
  array,
  boolean,
  bytes,
  type Codec,
  float64,
  int8,
  int16,
  int32,
  int64,
  nullableArray,
  nullableBytes,
  nullableChunks,
  nullableSince,
  nullableString,
  string,
  uint16,
  uuid,
} from '../../../src/protocol/codec.ts'
import { between, since, struct, tagged } from '../../../src/protocol/struct.ts'
import { WireReader } from '../../../src/protocol/wire-reader.ts'
import { WireWriter } from '../../../src/protocol/wire-writer.ts'

const classic = false
const flexible = true

function write<O, I>(codec: Codec<O, I>, value: I, form: boolean, version = 0): string {
  const writer = new WireWriter()
  codec.compile(version, form).write(writer, value)
  return writer.finish().toString('hex')
}

function read<O, I>(codec: Codec<O, I>, hex: string, form: boolean, version = 0): O {
  const reader = new WireReader(Buffer.from(hex, 'hex'))
  const value = codec.compile(version, form).read(reader)
  expect(reader.remaining).toBe(0)
  return value
}

/** Writes and reads back; the bytes are part of the promise. */
function holds<O, I>(codec: Codec<O, I>, value: I & O, form: boolean, hex: string): void {
  expect(write(codec, value, form)).toBe(hex)
  expect(read(codec, hex, form)).toEqual(value)
}

const malformed = expect.objectContaining({ code: 'WIRE_MALFORMED' })

describe('numbers of fixed width', () => {
  test.each([
    [int8, -1, 'ff'],
    [int8, 127, '7f'],
    [int16, -2, 'fffe'],
    [int16, 0x1234, '1234'],
    [uint16, 65_535, 'ffff'],
    [int32, -0x80000000, '80000000'],
    [int32, 0x12345678, '12345678'],
    [int64, 0, '0000000000000000'],
    [int64, -1, 'ffffffffffffffff'],
    [int64, Number.MAX_SAFE_INTEGER, '001fffffffffffff'],
    [int64, Number.MIN_SAFE_INTEGER, 'ffe0000000000001'],
    [int64, 4_294_967_296, '0000000100000000'],
    [int64, -4_294_967_297, 'fffffffeffffffff'],
    [float64, 1.5, '3ff8000000000000'],
  ] as const)('are big-endian, in both forms (%#: %s)', (codec, value, hex) => {
    holds(codec, value, classic, hex)
    holds(codec, value, flexible, hex)
  })

  test.each(['0020000000000000', 'ffe0000000000000', '7fffffffffffffff', '8000000000000000'])(
    'refuse the 64-bit number %s, which is not exact',
    (hex) => {
      expect(() => read(int64, hex, classic)).toThrow(malformed)
    },
  )

  test('hold a boolean in one byte and an id in sixteen', () => {
    holds(boolean, true, classic, '01')
    holds(boolean, false, flexible, '00')
    expect(read(boolean, '02', classic)).toBe(true)
    holds(uuid, '00112233445566778899aabbccddeeff', flexible, '00112233445566778899aabbccddeeff')
  })
})

describe('texts and bytes', () => {
  test('have a length of two or four bytes in the classic form', () => {
    holds(string, 'grün', classic, '0005' + '6772c3bc6e')
    holds(nullableString, null, classic, 'ffff')
    holds(bytes, Buffer.from([1, 2]), classic, '00000002' + '0102')
    holds(nullableBytes, null, classic, 'ffffffff')
    holds(string, '', classic, '0000')
  })

  test('have their length plus one as a varint in the flexible form', () => {
    holds(string, 'grün', flexible, '06' + '6772c3bc6e')
    holds(nullableString, null, flexible, '00')
    holds(string, '', flexible, '01')
    holds(bytes, Buffer.from([1, 2]), flexible, '03' + '0102')
    holds(string, 'x'.repeat(127), flexible, `8001${'78'.repeat(127)}`)
  })

  test('refuse null where the type has none, on both sides', () => {
    expect(() => read(string, 'ffff', classic)).toThrow(malformed)
    expect(() => read(bytes, '00', flexible)).toThrow(malformed)
    expect(() => write(string, null as unknown as string, classic)).toThrow(AssertionError)
  })

  test('may be written from several pieces', () => {
    const pieces = [Buffer.from([1]), Buffer.alloc(0), Buffer.from([2, 3])]
    for (const form of [classic, flexible]) {
      const whole = write(nullableBytes, Buffer.from([1, 2, 3]), form)
      expect(write(nullableChunks, pieces, form)).toBe(whole)
      expect(write(nullableChunks, Buffer.from([1, 2, 3]), form)).toBe(whole)
      expect(write(nullableChunks, null, form)).toBe(write(nullableBytes, null, form))
      expect(read(nullableChunks, whole, form)).toEqual(Buffer.from([1, 2, 3]))
    }
  })

  test('are views of the message, not copies', () => {
    const message = Buffer.from('00000002' + '0102', 'hex')
    const view = bytes.compile(0, classic).read(new WireReader(message))
    message[4] = 9
    expect([...view]).toEqual([9, 2])
  })

  test('became nullable with some version: before it another value stands in', () => {
    const name = nullableSince(7, nullableString, '')
    expect(write(name, null, classic, 6)).toBe('0000')
    expect(write(name, null, classic, 7)).toBe('ffff')
    expect(() => read(name, 'ffff', classic, 6)).toThrow(malformed)
    expect(read(name, 'ffff', classic, 7)).toBeNull()
  })
})

describe('arrays', () => {
  test('have their count before their elements', () => {
    holds(array(int16), [1, 2], classic, '00000002' + '0001' + '0002')
    holds(array(int16), [1, 2], flexible, '03' + '0001' + '0002')
    holds(array(string), [], classic, '00000000')
    holds(nullableArray(int8), null, classic, 'ffffffff')
    holds(nullableArray(int8), null, flexible, '00')
  })

  test.each([
    ['7fffffff', classic],
    ['00000003' + '0001', classic],
    ['ffffffff0f', flexible],
    ['fe01' + '00', flexible],
  ])('refuse the count of %s before anything is made for it', (hex, form) => {
    expect(() => read(array(int8), hex, form)).toThrow(malformed)
  })
})

describe('structures', () => {
  const message = struct({
    name: string,
    added: since(2, int32, -1),
    removed: between(0, 1, int16, 7),
    note: tagged(1, 3, nullableString),
    level: tagged(0, 3, int8, 5),
  })

  test('have the fields of their version, in the order of the wire', () => {
    const value = { name: 'a', added: 3, removed: 4 }
    expect(write(message, value, classic, 1)).toBe('000161' + '0004')
    expect(write(message, value, classic, 2)).toBe('000161' + '00000003')
  })

  test('read as their fallback what the version lacks', () => {
    expect(read(message, '000161' + '0004', classic, 1)).toEqual({
      name: 'a',
      added: -1,
      removed: 4,
      note: null,
      level: 5,
    })
    expect(read(message, '000161' + '00000003', classic, 2)).toEqual({
      name: 'a',
      added: 3,
      removed: 7,
      note: null,
      level: 5,
    })
  })

  test('write a field that was not given as its fallback', () => {
    expect(write(message, { name: 'a' }, classic, 2)).toBe('000161' + 'ffffffff')
  })

  test('end in a tag section in the flexible form, ascending, without what has its default', () => {
    expect(write(message, { name: 'a', added: 0, note: 'x', level: 6 }, flexible, 3)).toBe(
      '0261' + '00000000' + '02' + '0001' + '06' + '0102' + '0278',
    )
    expect(write(message, { name: 'a', added: 0, note: null, level: 5 }, flexible, 3)).toBe('0261' + '00000000' + '00')
  })

  test('pass over tags that they do not know', () => {
    const unknown = '0261' + '00000000' + '03' + '0001' + '06' + '0102' + '0278' + '6303' + '010203'
    expect(read(message, unknown, flexible, 3)).toEqual({ name: 'a', added: 0, removed: 7, note: 'x', level: 6 })
  })

  test.each([
    ['a section cut off', '0261' + '00000000' + '02' + '0001' + '06'],
    ['a tag longer than the message', '0261' + '00000000' + '01' + '00' + '7f' + '06'],
    ['a tag shorter than its field', '0261' + '00000000' + '01' + '00' + '00'],
    ['more tags than bytes', '0261' + '00000000' + 'ffffffff0f'],
  ])('refuse %s', (_name, hex) => {
    expect(() => read(message, hex, flexible, 3)).toThrow(malformed)
  })
})

describe('the writer', () => {
  test('grows at every boundary without losing a byte', () => {
    const codec = struct({ flags: array(boolean), text: string, number: int64, numbers: array(int32) })
    for (let fill = 0; fill < 80; fill++) {
      const value = { flags: [true, false, true], text: 'x'.repeat(fill), number: -5, numbers: [1, 2, 3] }
      for (const form of [classic, flexible]) {
        const writer = new WireWriter(1 + (fill % 7))
        codec.compile(0, form).write(writer, value)
        expect(codec.compile(0, form).read(new WireReader(writer.finish()))).toEqual(value)
      }
    }
  })
})

describe('variable-length numbers', () => {
  test.each([
    [0, '00'],
    [127, '7f'],
    [128, '8001'],
    [300, 'ac02'],
    [0xffffffff, 'ffffffff0f'],
  ])('hold %i as %s', (value, hex) => {
    const writer = new WireWriter()
    writer.uvarint(value)
    expect(writer.finish().toString('hex')).toBe(hex)
    expect(new WireReader(Buffer.from(hex, 'hex')).uvarint()).toBe(value)
  })

  test.each(['80', 'ffffffffff', 'ffffffff1f', '808080808000'])('refuse %s', (hex) => {
    expect(() => new WireReader(Buffer.from(hex, 'hex')).uvarint()).toThrow(malformed)
  })
})
