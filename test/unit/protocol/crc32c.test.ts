import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { crc32c } from '../../../src/protocol/crc32c.ts'
import { runs } from '../../support/seed.ts'

/** The definition, bit by bit: reflected polynomial 0x82f63b78, all ones before and after. */
function bitwise(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  }
  return ~crc >>> 0
}

const of = (bytes: Uint8Array): number => crc32c(bytes, 0, bytes.length)

describe('crc32c', () => {
  test.each([
    ['no bytes', Buffer.alloc(0), 0x00000000],
    ['the check value of the catalogue, "123456789"', Buffer.from('123456789'), 0xe3069283],
    ['32 zeros (RFC 3720)', Buffer.alloc(32), 0x8a9136aa],
    ['32 ones (RFC 3720)', Buffer.alloc(32, 0xff), 0x62a8ab43],
    ['0 to 31 (RFC 3720)', Buffer.from(Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e],
    ['31 to 0 (RFC 3720)', Buffer.from(Array.from({ length: 32 }, (_, i) => 31 - i)), 0x113fdb5c],
    [
      'an iSCSI read command (RFC 3720)',
      Buffer.from(
        '01c00000000000000000000000000000140000000000040000000014000000182800000000000000' + '0200000000000000',
        'hex',
      ),
      0xd9963a56,
    ],
  ])('knows %s', (_name, bytes, expected) => {
    expect(of(bytes)).toBe(expected)
  })

  test('gives what the definition gives, for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(of(bytes)).toBe(bitwise(bytes))
      }),
      runs(300),
    )
  })

  test('reads nothing outside its range, whatever the alignment', () => {
    const bytes = Uint8Array.from({ length: 64 }, (_, i) => i * 37)
    for (let start = 0; start <= 20; start++) {
      for (let end = start; end <= 64; end++) {
        expect(crc32c(bytes, start, end)).toBe(bitwise(bytes.subarray(start, end)))
      }
    }
  })
})
