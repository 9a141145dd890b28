import { type Observable, Subject } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { FlowRecord } from '../../../src/operators/flow-record.ts'
import { endOfChain, RecordHub, stepOperator } from '../../../src/operators/step-subscriber.ts'

const record = (value: unknown): FlowRecord => FlowRecord.of('k', value, 1)
const double = stepOperator((emit) => (one) => emit(one.withValue((one.value as number) * 2)))
const failOn = (bad: unknown) =>
  stepOperator((emit) => (one) => {
    if (one.value === bad) throw new RangeError(`met ${bad}`)
    emit(one)
  })

/** Subscribes an operator that keeps the values that reach it. */
function keep(source: Observable<FlowRecord>): unknown[] {
  const seen: unknown[] = []
  source.pipe(stepOperator(() => (one) => void seen.push(one.value))).subscribe(endOfChain())
  return seen
}

describe('a step operator', () => {
  it('hands on what its step emits, in order, as many as it likes', () => {
    const hub = new RecordHub()
    const twice = stepOperator((emit) => (one) => {
      emit(one)
      emit(one.withValue(`${one.value}'`))
    })
    const seen = keep(hub.records.pipe(twice))
    for (const value of ['a', 'b']) hub.next(record(value))
    expect(seen).toEqual(['a', "a'", 'b', "b'"])
  })

  it('throws what its step throws at whoever pushed the record, from however deep', () => {
    const hub = new RecordHub()
    keep(hub.records.pipe(double, failOn(4), double))
    expect(() => hub.next(record(2))).toThrow('met 4')
  })

  it('goes on with the next record behind one that failed', () => {
    const hub = new RecordHub()
    const seen = keep(hub.records.pipe(failOn(1), double))
    expect(() => hub.next(record(1))).toThrow('met 1')
    hub.next(record(2))
    expect(seen).toEqual([4])
  })

  it('is built once a subscription, not once a record', () => {
    let built = 0
    const counted = stepOperator((emit) => {
      built++
      return emit
    })
    const hub = new RecordHub()
    const seen = keep(hub.records.pipe(counted))
    for (const value of [1, 2, 3]) hub.next(record(value))
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

describe('a hub', () => {
  it('hands each record to all who subscribed, in the order in which they did, before it takes the next', () => {
    const hub = new RecordHub()
    const seen: string[] = []
    for (const name of ['first', 'second']) {
      hub.records.pipe(stepOperator(() => (one) => void seen.push(`${name} ${one.value}`))).subscribe(endOfChain())
    }
    hub.next(record(1))
    hub.next(record(2))
    expect(seen).toEqual(['first 1', 'second 1', 'first 2', 'second 2'])
  })

  it('hands on nothing behind the subscriber that failed', () => {
    const hub = new RecordHub()
    keep(hub.records.pipe(failOn(1)))
    const second = keep(hub.records)
    expect(() => hub.next(record(1))).toThrow('met 1')
    expect(second).toEqual([])
  })

  it('takes records that nobody wants', () => {
    const hub = new RecordHub()
    expect(() => hub.next(record(1))).not.toThrow()
  })

  it('is fed from an operator, and failures go back through both', () => {
    const first = new RecordHub()
    const second = new RecordHub()
    second.feedFrom(first.records.pipe(double))
    const seen = keep(second.records.pipe(failOn(6)))
    first.next(record(1))
    expect(() => first.next(record(3))).toThrow('met 6')
    expect(seen).toEqual([2])
  })
})
