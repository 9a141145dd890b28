import { describe, expect, it } from 'vitest'
import { MemoryBudget } from '../../../src/core/memory-budget.ts'
import { seededRandom } from '../../../src/core/random.ts'
import { noHeaders } from '../../../src/core/record.ts'
import { aggregate } from '../../../src/operators/aggregate.ts'
import { FlowRecord } from '../../../src/operators/flow-record.ts'
import { TaskContext } from '../../../src/runtime/task-context.ts'
import { int64 } from '../../../src/serde/number.ts'
import type { AnySerde } from '../../../src/serde/serde.ts'
import { structured } from '../../../src/serde/structured.ts'
import { text } from '../../../src/serde/text.ts'
import { MemoryDisk } from '../../../src/state/memory-disk.ts'
import { RowStore } from '../../../src/state/row-store.ts'
import type { AggregateNode } from '../../../src/topology/node.ts'
import { bareThread } from '../../support/bare-thread.ts'
import { wayInto } from '../../support/way-into.ts'

const options = { memory: new MemoryBudget(1e7), hashSeed: 1, backendBytes: 0 }

/** A record as it comes from a topic of texts. */
function record(key: string | null, value: string | null, timestamp = 1): FlowRecord {
  const keyBytes = Buffer.from(key ?? '')
  const buffer = Buffer.concat([keyBytes, Buffer.from(value ?? '')])
  const keyLength = key === null ? -1 : keyBytes.length
  const valueLength = value === null ? -1 : buffer.length - keyBytes.length
  return FlowRecord.raw(buffer, 0, keyLength, text, keyBytes.length, valueLength, text, timestamp, noHeaders)
}

type Operation = Pick<AggregateNode, 'operation' | 'seed' | 'fold'>

async function open(operation: Operation, value: AnySerde, wantsEveryChange = true) {
  const backend = await new MemoryDisk(seededRandom(1)).backends(1).open('/s')
  const store = new RowStore('s', backend, value, options)
  const { thread, lines } = bareThread()
  const context = new TaskContext(thread, '0_0', 0)
  context.addStore(store)
  const spec = { name: 's', kind: 'key-value' as const, key: text, value }
  const node: AggregateNode = {
    id: 1,
    inputs: [0],
    key: text,
    value,
    kind: 'aggregate',
    store: spec,
    ...operation,
  }
  const seen: FlowRecord[] = []
  const operator = aggregate(node, context, { wantsEveryChange, dueAt: () => undefined, wakeAt: () => undefined })
  const entry = wayInto(operator, (one) => seen.push(one))
  const push = (...records: readonly FlowRecord[]): void => {
    for (const one of records) entry(one)
  }
  const updates = (): unknown[] => seen.map(({ key, value: after, timestamp }) => [key, after, timestamp])
  return { backend, store, context, metrics: thread.metrics, lines, push, seen, updates, operator }
}

const count: Operation = { operation: 'count', fold: () => undefined }
const concat: Operation = { operation: 'reduce', fold: (state, value) => `${state}${value}` }

describe('an aggregate', () => {
  it('counts the records of each key and hands on every change, in order', async () => {
    const { push, updates } = await open(count, int64)
    push(record('a', 'x'), record('b', 'x'), record('a', 'y'))
    expect(updates()).toEqual([
      ['a', 1, 1],
      ['b', 1, 1],
      ['a', 2, 1],
    ])
  })

  it('begins a reduce with the first value, which no fold is asked about', async () => {
    const { push, updates } = await open(concat, text)
    push(record('a', '1'), record('a', '2'), record('a', '3'))
    expect(updates().map((one) => (one as unknown[])[1])).toEqual(['1', '12', '123'])
  })

  it('begins each key of an aggregate with a seed of its own, and tells the fold the key', async () => {
    const fold = (state: unknown, value: unknown, key: unknown) => [...(state as string[]), `${key}${value}`]
    const { push, updates } = await open({ operation: 'aggregate', seed: () => [], fold }, structured())
    push(record('a', '1'), record('b', '2'), record('a', '3'))
    expect(updates().map((one) => (one as unknown[])[1])).toEqual([['a1'], ['b2'], ['a1', 'a3']])
  })

  it('gives a row the greatest time of its records', async () => {
    const { push, updates, store } = await open(count, int64)
    push(record('a', 'x', 50), record('a', 'x', 20), record('a', 'x', 60))
    expect(updates().map((one) => (one as unknown[])[2])).toEqual([50, 50, 60])
    expect([...store.cut()].map(({ timestamp }) => timestamp)).toEqual([60])
  })

  it('deletes a row whose fold gives null, and hands on a null', async () => {
    const fold = (state: unknown, value: unknown) => (value === 'null' ? null : state)
    const { push, updates, store } = await open({ operation: 'reduce', fold }, text)
    push(record('a', 'x'), record('a', 'null'), record('b', 'y'), record('b', 'null'))
    expect(updates().map((one) => (one as unknown[])[1])).toEqual(['x', null, 'y', null])
    expect([...store.cut()].map(({ value }) => value)).toEqual([null, null])
  })

  it('begins anew behind a deletion', async () => {
    const fold = (_: unknown, value: unknown) => (value === 'stop' ? null : value)
    const { push, updates } = await open({ operation: 'reduce', fold }, text)
    push(record('a', 'x'), record('a', 'stop'), record('a', 'stop'))
    expect(updates().map((one) => (one as unknown[])[1])).toEqual(['x', null, 'stop'])
  })

  it('passes over null keys and null values without an effect, counts them and says so once', async () => {
    const { push, updates, context, metrics, lines } = await open(count, int64)
    push(record(null, 'x'), record('a', null), record(null, 'y'))
    expect({ updates: updates(), effects: context.effects, dropped: metrics.dropped }).toEqual({
      updates: [],
      effects: 0,
      dropped: 3,
    })
    expect(lines).toEqual([
      'warn: task 0_0 passes over records with a null key',
      'warn: task 0_0 passes over records with a null value',
    ])
  })

  it('passes over null that user code made, too', async () => {
    const { push, updates, metrics } = await open(count, int64)
    push(record('a', 'x').withValue(null))
    expect({ updates: updates(), dropped: metrics.dropped }).toEqual({ updates: [], dropped: 1 })
  })

  it('hands a delete on as a record without a value', async () => {
    const { push, seen } = await open({ operation: 'reduce', fold: () => null }, text)
    push(record('a', 'x'), record('a', 'y'))
    expect(seen.map(({ hasValue, value }) => [hasValue, value])).toEqual([
      [true, 'x'],
      [false, null],
    ])
  })

  it('refuses a fold that gives undefined, before it has any effect: null is what deletes a row', async () => {
    const { push, context, store } = await open({ operation: 'reduce', fold: () => undefined }, text)
    push(record('a', 'x'))
    const { effects } = context
    expect(() => push(record('a', 'y'))).toThrow(
      expect.objectContaining({
        code: 'RECORD_PROCESSING',
        message:
          'reduce(s): expected its function to give a value, found undefined; return one, or null to delete the row',
      }),
    )
    expect(context.effects).toBe(effects)
    expect(store.rows.valueAt(0)).toBe('x')
  })

  it('counts a value that is empty', async () => {
    const { push, updates } = await open(count, int64)
    push(record('', ''))
    expect(updates()).toEqual([['', 1, 1]])
  })

  it('hands on nothing where only the last per key is wanted, and keeps it', async () => {
    const { push, seen, store } = await open(count, int64, false)
    push(record('a', 'x'), record('a', 'x'))
    expect(seen).toEqual([])
    expect(store.cut()).toHaveLength(1)
  })

  it('hands on no reserved row of its store', async () => {
    const { push, store, operator } = await open(count, int64, false)
    store.reserved.put(store.reserved.row(Buffer.from('clock'), 0, 5), Buffer.from('now'), 3)
    push(record('a', 'x'))
    const handedOn: unknown[] = []
    const [cut] = operator.cut?.(({ key, value }) => handedOn.push([key, value])) ?? []
    expect([handedOn, cut?.rows.length]).toEqual([[['a', 1]], 2])
  })
})

describe('the effect of a record on an aggregate', () => {
  const failing: Operation['fold'] = (_state, value) => {
    if (value === 'bad') throw new Error('a bad value')
    return value
  }

  it('is none when its fold fails over a value that cannot be changed in place', async () => {
    const { push, context } = await open({ operation: 'reduce', fold: failing }, text)
    push(record('a', 'x'))
    const before = context.effects
    expect(() => push(record('a', 'bad'))).toThrow('a bad value')
    expect(context.effects).toBe(before)
  })

  it('is there when its fold fails over one that may have been', async () => {
    const { push, context } = await open({ operation: 'reduce', fold: failing }, structured())
    push(record('a', 'x'))
    const before = context.effects
    expect(() => push(record('a', 'bad'))).toThrow('a bad value')
    expect(context.effects).toBeGreaterThan(before)
  })

  it('goes with an abort, changes in place among it', async () => {
    const fold = (state: unknown, value: unknown) => {
      const list = state as unknown[]
      list.push(value)
      return list
    }
    const { push, updates, store, backend } = await open({ operation: 'aggregate', seed: () => [], fold }, structured())
    push(record('a', '1'))
    const changes = store.cut()
    store.known()
    await backend.batch(changes)
    store.written()
    push(record('a', '2'))
    store.reset()
    push(record('a', '3'))
    expect(updates().at(-1)).toEqual(['a', ['1', '3'], 1])
  })

  it('gives a row that was deleted the time of its next record, whatever it had before (R4)', async () => {
    const { push, updates, store } = await open({ operation: 'reduce', fold: () => null }, text)
    push(record('a', 'x', 50), record('a', 'gone', 60), record('a', 'y', 10))
    expect(updates().at(-1)).toEqual(['a', 'y', 10])
    expect([...store.cut()].map(({ timestamp }) => timestamp)).toEqual([10])
  })

  it('decodes a value that is changed in place for its own row, and leaves the record to whoever reads it next', async () => {
    const value = structured<string[]>()
    const { push, updates } = await open(
      { operation: 'reduce', fold: (state) => [...(state as string[]), 'more'] },
      value,
    )
    const bytes = Buffer.concat([Buffer.from('a'), value.serialize(['x'])])
    const raw = FlowRecord.raw(bytes, 0, 1, text, 1, bytes.length - 1, value, 1, noHeaders)
    const before = raw.value as string[]
    push(raw)
    before.push('changed by another reader')
    push(record('b', 'ignored'))
    expect(updates()[0]).toEqual(['a', ['x'], 1])
  })

  it('counts each write as an effect, so that a record that fails behind it costs the transaction', async () => {
    const { context, push } = await open(count, int64)
    const before = context.effects
    push(record('a', 'x'))
    expect(context.effects).toBe(before + 1)
    push(record('a', 'x'), record('b', 'x'))
    expect(context.effects).toBe(before + 3)
  })
})
