import { describe, expect, it } from 'vitest'
import type { FlowRecord } from '../../../src/operators/flow-record.ts'
import type { OwnWork } from '../../../src/operators/operator.ts'
import type { OwnUnit } from '../../../src/runtime/own-units.ts'
import { RecordQueue } from '../../../src/runtime/record-queue.ts'
import { Unit } from '../../../src/runtime/unit.ts'
import { text } from '../../../src/serde/text.ts'
import { FetchedLog } from '../../support/fetched.ts'
import { record } from '../../support/record-batches.ts'

/** A queue of which the record at an offset was taken. */
function queueAt(offset: number): RecordQueue {
  const log = new FetchedLog('orders')
  log.answer([log.batch(Array.from({ length: offset + 1 }, () => record('k', 'v')))])
  const topic = { role: 'external' as const, name: 'orders' }
  const errors = { decode: 'fail', process: 'skip' } as const
  const queue = new RecordQueue(
    { topic, key: text, value: text, errors, edges: [], sources: [] },
    log.queue,
    offset,
    -1,
    () => undefined,
  )
  void (queue.peek() as FlowRecord)
  queue.take()
  return queue
}

const own = (work: Partial<OwnWork> = {}): OwnUnit => ({
  clock: 'stream time',
  owner: { operator: 'process sessions', policy: 'fail' },
  work: { time: 7, key: Buffer.from('k'), run: () => undefined, passOver: () => undefined, ...work },
})

const begun = (what: RecordQueue | OwnUnit): Unit => {
  const unit = new Unit()
  if (what instanceof RecordQueue) unit.beginRecord(what)
  else unit.beginOwn(what)
  return unit
}
const drawn = (unit: Unit): number[] => [unit.random(), unit.random(), unit.random()]

describe('a unit', () => {
  it('has a name that a replay gives it again, and no other unit has', () => {
    const others = [
      queueAt(3),
      queueAt(4),
      own(),
      own({ time: 8 }),
      own({ key: Buffer.from('l') }),
      own({ key: null }),
      own({ label: 'timeout' }),
      { ...own(), clock: 'wall clock' as const },
      { ...own(), owner: { operator: 'process visits', policy: 'fail' as const } },
    ]
    expect(new Set(others.map((one) => begun(one).name)).size).toBe(others.length)
    expect(begun(queueAt(3)).name).toBe('orders-0@3')
    expect(begun(own()).name).toBe(begun(own()).name)
  })

  it('draws the same numbers when it is done again, and others than its neighbours', () => {
    const [first, again, next] = [begun(queueAt(3)), begun(queueAt(3)), begun(queueAt(4))].map(drawn)
    expect(again).toEqual(first)
    expect(new Set([...(first ?? []), ...(next ?? []), ...drawn(begun(own()))]).size).toBe(9)
    const reused = begun(queueAt(4))
    drawn(reused)
    reused.beginRecord(queueAt(3))
    expect(drawn(reused)).toEqual(first)
  })

  it('reads the time once, where it asks at all', () => {
    let reads = 0
    const read = (): number => ++reads
    const unit = begun(queueAt(0))
    expect([unit.now(read), unit.now(read), reads]).toEqual([1, 1, 1])
    unit.beginOwn(own())
    expect([unit.now(read), reads]).toEqual([2, 2])
  })

  it('begins without effects', () => {
    const unit = begun(queueAt(0))
    unit.hasEffects = true
    unit.beginRecord(queueAt(1))
    expect(unit.hasEffects).toBe(false)
  })

  it('goes by the policy of its input, or of its operator', () => {
    expect([begun(queueAt(0)).policy, begun(own()).policy]).toEqual(['skip', 'fail'])
  })

  it.each([
    [Buffer.from('größe'), '"größe"'],
    [Buffer.of(0, 1, 2), '0x000102'],
    [Buffer.of(0xff), '0xff'],
  ])('shows the key %j of what failed as text or digits', (key, expected) => {
    const { message } = begun(own({ key })).failed('t_0', new Error('no'))
    expect(message).toContain(`due at 7 for the key ${expected}, by stream time, failed in task t_0: no; mend`)
  })
})
