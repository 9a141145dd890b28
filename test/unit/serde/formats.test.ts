import { describe, expect, it } from 'vitest'
import { avro } from '../../../src/serde/avro.ts'
import { bool } from '../../../src/serde/bool.ts'
import { json } from '../../../src/serde/json.ts'
import { bigint64, float64, int32, int64 } from '../../../src/serde/number.ts'
import type { Serde } from '../../../src/serde/serde.ts'
import { structured } from '../../../src/serde/structured.ts'
import { text } from '../../../src/serde/text.ts'

// Bytes that are on disks and in other programs: a change here cannot read what was written before.

const hex = <T>(serde: Serde<T>, value: T): string => Buffer.from(serde.serialize(value)).toString('hex')
const written = <T>(serde: Serde<T>, value: T): string => Buffer.from(serde.serialize(value)).toString()

describe('numbers', () => {
  it('have the bytes of the Java serializers', () => {
    expect(hex(int32, -2)).toBe('fffffffe')
    expect(hex(int32, 0x01020304)).toBe('01020304')
    expect(hex(int64, 1)).toBe('0000000000000001')
    expect(hex(int64, -1)).toBe('ffffffffffffffff')
    expect(hex(int64, -(2 ** 32))).toBe('ffffffff00000000')
    expect(hex(int64, Number.MAX_SAFE_INTEGER)).toBe('001fffffffffffff')
    expect(hex(int64, Number.MIN_SAFE_INTEGER)).toBe('ffe0000000000001')
    expect(hex(bigint64, -(2n ** 63n))).toBe('8000000000000000')
    expect(hex(float64, 1.5)).toBe('3ff8000000000000')
    expect(hex(float64, Number.NaN)).toBe('7ff8000000000000')
    expect(hex(bool, true)).toBe('01')
  })

  it('beyond ±(2^53 - 1) are refused with the way out', () => {
    expect(() => int64.serialize(2 ** 53)).toThrow(
      'serde int64: expected a whole number within ±(2^53 - 1), found the number 9007199254740992; use bigint64',
    )
    expect(() => int64.deserialize(bigint64.serialize(2n ** 53n))).toThrow(
      'found 9007199254740992; read the topic with bigint64',
    )
  })
})

describe('text', () => {
  it('is UTF-8', () => {
    expect(hex(text, 'é€😀')).toBe('c3a9e282acf09f9880')
  })
})

describe('json', () => {
  it('orders properties at every depth, and leaves undefined ones out', () => {
    const value = { b: [{ d: 1, c: 2 }], a: undefined, A: { z: null, y: -0 } }
    expect(written(json<{}>(), value)).toBe('{"A":{"y":0,"z":null},"b":[{"c":2,"d":1}]}')
  })

  it('orders many properties, too', () => {
    const names = Array.from({ length: 200 }, (_, index) => `p${(index * 71) % 200}`)
    const value = Object.fromEntries(names.map((name, index) => [name, index]))
    const read = JSON.parse(written(json<{}>(), value)) as object
    expect(Object.keys(read)).toEqual(names.toSorted())
    expect(read).toEqual(value)
  })

  it('writes and reads a property named __proto__ as any other', () => {
    const value = JSON.parse('{"z":1,"__proto__":{"b":1,"a":2}}') as {}
    expect(written(json<{}>(), value)).toBe('{"__proto__":{"a":2,"b":1},"z":1}')
    const read = structured<{}>().deserialize(structured<{}>().serialize(value))
    expect(Object.entries(read)).toEqual([
      ['__proto__', { a: 2, b: 1 }],
      ['z', 1],
    ])
  })

  it('refuses a schema that answers later', () => {
    const late = {
      '~standard': { version: 1, vendor: 'test', validate: async (value: unknown) => ({ value: String(value) }) },
    } as const
    expect(() => json<string>(late).deserialize(Buffer.from('1'))).toThrow('expected a schema that answers at once')
  })
})

describe('structured', () => {
  it('is JSON text with tags for what JSON does not have', () => {
    const value = {
      n: 2n ** 70n,
      d: new Date(5),
      never: new Date(Number.NaN),
      b: Uint8Array.of(1, 2),
      m: new Map([['a', { x: 1n }]]),
      s: new Set([1, 'x']),
      f: [Number.NaN, -0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
      l: [undefined, null],
      o: { $: 1n, v: 2 },
    }
    expect(JSON.parse(written(structured<typeof value>(), value))).toEqual({
      n: { $: 'n', v: '1180591620717411303424' },
      d: { $: 'd', v: 5 },
      never: { $: 'd', v: null },
      b: { $: 'b', v: 'AQI=' },
      m: { $: 'm', v: [['a', { x: { $: 'n', v: '1' } }]] },
      s: { $: 's', v: [1, 'x'] },
      f: [
        { $: 'f', v: 'NaN' },
        { $: 'f', v: '-0' },
        { $: 'f', v: 'Infinity' },
        { $: 'f', v: '-Infinity' },
      ],
      l: [{ $: 'u' }, null],
      o: { $: 'o', v: { $: { $: 'n', v: '1' }, v: 2 } },
    })
  })

  it('gives a date that is none back as one that is none', () => {
    const serde = structured<{ at: Date }>()
    expect(serde.deserialize(serde.serialize({ at: new Date(Number.NaN) })).at.getTime()).toBeNaN()
  })

  it('writes plain data as plain JSON', () => {
    expect(written(structured<{}>(), { a: [1, 'x', { b: true }] })).toBe('{"a":[1,"x",{"b":true}]}')
  })

  it('names the class whose instance it refuses', () => {
    class Money {
      readonly cents = 1
    }
    expect(() => structured<{}>().serialize({ of: new Money() })).toThrow(
      'serde structured: expected plain data, found an instance of Money; keep only data in it, or give a serde',
    )
  })
})

describe('avro', () => {
  it('has one id for one schema, however it is written', () => {
    const bare = avro('{"type":"record","name":"A","fields":[{"name":"x","type":"long"}]}')
    const dressed = avro(
      '{ "name": "A", "type": "record", "doc": "x", "fields": [{ "type": "long", "name": "x", "default": 1 }] }',
    )
    const other = avro('{"type":"record","name":"A","fields":[{"name":"x","type":"int"}]}')
    expect(dressed.id).toBe(bare.id)
    expect(other.id).not.toBe(bare.id)
  })

  it('gives plain objects, which structured() can store', () => {
    const serde = avro<{ x: number }>('{"type":"record","name":"A","fields":[{"name":"x","type":"long"}]}')
    const read = serde.deserialize(serde.serialize({ x: -(2 ** 53) + 1 }))
    expect(Object.getPrototypeOf(read)).toBe(Object.prototype)
    expect(written(structured<{}>(), read)).toBe('{"x":-9007199254740991}')
  })

  it('refuses a text that is no schema', () => {
    expect(() => avro('{"type":"recor"}')).toThrow(expect.objectContaining({ code: 'PIPELINE_INVALID' }))
    expect(() => avro('click.avsc')).toThrow(expect.objectContaining({ code: 'PIPELINE_INVALID' }))
  })
})
