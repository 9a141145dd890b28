import { EMPTY, map, merge, Subject } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { type Emit, fanOut } from '../../../src/operators/emit.ts'
import { FlowRecord } from '../../../src/operators/flow-record.ts'
import type { Operator } from '../../../src/operators/operator.ts'
import { connect, fused, stepOperator } from '../../../src/operators/step-subscriber.ts'
import { wayInto } from '../../support/way-into.ts'

const record = (value: unknown): FlowRecord => FlowRecord.of('k', value, 1)
const double = stepOperator((emit) => (one) => emit(one.withValue((one.value as number) * 2)))
const failOn = (bad: unknown) =>
  stepOperator((emit) => (one) => {
    if (one.value === bad) throw new RangeError(`met ${bad}`)
    emit(one)
  })

/** A chain of operators whose end keeps the values that reach it. */
function chainOf(...operators: readonly Operator[]): { readonly entry: Emit; readonly seen: unknown[] } {
  const seen: unknown[] = []
  const end: Emit = (one) => seen.push(one.value)
  return { entry: operators.reduceRight<Emit>((next, operator) => wayInto(operator, next), end), seen }
}

describe('a step operator', () => {
  it('hands on what its step emits, in order, as many as it likes', () => {
    const twice = stepOperator((emit) => (one) => {
      emit(one)
      emit(one.withValue(`${one.value}'`))
    })
    const { entry, seen } = chainOf(twice)
    for (const value of ['a', 'b']) entry(record(value))
    expect(seen).toEqual(['a', "a'", 'b', "b'"])
  })

  it('throws what its step throws at whoever pushed the record, from however deep', () => {
    const { entry } = chainOf(double, failOn(4), double)
    expect(() => entry(record(2))).toThrow('met 4')
  })

  it('goes on with the next record behind one that failed', () => {
    const { entry, seen } = chainOf(failOn(1), double)
    expect(() => entry(record(1))).toThrow('met 1')
    entry(record(2))
    expect(seen).toEqual([4])
  })

  it('is built once a subscription, not once a record', () => {
    let built = 0
    const counted = stepOperator((emit) => {
      built++
      return emit
    })
    const { entry, seen } = chainOf(counted)
    for (const value of [1, 2, 3]) entry(record(value))
    expect({ built, seen }).toEqual({ built: 1, seen: [1, 2, 3] })
  })

  it('is an operator of RxJS like any other: it completes with its source and lets go of it', () => {
    const source = new Subject<FlowRecord>()
    const seen: unknown[] = []
    const subscription = double.connect([source]).subscribe({ complete: () => seen.push('complete') })
    expect(source.observed).toBe(true)
    source.complete()
    expect(seen).toEqual(['complete'])
    expect(subscription.closed).toBe(true)
  })
})

describe('the way into an operator', () => {
  it('may be called by several, whose records meet in the order of the calls', () => {
    const { entry, seen } = chainOf(double)
    const left = chainOf(stepOperator(() => entry))
    const right = chainOf(stepOperator(() => entry))
    left.entry(record(1))
    right.entry(record(2))
    left.entry(record(3))
    expect(seen).toEqual([2, 4, 6])
  })

  it('is one for each port, which an operator tells apart', () => {
    const seen: unknown[] = []
    const marked: Operator = {
      connect: (inputs) => merge(...inputs.map((input, port) => input.pipe(map((one) => one.withKey(`port ${port}`))))),
    }
    const [left, right] = connect(marked, 2, ({ key, value }) => seen.push([key, value])) as [Emit, Emit]
    right(record(1))
    left(record(2))
    expect(seen).toEqual([
      ['port 1', 1],
      ['port 0', 2],
    ])
  })

  it('leads to one step from all ports of a step operator, in the order of the calls', () => {
    const seen: unknown[] = []
    const [left, right] = connect(double, 2, ({ value }) => seen.push(value)) as [Emit, Emit]
    for (const [entry, value] of [
      [left, 1],
      [right, 2],
      [left, 3],
    ] as const)
      entry(record(value))
    expect(seen).toEqual([2, 4, 6])
  })

  it('goes through operators of RxJS as well', () => {
    const { entry, seen } = chainOf(double, { connect: (inputs) => merge(...inputs).pipe(map((one) => one)) }, double)
    entry(record(1))
    expect(seen).toEqual([4])
  })

  it('takes records that its operator does not want', () => {
    const { entry, seen } = chainOf({ connect: () => EMPTY })
    expect(() => entry(record(1))).not.toThrow()
    expect(seen).toEqual([])
  })
})

describe('fused steps', () => {
  it('run one after the other, and may hand on any number', () => {
    const shout =
      (next: Emit): Emit =>
      (one) =>
        next(one.withValue(`${one.value}!`))
    const twice =
      (next: Emit): Emit =>
      (one) => {
        next(one)
        next(one)
      }
    const { entry, seen } = chainOf(fused([shout, twice, shout]))
    entry(record('a'))
    expect(seen).toEqual(['a!!', 'a!!'])
  })
})

describe('a fan-out', () => {
  it('hands each record to all, in their order, before it takes the next', () => {
    const seen: string[] = []
    const entry = fanOut(['first', 'second'].map((name) => (one: FlowRecord) => void seen.push(`${name} ${one.value}`)))
    entry(record(1))
    entry(record(2))
    expect(seen).toEqual(['first 1', 'second 1', 'first 2', 'second 2'])
  })

  it('hands on nothing behind the one that failed', () => {
    const first = chainOf(failOn(1))
    const second = chainOf()
    expect(() => fanOut([first.entry, second.entry])(record(1))).toThrow('met 1')
    expect(second.seen).toEqual([])
  })

  it('takes records that nobody wants', () => {
    expect(() => fanOut([])(record(1))).not.toThrow()
  })
})
