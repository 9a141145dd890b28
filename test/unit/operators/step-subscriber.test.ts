import { EMPTY, Subject } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { FlowRecord } from '../../../src/operators/flow-record.ts'
import {
  connect,
  type Emit,
  fanOut,
  type RecordOperator,
  stepOperator,
} from '../../../src/operators/step-subscriber.ts'

const record = (value: unknown): FlowRecord => FlowRecord.of('k', value, 1)
const double = stepOperator((emit) => (one) => emit(one.withValue((one.value as number) * 2)))
const failOn = (bad: unknown) =>
  stepOperator((emit) => (one) => {
    if (one.value === bad) throw new RangeError(`met ${bad}`)
    emit(one)
  })

/** A chain of operators whose end keeps the values that reach it. */
function chainOf(...operators: readonly RecordOperator[]): { readonly entry: Emit; readonly seen: unknown[] } {
  const seen: unknown[] = []
  const end: Emit = (one) => seen.push(one.value)
  return { entry: operators.reduceRight<Emit>((next, operator) => connect(operator, next), end), seen }
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
    const subscription = source.pipe(double).subscribe({ complete: () => seen.push('complete') })
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

  it('goes through operators of RxJS as well', () => {
    const { entry, seen } = chainOf(double, (source) => source, double)
    entry(record(1))
    expect(seen).toEqual([4])
  })

  it('takes records that its operator does not want', () => {
    const { entry, seen } = chainOf(() => EMPTY)
    expect(() => entry(record(1))).not.toThrow()
    expect(seen).toEqual([])
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
