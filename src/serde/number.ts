import { checkLength, refuseRead, refuseWrite } from './refuse.ts'
import type { Serde } from './serde.ts'

const twoTo32 = 2 ** 32

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** Writes 32 bits, big-endian: a number in 36 ns, where `Uint8Array.of` takes 73. */
function writeWord(bytes: Uint8Array, at: number, word: number): void {
  bytes[at] = word >>> 24
  bytes[at + 1] = word >>> 16
  bytes[at + 2] = word >>> 8
  bytes[at + 3] = word
}

/** A whole number in [-2^31, 2^31) as 4 bytes, big-endian: what Java's `IntegerSerializer` writes. */
export const int32: Serde<number> = Object.freeze({
  id: 'int32',
  immutable: true,
  serialize(value: number) {
    if ((value | 0) !== value) refuseWrite('int32', 'a whole number of 32 bits', value, 'use int64 or float64')
    const bytes = new Uint8Array(4)
    writeWord(bytes, 0, value)
    return bytes
  },
  deserialize(bytes: Uint8Array) {
    checkLength('int32', bytes, 4)
    return viewOf(bytes).getInt32(0)
  },
})

/**
 * A whole number as 8 bytes, big-endian: what Java's `LongSerializer` writes. Beyond ±(2^53 - 1), where numbers stop
 * being exact, both ways refuse: `bigint64` has the whole range.
 */
export const int64: Serde<number> = Object.freeze({
  id: 'int64',
  immutable: true,
  serialize(value: number) {
    if (!Number.isSafeInteger(value)) refuseWrite('int64', 'a whole number within ±(2^53 - 1)', value, 'use bigint64')
    const high = Math.floor(value / twoTo32)
    const low = value - high * twoTo32
    const bytes = new Uint8Array(8)
    writeWord(bytes, 0, high)
    writeWord(bytes, 4, low)
    return bytes
  },
  deserialize(bytes: Uint8Array) {
    checkLength('int64', bytes, 8)
    const view = viewOf(bytes)
    const value = view.getInt32(0) * twoTo32 + view.getUint32(4)
    return Number.isSafeInteger(value)
      ? value
      : refuseRead('int64', 'a number within ±(2^53 - 1)', `${view.getBigInt64(0)}`, 'read the topic with bigint64')
  },
})

/** A bigint in [-2^63, 2^63) as 8 bytes, big-endian: the bytes of {@link int64} with the whole range. */
export const bigint64: Serde<bigint> = Object.freeze({
  id: 'bigint64',
  immutable: true,
  serialize(value: bigint) {
    if (typeof value !== 'bigint' || BigInt.asIntN(64, value) !== value) {
      refuseWrite('bigint64', 'a bigint of 64 bits', value, 'use structured()')
    }
    const bytes = new Uint8Array(8)
    viewOf(bytes).setBigInt64(0, value)
    return bytes
  },
  deserialize(bytes: Uint8Array) {
    checkLength('bigint64', bytes, 8)
    return viewOf(bytes).getBigInt64(0)
  },
})

/**
 * Any number as 8 bytes, big-endian IEEE 754: what Java's `DoubleSerializer` writes. NaN has one encoding; 0 and -0
 * have two, so as keys they differ.
 */
export const float64: Serde<number> = Object.freeze({
  id: 'float64',
  immutable: true,
  serialize(value: number) {
    if (typeof value !== 'number') refuseWrite('float64', 'a number', value, 'give the serde of its type')
    const bytes = new Uint8Array(8)
    if (Number.isNaN(value)) bytes.set([0x7f, 0xf8])
    else viewOf(bytes).setFloat64(0, value)
    return bytes
  },
  deserialize(bytes: Uint8Array) {
    checkLength('float64', bytes, 8)
    return viewOf(bytes).getFloat64(0)
  },
})
