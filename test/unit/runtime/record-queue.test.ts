import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { StreamError } from '../../../src/core/errors.ts'
import { markerType } from '../../../src/protocol/control-batch.ts'
import { RecordQueue } from '../../../src/runtime/record-queue.ts'
import { int32 } from '../../../src/serde/number.ts'
import { text } from '../../../src/serde/text.ts'
import type { InputSpec } from '../../../src/topology/plan.ts'
import { FetchedLog } from '../../support/fetched.ts'
import { batchOf, gzipped, type PlainRecord, record, restamped } from '../../support/record-batches.ts'
import { runs } from '../../support/seed.ts'

const input: InputSpec = {
  topic: { role: 'external', name: 't' },
  key: text,
  value: text,
  errors: { decode: 'fail', process: 'fail' },
  edges: [],
  sources: [],
}

function open(log: FetchedLog, changes: Partial<InputSpec> = {}, position = 0, partitionTime = -1) {
  const skipped: StreamError[] = []
  const queue = new RecordQueue({ ...input, ...changes }, log.queue, position, partitionTime, (e) => skipped.push(e))
  return { queue, skipped }
}

/** Takes all there is. @returns offset and value of each */
function drain(queue: RecordQueue): [offset: number, value: unknown][] {
  const seen: [number, unknown][] = []
  for (let head = queue.peek(); head; head = queue.peek()) {
    seen.push([queue.offset, head.value])
    queue.take()
  }
  return seen
}

const texts = (...values: string[]): PlainRecord[] => values.map((value) => record('k', value))
/** Bytes that are no UTF-8. */
const poison: PlainRecord = { ...record('k', ''), value: Buffer.from([0xff]) }

describe('a record queue', () => {
  it('gives records in the order of their offsets, over batches and answers', () => {
    const log = new FetchedLog()
    const { queue } = open(log)
    log.answer([log.batch(texts('a', 'b')), log.batch(texts('c'))])
    log.answer([log.batch(texts('d'))])
    expect(drain(queue)).toEqual([
      [0, 'a'],
      [1, 'b'],
      [2, 'c'],
      [3, 'd'],
    ])
    expect(queue.position).toBe(4)
  })

  it('says how many records wait, here and at the broker', () => {
    const log = new FetchedLog()
    const { queue } = open(log)
    // Nobody knows before the first answer: it may be a thousand, and the partition has not been caught up with.
    expect(queue.waiting).toBe(1)
    log.answer([log.batch(texts('a', 'b')), log.batch(texts('c'))])
    log.queue.lastStableOffset += 10
    expect(queue.waiting).toBe(13)
    queue.peek()
    expect(queue.waiting).toBe(13)
    queue.take()
    expect(queue.waiting).toBe(12)
    drain(queue)
    expect(queue.waiting).toBe(10)
  })

  it('has nothing waiting when all there is are markers and what was aborted', () => {
    const log = new FetchedLog()
    const { queue } = open(log)
    log.answer([log.batch(texts('aborted'), 7), log.marker(7, markerType.abort)], [{ producerId: 7, firstOffset: 0 }])
    expect(drain(queue)).toEqual([])
    expect(queue.waiting).toBe(0)
  })

  it('shows its head as often as it is asked and goes on only when it is taken', () => {
    const log = new FetchedLog()
    const { queue } = open(log)
    log.answer([log.batch(texts('a', 'b'))])
    expect(queue.peek()).toBe(queue.peek())
    expect(queue.position).toBe(0)
    queue.take()
    expect(queue.position).toBe(1)
    queue.take()
    expect(queue.position).toBe(1)
  })

  it('begins inside a batch, at its position', () => {
    const log = new FetchedLog()
    const { queue } = open(log, {}, 2)
    log.answer([log.batch(texts('a', 'b', 'c', 'd'))])
    expect(drain(queue)).toEqual([
      [2, 'c'],
      [3, 'd'],
    ])
  })

  it('reads compressed batches', () => {
    const log = new FetchedLog()
    const { queue } = open(log)
    log.answer([gzipped(batchOf(texts('a', 'b')))])
    expect(drain(queue).map(([, value]) => value)).toEqual(['a', 'b'])
  })

  it('hands on keys, nulls, timestamps and headers', () => {
    const log = new FetchedLog()
    const { queue } = open(log)
    log.answer([log.batch([record('k', null, 7, [['h', 'x']])])])
    const head = queue.peek()
    expect(head).toMatchObject({ key: 'k', value: null, timestamp: 7 })
    expect(head?.headers).toEqual([['h', Buffer.from('x')]])
  })

  it('leaves a header whose name is not UTF-8 to the decode policy, and one that overruns its record to nobody', () => {
    const broken = batchOf([record('k', 'a', 1, [['name', 'x']]), record('k', 'b')])
    broken[broken.indexOf('name')] = 0xff
    const failing = new FetchedLog()
    failing.answer([restamped(broken)])
    expect(() => open(failing).queue.peek()).toThrow(expect.objectContaining({ code: 'RECORD_DESERIALIZATION' }))
    const skipping = new FetchedLog()
    skipping.answer([restamped(broken)])
    const { queue, skipped } = open(skipping, { errors: { decode: 'skip', process: 'fail' } })
    expect(drain(queue)).toEqual([[1, 'b']])
    expect(skipped.map(({ code, context }) => [code, context.offset])).toEqual([['RECORD_DESERIALIZATION', 0]])
    const damaged = batchOf([record('k', 'a', 1, [['name', 'x']])])
    damaged[damaged.indexOf('name') - 1] = 20
    const damagedLog = new FetchedLog()
    damagedLog.answer([restamped(damaged)])
    const skippingAll = open(damagedLog, { errors: { decode: 'skip', process: 'fail' } }).queue
    expect(() => skippingAll.peek()).toThrow(expect.objectContaining({ code: 'BATCH_CORRUPT' }))
  })

  it('keeps the greatest timestamp taken, and gives it to records without one', () => {
    const log = new FetchedLog()
    const { queue } = open(log)
    log.answer([log.batch([record('k', 'a', 50), record('k', 'b', 20), record('k', 'c', -1)])])
    const times: unknown[] = []
    for (let head = queue.peek(); head; head = queue.peek()) {
      queue.take()
      times.push([head.timestamp, queue.partitionTime])
    }
    expect(times).toEqual([
      [50, 50],
      [20, 50],
      [50, 50],
    ])
  })

  it('stamps a record without a time 0 where nothing came before it', () => {
    const log = new FetchedLog()
    const { queue } = open(log)
    log.answer([log.batch([record('k', 'a', -1)])])
    expect(queue.peek()?.timestamp).toBe(0)
  })

  it('may have more until it has been told, and while the fetch is behind the last stable offset', () => {
    const log = new FetchedLog()
    const { queue } = open(log)
    expect(queue.mayHaveMore).toBe(true)
    log.answer([log.batch(texts('a'))])
    expect(queue.mayHaveMore).toBe(false)
    log.queue.lastStableOffset = 2
    expect(queue.mayHaveMore).toBe(true)
  })
})

describe('transactions in a record queue', () => {
  const [first, second] = [11, 12]

  it('are read when they are committed, the position passing their markers', () => {
    const log = new FetchedLog()
    const { queue } = open(log)
    log.answer([log.batch(texts('a'), first), log.marker(first, markerType.commit)])
    expect(drain(queue)).toEqual([[0, 'a']])
    expect(queue.position).toBe(2)
  })

  it('are left out when they were aborted, also between those of another producer', () => {
    const log = new FetchedLog()
    const { queue } = open(log)
    const batches = [
      log.batch(texts('lost'), first),
      log.batch(texts('kept'), second),
      log.batch(texts('lost, too'), first),
      log.marker(first, markerType.abort),
      log.marker(second, markerType.commit),
      log.batch(texts('kept now'), first),
      log.marker(first, markerType.commit),
    ]
    log.answer(batches, [{ producerId: first, firstOffset: 0 }])
    expect(drain(queue)).toEqual([
      [1, 'kept'],
      [5, 'kept now'],
    ])
    expect(queue.position).toBe(7)
  })

  it('move the position although nothing of them is to be taken', () => {
    const log = new FetchedLog()
    const { queue } = open(log)
    log.answer(
      [log.batch(texts('x', 'y'), first), log.marker(first, markerType.abort)],
      [{ producerId: first, firstOffset: 0 }],
    )
    expect(queue.peek()).toBeNull()
    expect(queue.position).toBe(3)
  })

  it('give the same records however the log is cut into answers', () => {
    const step = fc.record({ producer: fc.constantFrom(first, second), count: fc.integer({ min: 1, max: 3 }) })
    const end = fc.record({ producer: fc.constantFrom(first, second), aborts: fc.boolean() })
    fc.assert(
      fc.property(
        fc.array(fc.oneof(step, end), { maxLength: 20 }),
        fc.array(fc.nat(3), { maxLength: 30 }),
        (all, cuts) => {
          const log = new FetchedLog()
          const batches: { readonly bytes: Buffer; readonly end: number }[] = []
          const open1 = new Map<number, { first: number; values: [number, string][] }>()
          const aborted: { producerId: number; firstOffset: number; lastOffset: number }[] = []
          const kept: [number, string][] = []
          let offset = 0
          const closing = [first, second].map((producer) => ({ producer, aborts: true }))
          for (const one of [...all, ...closing]) {
            const going = open1.get(one.producer)
            if ('count' in one) {
              const values = Array.from({ length: one.count }, (_, i): [number, string] => [
                offset + i,
                `v${offset + i}`,
              ])
              batches.push({
                bytes: log.batch(texts(...values.map(([, v]) => v)), one.producer),
                end: offset + one.count,
              })
              open1.set(one.producer, { first: going?.first ?? offset, values: [...(going?.values ?? []), ...values] })
              offset += one.count
            } else if (going) {
              batches.push({
                bytes: log.marker(one.producer, one.aborts ? markerType.abort : markerType.commit),
                end: ++offset,
              })
              if (one.aborts) aborted.push({ producerId: one.producer, firstOffset: going.first, lastOffset: offset })
              else kept.push(...going.values)
              open1.delete(one.producer)
            }
          }
          const { queue } = open(log)
          const seen: [number, unknown][] = []
          for (let at = 0, i = 0; at < batches.length; i++) {
            const answer = batches.slice(at, at + 1 + (cuts[i] ?? 0))
            const from = batches[at - 1]?.end ?? 0
            const to = answer.at(-1)?.end ?? 0
            // As a broker does: all that aborted and touches the range of the answer.
            const touching = aborted.filter((one) => one.lastOffset > from && one.firstOffset < to)
            log.answer(
              answer.map(({ bytes }) => bytes),
              touching,
            )
            seen.push(...drain(queue))
            at += answer.length
          }
          expect(seen).toEqual(kept.sort(([a], [b]) => a - b))
          expect(queue.position).toBe(offset)
        },
      ),
      runs(100),
    )
  })
})

describe('a record that does not decode', () => {
  it('is named under the policy fail, and nothing of it is taken', () => {
    const log = new FetchedLog('orders', 3)
    const { queue } = open(log)
    log.answer([log.batch([...texts('a'), poison])])
    queue.peek()
    queue.take()
    expect(() => queue.peek()).toThrow(
      expect.objectContaining({
        code: 'RECORD_DESERIALIZATION',
        context: { topic: 'orders', partition: 3, offset: 1 },
        message: expect.stringContaining('orders-3@1 cannot be read: its value is not text'),
      }),
    )
    expect(queue.position).toBe(1)
  })

  it('is passed over and told under the policy skip, the position with it', () => {
    const log = new FetchedLog()
    const { queue, skipped } = open(log, { errors: { decode: 'skip', process: 'fail' } })
    log.answer([log.batch([poison, ...texts('a'), poison])])
    expect(drain(queue)).toEqual([[1, 'a']])
    expect(skipped.map(({ code, context }) => [code, context.offset])).toEqual([
      ['RECORD_DESERIALIZATION', 0],
      ['RECORD_DESERIALIZATION', 2],
    ])
    expect(queue.position).toBe(3)
  })

  it('has a bad key, too, or no valid time', () => {
    const log = new FetchedLog()
    const timestamp = (value: unknown) => Number(value)
    const { queue, skipped } = open(log, { timestamp, errors: { decode: 'skip', process: 'fail' } })
    log.answer([log.batch([{ ...record('k', '1'), key: Buffer.from([0xff]) }, ...texts('soon', '-1', '5')])])
    expect(drain(queue)).toEqual([[3, '5']])
    expect(skipped.map(({ message }) => message)).toEqual([
      expect.stringContaining('its key is not text'),
      expect.stringContaining('the extracted timestamp is NaN'),
      expect.stringContaining('the extracted timestamp is -1'),
    ])
  })
})

describe('an extracted timestamp', () => {
  it('takes the place of the one of the record, in whole milliseconds, but for nulls', () => {
    const log = new FetchedLog()
    const { queue } = open(log, { value: int32, timestamp: (value) => (value as number) + 0.9 })
    const of = (n: number) => ({ ...record('k', ''), value: int32.serialize(n), timestamp: 9000 })
    log.answer([log.batch([of(100), { ...of(0), value: null }])])
    const times: number[] = []
    for (let head = queue.peek(); head; head = queue.peek()) {
      times.push(head.timestamp)
      queue.take()
    }
    expect(times).toEqual([100, 9000])
  })
})

describe('the bytes of a record queue', () => {
  it('go back to the budget once an answer is through, not before, and are counted as taken', () => {
    const log = new FetchedLog()
    const { queue } = open(log)
    const first = log.answer([log.batch(texts('a', 'b'))])
    const second = log.answer([log.batch(texts('c'))])
    expect(log.budget.takenBytes).toBe(first + second)
    queue.peek()
    queue.take()
    expect([log.budget.takenBytes, queue.bytesTaken, log.taken]).toEqual([first + second, 0, 0])
    queue.peek()
    queue.take()
    queue.peek()
    expect([log.budget.takenBytes, queue.bytesTaken, log.taken]).toEqual([second, first, 1])
    drain(queue)
    // The third time it is for what is waited for now.
    expect([log.budget.takenBytes, queue.bytesTaken, log.taken]).toEqual([0, first + second, 3])
  })

  it('are refused where they were changed on the way', () => {
    const log = new FetchedLog()
    const { queue } = open(log)
    const batch = log.batch(texts('abc'))
    batch[batch.length - 2] = 0x7a
    log.answer([batch])
    expect(() => queue.peek()).toThrow(expect.objectContaining({ code: 'BATCH_CORRUPT' }))
  })

  it('that will never come are told once all before them is taken', () => {
    const log = new FetchedLog()
    const { queue } = open(log)
    log.answer([log.batch(texts('a'))])
    queue.peek()
    log.queue.failure = new StreamError('OFFSET_OUT_OF_RANGE', 'gone')
    queue.take()
    expect(() => queue.peek()).toThrow(expect.objectContaining({ code: 'OFFSET_OUT_OF_RANGE' }))
  })
})
