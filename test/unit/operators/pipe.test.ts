import {
  concatMap,
  defer,
  EMPTY,
  from,
  map,
  mergeMap,
  NEVER,
  type OperatorFunction,
  of,
  retry,
  Subject,
  scan,
  take,
  throwError,
} from 'rxjs'
import { describe, expect, it } from 'vitest'
import { noHeaders } from '../../../src/core/record.ts'
import type { Emit } from '../../../src/operators/emit.ts'
import { FlowRecord } from '../../../src/operators/flow-record.ts'
import { pipe } from '../../../src/operators/pipe.ts'
import { TaskContext } from '../../../src/runtime/task-context.ts'
import { text } from '../../../src/serde/text.ts'
import type { PipeNode } from '../../../src/topology/node.ts'
import { bareThread } from '../../support/bare-thread.ts'
import { wayInto } from '../../support/way-into.ts'

// biome-ignore lint/suspicious/noExplicitAny: operators of any types, as a node holds them
type AnyOperator = OperatorFunction<any, any>

function open(...operators: AnyOperator[]) {
  return openNode({ operators })
}

function openNode(given: Pick<PipeNode, 'operators' | 'showsNull'>) {
  const context = new TaskContext(bareThread().thread, '0_0', 0)
  const node = { id: 1, inputs: [0], key: text, value: text, kind: 'pipe', ...given } as const
  const seen: FlowRecord[] = []
  const entry = wayInto(pipe(node, context), (one) => seen.push(one))
  const push = (value: unknown, key = 'k'): void => entry(FlowRecord.of(key, value, 5))
  const values = (): unknown[] => seen.map(({ value }) => value)
  return { context, enter: entry, push, seen, values }
}

describe('a pipe', () => {
  it('runs any operators over the value, keeping key and time', () => {
    const { push, seen } = open(
      mergeMap((line: string) => line.split(' ')),
      map((word: string) => word.toUpperCase()),
    )
    push('to be', 'hamlet')
    expect(seen.map(({ key, value, timestamp }) => [key, value, timestamp])).toEqual([
      ['hamlet', 'TO', 5],
      ['hamlet', 'BE', 5],
    ])
  })

  it('gives each record an Observable of its own: nothing leaks into the next', () => {
    const { push, values } = open(
      mergeMap((n: number) => [n, n]),
      scan((sum: number, n: number) => sum + n, 0),
      take(2),
    )
    push(1)
    push(10)
    expect(values()).toEqual([1, 2, 10, 20])
  })

  it('is the identity without operators', () => {
    const { push, values } = open()
    push('x')
    expect(values()).toEqual(['x'])
  })

  it('drops a record whose Observable emits nothing', () => {
    const { push, values, context } = open(mergeMap(() => EMPTY))
    push('x')
    expect(values()).toEqual([])
    expect(context.unit.isWaiting).toBe(false)
  })

  it('hands on nothing of a record that fails, not even what it emitted before', () => {
    const { push, values } = open(
      mergeMap((n: number) => [1, n, 3]),
      map((n: number) => {
        if (n === 2) throw new Error('no twos')
        return n
      }),
    )
    expect(() => push(2)).toThrow('no twos')
    expect(values()).toEqual([])
    push(7)
    expect(values()).toEqual([1, 7, 3])
  })

  it('repeats its own record on retry', () => {
    const tries: string[] = []
    const { push, values } = open(
      mergeMap((value: string) =>
        defer(() => {
          tries.push(value)
          return tries.length % 2 === 1 ? throwError(() => new Error('not yet')) : of(value)
        }),
      ),
      retry(1),
    )
    push('a')
    push('b')
    expect(tries).toEqual(['a', 'a', 'b', 'b'])
    expect(values()).toEqual(['a', 'b'])
  })

  it('throws what a step behind it throws', () => {
    const context = new TaskContext(bareThread().thread, '0_0', 0)
    const node = { id: 1, inputs: [0], key: text, value: text, kind: 'pipe', operators: [] } as const
    const refuse: Emit = () => {
      throw new Error('behind the pipe')
    }
    const entry = wayInto(pipe(node, context), refuse)
    expect(() => entry(FlowRecord.of('k', 'v', 1))).toThrow('behind the pipe')
  })
})

describe('a record without a value', () => {
  const none = FlowRecord.raw(Buffer.from('k'), 0, 1, text, 1, -1, text, 5, noHeaders)

  it('passes the operators of a pipe by, as it is', () => {
    const asked: unknown[] = []
    const { enter, seen } = open(mergeMap((value) => [asked.push(value)]))
    enter(none)
    expect({ seen, asked }).toEqual({ seen: [none], asked: [] })
    expect(seen[0]).toBe(none)
  })

  it('goes through them as null where the values that come have a serde that holds null', () => {
    const { enter, values } = openNode({ operators: [map((value: unknown) => [value])], showsNull: true })
    enter(none)
    expect(values()).toEqual([[null]])
  })

  it('waits for the record before it, where one record of an input has become several', async () => {
    const { enter, push, values, context } = open(concatMap((n: number) => Promise.resolve(n * 2)))
    push(4)
    enter(none)
    push(5)
    expect(values()).toEqual([])
    for (const { done } of context.unit.waits) await done
    expect(values()).toEqual([8, null, 10])
  })
})

describe('undefined that an Observable emits', () => {
  it('is refused, and nothing of its record is handed on', () => {
    const { push, values } = open(mergeMap(() => [1, undefined]))
    expect(() => push('x')).toThrow(
      expect.objectContaining({
        code: 'RECORD_PROCESSING',
        message: expect.stringContaining('pipe: expected its function to give a value, found undefined'),
      }),
    )
    expect(values()).toEqual([])
  })
})

describe('a pipe whose Observable does not complete at once', () => {
  it('suspends its record and hands it on when it is through', async () => {
    const { push, values, context } = open(concatMap((n: number) => Promise.resolve(n * 2)))
    push(4)
    expect({ waits: context.unit.isWaiting, values: values() }).toEqual({ waits: true, values: [] })
    for (const { done } of context.unit.waits) await done
    expect(values()).toEqual([8])
  })

  it('holds back what it emits until it completes', async () => {
    const gate = new Subject<void>()
    const { push, values, context } = open(
      mergeMap((n: number) => from([of(n), gate.pipe(map(() => -n))]).pipe(concatMap((one) => one))),
    )
    push(4)
    const [wait] = context.unit.waits
    gate.next()
    expect(values()).toEqual([])
    gate.complete()
    await wait?.done
    expect(values()).toEqual([4, -4])
  })

  it('rejects with what it fails with, handing on nothing', async () => {
    const { push, values, context } = open(mergeMap(() => Promise.reject(new Error('the service said no'))))
    push(1)
    const [wait] = context.unit.waits
    await expect(wait?.done).rejects.toThrow('the service said no')
    expect(values()).toEqual([])
  })

  it('lets go of its Observable when the record is given up', () => {
    const gate = new Subject<void>()
    const { push, values, context } = open(mergeMap((n: number) => gate.pipe(map(() => n))))
    push(1)
    expect(gate.observed).toBe(true)
    for (const { cancel } of context.unit.waits) cancel()
    expect(gate.observed).toBe(false)
    gate.next()
    gate.complete()
    expect(values()).toEqual([])
  })

  it('waits for ever for one that never ends, which only its deadline cures', () => {
    const { push, context } = open(mergeMap(() => NEVER))
    push(1)
    expect(context.unit.isWaiting).toBe(true)
    context.close()
    expect(context.unit.isWaiting).toBe(false)
  })

  it('keeps to its own record when it tries again later, and to their order, where one record became several', async () => {
    const tries: string[] = []
    const { push, context, values } = open(
      mergeMap((value: string) =>
        defer(() => {
          tries.push(value)
          const isFirstTry = tries.filter((one) => one === value).length === 1
          return value === 'a' && isFirstTry ? Promise.reject(new Error('not yet')) : Promise.resolve(value)
        }),
      ),
      retry(1),
    )
    for (const value of ['a', 'b', 'c']) push(value)
    await Promise.all(context.unit.waits.map(({ done }) => done))
    expect(tries).toEqual(['a', 'a', 'b', 'c'])
    expect(values()).toEqual(['a', 'b', 'c'])
  })

  it('takes a record as often as it comes, as where two branches of one stream meet', { timeout: 2000 }, async () => {
    const { enter, context, values } = open(concatMap((value: string) => Promise.resolve(value)))
    const record = FlowRecord.of('k', 'v', 5)
    for (let times = 0; times < 3; times++) enter(record)
    await Promise.all(context.unit.waits.map(({ done }) => done))
    expect(values()).toEqual(['v', 'v', 'v'])
  })

  it('goes on with the next record after one was given up', async () => {
    const { push, context, values } = open(mergeMap((value: string) => (value === 'stuck' ? NEVER : of(value))))
    push('stuck')
    push('behind it')
    for (const { cancel } of context.unit.waits) cancel()
    push('next')
    expect(values()).toEqual(['next'])
  })
})
