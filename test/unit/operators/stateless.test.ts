import { describe, expect, it } from 'vitest'
import type { Headers } from '../../../src/core/record.ts'
import type { Emit } from '../../../src/operators/emit.ts'
import { FlowRecord } from '../../../src/operators/flow-record.ts'
import * as verbs from '../../../src/operators/stateless.ts'
import { fused } from '../../../src/operators/step-subscriber.ts'
import { text } from '../../../src/serde/text.ts'
import { wayInto } from '../../support/way-into.ts'

const base = { id: 1, inputs: [0], key: text, value: text }
type Fn = (value: unknown, key: unknown) => unknown

type Verb = (next: Emit) => Emit

const map =
  (fn: Fn): Verb =>
  (next) =>
    verbs.map({ ...base, kind: 'map', fn }, next)
const filter =
  (fn: Fn): Verb =>
  (next) =>
    verbs.filter({ ...base, kind: 'filter', fn: fn as () => boolean }, next)
const flatMap =
  (fn: Fn): Verb =>
  (next) =>
    verbs.flatMap({ ...base, kind: 'flat-map', fn: fn as () => Iterable<unknown> }, next)
const tap =
  (fn: Fn): Verb =>
  (next) =>
    verbs.tap({ ...base, kind: 'tap', fn }, next)
const keyBy =
  (fn: Fn): Verb =>
  (next) =>
    verbs.keyBy({ ...base, kind: 'key-by', name: 'k', fn }, next)

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
