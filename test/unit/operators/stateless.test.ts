import { beforeEach, describe, expect, it } from 'vitest'
import { type Headers, noHeaders } from '../../../src/core/record.ts'
import type { Emit } from '../../../src/operators/emit.ts'
import { FlowRecord } from '../../../src/operators/flow-record.ts'
import * as verbs from '../../../src/operators/stateless.ts'
import { fused } from '../../../src/operators/step-subscriber.ts'
import { text } from '../../../src/serde/text.ts'
import { wayInto } from '../../support/way-into.ts'

type Fn = (value: unknown, key: unknown) => unknown

type Verb = (next: Emit) => Emit

const base = { id: 1, inputs: [0], key: text, value: text }
/** What the verbs of a test passed over. */
let drops: string[] = []
const context = { dropped: (reason: string) => void drops.push(reason) }
beforeEach(() => {
  drops = []
})

const map =
  (fn: Fn): Verb =>
  (next) =>
    verbs.map({ ...base, kind: 'map', fn }, next, context)
const filter =
  (fn: Fn): Verb =>
  (next) =>
    verbs.filter({ ...base, kind: 'filter', fn: fn as () => boolean }, next, context)
const flatMap =
  (fn: Fn): Verb =>
  (next) =>
    verbs.flatMap({ ...base, kind: 'flat-map', fn: fn as () => Iterable<unknown> }, next, context)
const tap =
  (fn: Fn): Verb =>
  (next) =>
    verbs.tap({ ...base, kind: 'tap', fn }, next, context)
const keyBy =
  (fn: Fn): Verb =>
  (next) =>
    verbs.keyBy({ ...base, kind: 'key-by', name: 'k', fn }, next, context)

/** Pushes records through verbs that are one operator. @returns what came out */
function through(steps: readonly Verb[], records: readonly FlowRecord[]): FlowRecord[] {
  const seen: FlowRecord[] = []
  const entry = wayInto(fused(steps), (record) => seen.push(record))
  for (const record of records) entry(record)
  return seen
}

const headers: Headers = [
  ['h', Buffer.from('1')],
  ['h', null],
]
const records = (...values: unknown[]): FlowRecord[] =>
  values.map((value, i) => FlowRecord.of(`k${i}`, value, 10 + i, headers))
const values = (found: readonly FlowRecord[]): unknown[] => found.map(({ value }) => value)

describe('stateless verbs in one', () => {
  it('run in the order of the pipeline', () => {
    const nodes = [
      map((v) => `${v}a`),
      filter((v) => v !== 'xa'),
      flatMap((v) => [`${v}1`, `${v}2`]),
      map((v) => `<${v}>`),
    ]
    expect(values(through(nodes, records('x', 'y', 'z')))).toEqual(['<ya1>', '<ya2>', '<za1>', '<za2>'])
  })

  it('see value and key, and keep key, time and headers', () => {
    const [record] = through([map((value, key) => [value, key])], records('v'))
    expect(record).toMatchObject({ key: 'k0', value: ['v', 'k0'], timestamp: 10, headers })
  })

  it('hand each element of a flatMap on before they take the next', () => {
    const order: string[] = []
    const lazy = function* () {
      for (const n of [1, 2]) {
        order.push(`gave ${n}`)
        yield n
      }
    }
    through([flatMap(lazy), tap((n) => order.push(`took ${n}`))], records('x'))
    expect(order).toEqual(['gave 1', 'took 1', 'gave 2', 'took 2'])
  })

  it('drop a record whose flatMap gives nothing', () => {
    expect(through([flatMap(() => [])], records('x'))).toEqual([])
  })

  it('take anything true for a filter that lets through', () => {
    const kept = through([filter((v) => v)], records(0, 1, '', 'a', null, undefined))
    expect(values(kept)).toEqual([1, 'a'])
  })

  it('hand on the record itself behind a tap, whatever the tap returns', () => {
    const [given] = records('x')
    expect(through([tap(() => 'ignored')], [given as FlowRecord])[0]).toBe(given)
  })

  it('throw what user code throws, elements before it being through already', () => {
    const seen: unknown[] = []
    const refuse = tap((v) => {
      if (v === 2) throw new Error('no twos')
      seen.push(v)
    })
    const run = () => through([flatMap(() => [1, 2, 3]), refuse], records('x'))
    expect(run).toThrow('no twos')
    expect(seen).toEqual([1])
  })

  it('give each record the key that a keyBy computes, and keep the rest', () => {
    const [record] = through([keyBy((value, key) => `${value} of ${key}`)], records('v'))
    expect(record).toMatchObject({ key: 'v of k0', value: 'v', timestamp: 10, headers })
  })

  it('show the new key to what stands behind a keyBy', () => {
    const seen: unknown[] = []
    const nodes = [keyBy((value) => `new ${value}`), tap((value, key) => seen.push([key, value]))]
    through(nodes, records('v'))
    expect(seen).toEqual([['new v', 'v']])
  })
})

describe('a record without a value', () => {
  const none = FlowRecord.raw(Buffer.from('k'), 0, 1, text, 1, -1, text, 7, noHeaders)
  const asked: unknown[] = []
  const ask = (value: unknown) => {
    asked.push(value)
    return []
  }
  const shown = { ...base, showsNull: true as const }
  beforeEach(() => {
    asked.length = 0
  })

  it('passes the functions of map, filter, flatMap and tap by, as it is', () => {
    const out = through([map(ask), filter(() => false), flatMap(ask), tap(ask)], [none])
    expect(out).toEqual([none])
    expect(out[0]).toBe(none)
    expect(asked).toEqual([])
  })

  it('has nothing to make a key from: keyBy drops and counts it', () => {
    expect(through([keyBy(ask)], [none])).toEqual([])
    expect({ asked, drops }).toEqual({ asked: [], drops: ['null value'] })
  })

  it('is shown as null where the values that come have a serde that holds null', () => {
    const nodes: Verb[] = [
      (next) => verbs.tap({ ...shown, kind: 'tap', fn: ask }, next, context),
      (next) => verbs.filter({ ...shown, kind: 'filter', fn: (value) => value === null }, next, context),
      (next) => verbs.keyBy({ ...shown, kind: 'key-by', name: 'k', fn: (value) => `of ${value}` }, next, context),
      (next) => verbs.flatMap({ ...shown, kind: 'flat-map', fn: (value) => [value, 1] }, next, context),
      (next) => verbs.map({ ...shown, kind: 'map', fn: (value, key) => [value, key] }, next, context),
    ]
    expect(values(through(nodes, [none]))).toEqual([
      [null, 'of null'],
      [1, 'of null'],
    ])
    expect({ asked, drops }).toEqual({ asked: [null], drops: [] })
  })

  it('stays one behind a filter and a keyBy that are shown it', () => {
    const nodes: Verb[] = [
      (next) => verbs.filter({ ...shown, kind: 'filter', fn: () => true }, next, context),
      (next) => verbs.keyBy({ ...shown, kind: 'key-by', name: 'k', fn: () => 'x' }, next, context),
    ]
    expect(through(nodes, [none]).map(({ key, hasValue }) => [key, hasValue])).toEqual([['x', false]])
  })
})

describe('null that a function gives', () => {
  it('is a value: the functions behind it are shown it', () => {
    const seen: unknown[] = []
    const out = through([map(() => null), tap((v) => seen.push(v)), flatMap((v) => [v, 1])], records('x'))
    expect(seen).toEqual([null])
    expect(out.map(({ value, hasValue }) => [value, hasValue])).toEqual([
      [null, true],
      [1, true],
    ])
  })
})

describe('undefined that a function gives', () => {
  it.each([
    ['map', map(() => undefined)],
    ['flatMap', flatMap(() => [undefined])],
  ])('is refused by %s, with what it takes', (verb, step) => {
    expect(() => through([step], records('x'))).toThrow(
      expect.objectContaining({
        code: 'RECORD_PROCESSING',
        message: `${verb}: expected its function to give a value, found undefined; return one, or null on purpose; filter out what should go no further`,
      }),
    )
  })
})
