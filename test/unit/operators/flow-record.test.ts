import { describe, expect, it } from 'vitest'
import { type Headers, noHeaders } from '../../../src/core/record.ts'
import { FlowRecord } from '../../../src/operators/flow-record.ts'
import { json } from '../../../src/serde/json.ts'
import { int32 } from '../../../src/serde/number.ts'
import type { Serde } from '../../../src/serde/serde.ts'
import { text, textOf } from '../../../src/serde/text.ts'
import { encodeRow, userKey } from '../../../src/state/row-format.ts'

/** A serde that counts how often it is asked. */
function counting(validate?: Serde<string>['validate']) {
  const calls = { decoded: 0 }
  const serde: Serde<string> = {
    id: 'counting',
    ...(validate ? { validate } : {}),
    serialize: (value) => Buffer.from(value),
    deserialize: (bytes) => {
      calls.decoded++
      if (bytes[0] === 0) throw new RangeError('begins with zero')
      return Buffer.from(bytes).toString()
    },
  }
  return { calls, serde }
}

const buffer = Buffer.from('..key-value..')
/** A record with `key` and `value` inside a larger buffer; a length of -1 is null. */
const raw = (key: Serde<string>, value: Serde<string>, keyLength = 3, valueLength = 5) =>
  FlowRecord.raw(buffer, 2, keyLength, key, 6, valueLength, value, 7, noHeaders)

describe('a record from a topic', () => {
  it('decodes key and value when they are first read, and once', () => {
    const key = counting()
    const value = counting()
    const record = raw(key.serde, value.serde)
    expect([key.calls.decoded, value.calls.decoded]).toEqual([0, 0])
    expect([record.key, record.key, record.value, record.value]).toEqual(['key', 'key', 'value', 'value'])
    expect([key.calls.decoded, value.calls.decoded]).toEqual([1, 1])
  })

  it('knows nulls without decoding, and never asks a serde for them', () => {
    const { calls, serde } = counting()
    const record = raw(serde, serde, -1, -1)
    expect([record.hasNullKey, record.hasNullValue, record.key, record.value]).toEqual([true, true, null, null])
    expect(raw(serde, serde).hasNullValue).toBe(false)
    expect(calls.decoded).toBe(0)
  })

  it('tells an empty key or value from none', () => {
    const record = raw(text, text, 0, 0)
    expect([record.hasNullKey, record.key, record.hasNullValue, record.value]).toEqual([false, '', false, ''])
    expect(record.hasRawKey(text)).toBe(true)
  })

  it('keeps its bytes for whoever writes in the same encoding', () => {
    const record = raw(text, text)
    expect([record.hasRawKey(textOf()), record.hasRawValue(text), record.hasRawValue(json())]).toEqual([
      true,
      true,
      false,
    ])
    expect(raw(text, text, -1, -1).hasRawValue(text)).toBe(false)
  })
})

describe('the check of a record', () => {
  it('decodes what has no cheaper check, so that a poison record is found on entry', () => {
    const { calls, serde } = counting()
    raw(serde, serde).check()
    expect(calls.decoded).toBe(2)
    const poison = FlowRecord.raw(Buffer.from([0]), 0, -1, serde, 0, 1, serde, 0, noHeaders)
    expect(() => poison.check()).toThrow('begins with zero')
  })

  it('leaves decoding for later where a check of the bytes will do', () => {
    const { calls, serde } = counting(() => true)
    raw(serde, serde).check()
    expect(calls.decoded).toBe(0)
  })

  it('is given the range of the key or the value alone', () => {
    const ranges: string[] = []
    const { serde } = counting(
      (bytes, start, end) => ranges.push(Buffer.from(bytes).toString('latin1', start, end)) > 0,
    )
    raw(serde, serde).check()
    expect(ranges).toEqual(['key', 'value'])
  })

  it('says which part is not what it should be', () => {
    const { serde } = counting(() => false)
    expect(() => raw(serde, text).check()).toThrow('its key is not counting')
    expect(() => raw(text, serde).check()).toThrow('its value is not counting')
    expect(() => raw(serde, serde, -1, -1).check()).not.toThrow()
  })
})

describe('a changed record', () => {
  const headers: Headers = [
    ['h', Buffer.from('x')],
    ['h', null],
  ]
  const original = FlowRecord.raw(buffer, 2, 3, text, 6, 5, text, 7, headers)

  it('has another value, and its key still as bytes', () => {
    const changed = original.withValue(5)
    expect(changed).toMatchObject({ key: 'key', value: 5, timestamp: 7, headers })
    expect([changed.hasRawKey(text), changed.hasRawValue(text)]).toEqual([true, false])
  })

  it('has another key, and its value still as bytes', () => {
    const changed = original.withKey('other')
    expect(changed).toMatchObject({ key: 'other', value: 'value', timestamp: 7, headers })
    expect([changed.hasRawKey(text), changed.hasRawValue(text)]).toEqual([false, true])
  })

  it('has another time, and nothing else', () => {
    const changed = original.at(99)
    expect(changed).toMatchObject({ key: 'key', value: 'value', timestamp: 99, headers })
    expect([changed.hasRawKey(text), changed.hasRawValue(text)]).toEqual([true, true])
    expect(original.timestamp).toBe(7)
  })

  it('has a null where user code gave null or nothing', () => {
    expect(original.withValue(undefined).hasNullValue).toBe(true)
    expect(original.withValueAt(null, 8)).toMatchObject({ hasNullValue: true, timestamp: 8 })
    expect(original.withKey(null).hasNullKey).toBe(true)
  })

  it('has a value where user code gave null, and none where its row or its topic has none', () => {
    expect([original.hasValue, original.withValue(null).hasValue, FlowRecord.of('k', null, 1).hasValue]).toEqual([
      true,
      true,
      true,
    ])
    const none = raw(text, text, 3, -1)
    expect([none, none.withKey('x'), none.at(9), original.withoutValueAt(9)].map(({ hasValue }) => hasValue)).toEqual([
      false,
      false,
      false,
      false,
    ])
    expect(original.withoutValueAt(9)).toMatchObject({ key: 'key', value: null, hasNullValue: true, timestamp: 9 })
  })
})

describe('a row of a table', () => {
  it('is its key without the prefix and its value without the head', () => {
    const stored = encodeRow(44, int32.serialize(-3))
    const page = Buffer.concat([Buffer.from('..'), userKey(Buffer.from('stream')), stored])
    const row = FlowRecord.row(page, 2, 7, text, page.length - 4, 4, int32, 44)
    expect([row.key, row.value, row.timestamp]).toEqual(['stream', -3, 44])
    expect([row.hasRawKey(text), row.hasRawValue(int32)]).toEqual([true, true])
  })

  it('that was deleted is a null value, its key there', () => {
    const row = FlowRecord.row(userKey(Buffer.from('gone')), 0, 5, text, 13, -1, int32, 44)
    expect([row.key, row.value, row.hasNullValue, row.hasRawValue(int32)]).toEqual(['gone', null, true, false])
  })
})
