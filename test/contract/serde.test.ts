import fc from 'fast-check'
import { z } from 'zod'
import { avro } from '../../src/serde/avro.ts'
import { bool } from '../../src/serde/bool.ts'
import { bytes } from '../../src/serde/bytes.ts'
import { json } from '../../src/serde/json.ts'
import { nothing, nullable } from '../../src/serde/nullable.ts'
import { bigint64, float64, int32, int64 } from '../../src/serde/number.ts'
import type { Serde } from '../../src/serde/serde.ts'
import { structured } from '../../src/serde/structured.ts'
import { text, textOf } from '../../src/serde/text.ts'
import { serdeContract } from './serde-contract.ts'

const texts = fc.oneof(fc.string(), fc.string({ unit: 'binary' }))

class Money {
  readonly cents = 1
}
const loop: { self?: object } = {}
loop.self = loop

serdeContract('text', {
  serde: text,
  id: 'text',
  values: texts,
  refusedValues: [5, null, undefined, { length: 3 }],
  refusedBytes: [],
})

serdeContract('text of a brand', {
  serde: textOf<string & { readonly __brand: 'UserId' }>(),
  id: 'text',
  values: texts.map((value) => value as string & { readonly __brand: 'UserId' }),
  refusedValues: [5],
  refusedBytes: [],
})

serdeContract<Uint8Array>('bytes', {
  serde: bytes,
  id: 'bytes',
  values: fc.uint8Array(),
  refusedValues: ['text', [1, 2], null],
  refusedBytes: [],
})

serdeContract('bool', {
  serde: bool,
  id: 'bool',
  values: fc.boolean(),
  refusedValues: [0, 'true', null],
  refusedBytes: [[], [2], [1, 0]],
})

serdeContract('int32', {
  serde: int32,
  id: 'int32',
  values: fc.integer(),
  refusedValues: [2 ** 31, -(2 ** 31) - 1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, '1', 1n],
  refusedBytes: [[], [0, 0, 1], [0, 0, 0, 0, 1]],
})

serdeContract('int64', {
  serde: int64,
  id: 'int64',
  values: fc.maxSafeInteger(),
  refusedValues: [2 ** 53, -(2 ** 53), 0.5, Number.NaN, Number.NEGATIVE_INFINITY, '1', 1n],
  refusedBytes: [
    [],
    [0, 0, 0, 1],
    [0, 0x20, 0, 0, 0, 0, 0, 0],
    [0xff, 0xe0, 0, 0, 0, 0, 0, 0],
    [0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
  ],
})

serdeContract('bigint64', {
  serde: bigint64,
  id: 'bigint64',
  values: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  refusedValues: [2n ** 63n, -(2n ** 63n) - 1n, 1, '1'],
  refusedBytes: [[], [0, 0, 0, 1]],
})

serdeContract('float64', {
  serde: float64,
  id: 'float64',
  values: fc.double(),
  refusedValues: ['1', 1n, null],
  refusedBytes: [[], [0, 0, 0, 1]],
})

// JSON has no -0, so it is not among what json gives back.
const jsonValues = fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as fc.JsonValue)

serdeContract('json', {
  serde: json<fc.JsonValue[]>(),
  id: 'json',
  values: fc.array(jsonValues),
  refusedValues: [
    undefined,
    () => 0,
    [undefined],
    { at: new Date(0) },
    { n: 1n },
    { n: Number.NaN },
    new Map([[1, 2]]),
    new Money(),
    { of: [new Money()] },
    loop,
  ],
  refusedBytes: [[], [0x7b], [0xff], [0x6e, 0x75, 0x6c]],
})

const order = z.object({ id: z.string(), cents: z.number().int(), note: z.string().optional() })

serdeContract('json with a schema', {
  serde: json(order),
  id: 'json',
  values: fc.record(
    { id: fc.string(), cents: fc.integer(), note: fc.string() },
    { requiredKeys: ['id', 'cents'], noNullPrototype: true },
  ),
  refusedValues: [undefined, { at: new Date(0) }],
  refusedBytes: [[...Buffer.from('{}')], [...Buffer.from('{"id":"a","cents":"1"}')], [...Buffer.from('null')]],
})

const { tree } = fc.letrec<{ tree: unknown; leaf: unknown }>((tie) => ({
  leaf: fc.oneof(
    texts,
    fc.double(),
    fc.constantFrom(0, -0, Number.NaN, true, false, null, '"$":', '$'),
    fc.bigInt(),
    fc.date({ noInvalidDate: true }),
    fc.uint8Array(),
  ),
  tree: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    tie('leaf'),
    fc.array(fc.oneof(tie('tree'), fc.constant(undefined))),
    fc.dictionary(fc.oneof(fc.string(), fc.constantFrom('$', 'v', 'a', 'b', '10', '9')), tie('tree'), {
      noNullPrototype: true,
    }),
    fc.array(fc.tuple(tie('leaf'), tie('tree'))).map((entries) => new Map(entries)),
    fc.array(tie('tree')).map((members) => new Set(members)),
  ),
}))

serdeContract('structured', {
  serde: structured<{}>() as unknown as Serde<unknown>,
  id: 'structured',
  values: tree,
  refusedValues: [
    () => 0,
    Symbol('s'),
    { run: () => 0 },
    new Money(),
    [new Money()],
    new Map([[1, new Money()]]),
    /x/,
    new Error('e'),
    new Float64Array(1),
    loop,
  ],
  refusedBytes: [[], [0x7b], [...Buffer.from('{"$":"?","v":1}')], [...Buffer.from('{"a":[{"$":"n","v":"x"}]}')]],
})

interface Click {
  readonly user: string
  readonly at: number
  readonly tags: readonly string[]
  readonly detail: { readonly x: number; readonly referrer: string | null }
}
const click = `{
  "type": "record", "name": "Click", "doc": "one click",
  "fields": [
    { "name": "user", "type": "string" },
    { "name": "at", "type": "long" },
    { "name": "tags", "type": { "type": "array", "items": "string" } },
    { "name": "detail", "type": { "type": "record", "name": "Detail", "fields": [
      { "name": "x", "type": "double" },
      { "name": "referrer", "type": ["null", "string"], "default": null }
    ] } }
  ]
}`

serdeContract<Click>('avro', {
  serde: avro<Click>(click),
  id: 'avro-359668770648d70419971279d6fad853',
  values: fc.record(
    {
      user: texts,
      at: fc.maxSafeInteger(),
      tags: fc.array(texts),
      detail: fc.record({ x: fc.double(), referrer: fc.oneof(fc.constant(null), texts) }, { noNullPrototype: true }),
    },
    { noNullPrototype: true },
  ),
  refusedValues: [null, {}, { user: 'u', at: 'now', tags: [], detail: { x: 1, referrer: null } }],
  refusedBytes: [[], [2], [2, 0x75, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9]],
})

serdeContract<number | null>('nullable', {
  serde: nullable(int64),
  id: 'int64',
  values: fc.maxSafeInteger(),
  refusedValues: [null, 0.5],
  refusedBytes: [[], [1]],
})

serdeContract('nothing', {
  serde: nothing,
  id: 'nothing',
  values: fc.constant(null),
  refusedValues: ['', 0, undefined],
  refusedBytes: [[0]],
})
