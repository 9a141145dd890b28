import { describe, expect, it } from 'vitest'
import { ByteBudget } from '../../../src/kafka/byte-budget.ts'
import { FetchQueue } from '../../../src/kafka/fetch-queue.ts'
import { batchLayout } from '../../../src/protocol/batch-header.ts'
import { writeInt64 } from '../../../src/protocol/wire-writer.ts'
import { textBatch, textsIn } from '../../support/broker-harness.ts'

/** A batch of texts as it stands in a log. */
function batchAt(offset: number, values: readonly string[]): Buffer {
  const batch = textBatch(values, { timestamp: 1 })
  writeInt64(batch, offset, batchLayout.baseOffset)
  return batch
}

function queueAt(offset: number, limitBytes = 1000) {
  const budget = new ByteBudget(limitBytes)
  const taken: number[] = []
  const queue: FetchQueue = new FetchQueue('words', 0, offset, budget, () => taken.push(budget.takenBytes))
  return { queue, budget, taken }
}

describe('a queue of what was fetched', () => {
  it('takes whole batches, counts their bytes and asks for what is behind them next', () => {
    const { queue, budget } = queueAt(10)
    const records = Buffer.concat([batchAt(10, ['a', 'b']), batchAt(12, ['c'])])
    expect(queue.push(records, [])).toBe(true)
    expect(queue).toMatchObject({ fetchOffset: 13, bytes: records.length, isEmpty: false })
    expect(budget.takenBytes).toBe(records.length)
    const chunk = queue.take()
    expect(textsIn(chunk?.records ?? null)).toEqual([
      [10, 'a'],
      [11, 'b'],
      [12, 'c'],
    ])
    expect(chunk?.fromOffset).toBe(10)
  })

  it('keeps no large answer in memory for its small part of it', () => {
    const { queue } = queueAt(10)
    const batch = batchAt(10, ['a'])
    const answer = Buffer.alloc(100 * batch.length)
    batch.copy(answer, 7)
    queue.push(answer.subarray(7, 7 + batch.length), [])
    answer.fill(0)
    const chunk = queue.take()
    expect(chunk?.records.buffer.byteLength).toBe(batch.length)
    expect(textsIn(chunk?.records ?? null)).toEqual([[10, 'a']])
  })

  it('leaves a batch that is cut off for the next fetch, and does not count it', () => {
    const { queue, budget } = queueAt(0)
    const whole = batchAt(0, ['a'])
    expect(queue.push(Buffer.concat([whole, batchAt(1, ['b']).subarray(0, 40)]), [])).toBe(true)
    expect(queue).toMatchObject({ fetchOffset: 1, bytes: whole.length })
    expect(budget.takenBytes).toBe(whole.length)
    expect(textsIn(queue.take()?.records ?? null)).toEqual([[0, 'a']])
  })

  it('says that nothing came when not even one batch is whole, and stays as it was', () => {
    const { queue, budget } = queueAt(7)
    for (const length of [0, 5, 16, 60]) expect(queue.push(batchAt(7, ['a']).subarray(0, length), [])).toBe(false)
    expect(queue).toMatchObject({ fetchOffset: 7, bytes: 0, isEmpty: true })
    expect(budget.takenBytes).toBe(0)
  })

  it('remembers the offset that was asked for where a batch begins before it', () => {
    const { queue } = queueAt(11)
    queue.push(batchAt(10, ['before', 'asked for', 'behind']), [])
    expect(queue.take()?.fromOffset).toBe(11)
    expect(queue.fetchOffset).toBe(13)
  })

  it('goes on behind the last offset of a batch even where compaction took its last records', () => {
    const { queue } = queueAt(0)
    const batch = batchAt(0, ['a'])
    batch.writeInt32BE(9, batchLayout.lastOffsetDelta)
    queue.push(batch, [])
    expect(queue.fetchOffset).toBe(10)
  })

  it('gives answers out in the order in which they came, each with its aborted transactions', () => {
    const { queue } = queueAt(0)
    queue.push(batchAt(0, ['a']), [{ producerId: 5, firstOffset: 0 }])
    queue.push(batchAt(1, ['b']), [])
    const [first, second] = [queue.take(), queue.take()]
    expect([first?.aborted, second?.aborted]).toEqual([[{ producerId: 5, firstOffset: 0 }], []])
    expect([first?.fromOffset, second?.fromOffset]).toEqual([0, 1])
    expect(queue.isEmpty).toBe(true)
    expect(queue.take()).toBeUndefined()
  })

  it('counts what was taken until it is released, and then tells once', () => {
    const { queue, budget, taken } = queueAt(0)
    const records = batchAt(0, ['a'])
    queue.push(records, [])
    const chunk = queue.take()
    expect([queue.bytes, budget.takenBytes, taken]).toEqual([records.length, records.length, []])
    if (chunk) queue.release(chunk)
    expect([queue.bytes, budget.takenBytes, taken]).toEqual([0, 0, [0]])
  })

  it('gives its whole share of the budget back when it is cleared, what was taken included', () => {
    const { queue, budget } = queueAt(0)
    budget.take(17)
    queue.push(batchAt(0, ['a']), [])
    queue.push(batchAt(1, ['b']), [])
    queue.take()
    queue.clear()
    expect(queue).toMatchObject({ bytes: 0, isEmpty: true })
    expect(budget.takenBytes).toBe(17)
  })

  it('refuses bytes that are no batch, and takes nothing of the answer', () => {
    const { queue, budget } = queueAt(0)
    const old = batchAt(1, ['b'])
    old[batchLayout.magic] = 1
    const short = batchAt(1, ['b'])
    short.writeInt32BE(3, batchLayout.length)
    for (const broken of [old, short]) {
      const records = Buffer.concat([batchAt(0, ['a']), broken])
      expect(() => queue.push(records, [])).toThrow(expect.objectContaining({ code: 'BATCH_CORRUPT' }))
      expect(queue).toMatchObject({ fetchOffset: 0, bytes: 0, isEmpty: true })
    }
    expect(budget.takenBytes).toBe(0)
  })

  it('refuses an offset that a number cannot hold exactly', () => {
    const { queue } = queueAt(0)
    const batch = batchAt(0, ['a'])
    batch.writeBigInt64BE(2n ** 53n, batchLayout.baseOffset)
    expect(() => queue.push(batch, [])).toThrow('beyond 2^53 - 1')
    expect(queue.fetchOffset).toBe(0)
  })

  it('pays nothing back twice when what was taken is released behind a clear', () => {
    const budget = new ByteBudget(1000)
    const queue = new FetchQueue('t', 0, 0, budget, () => {})
    queue.push(textBatch(['a']), [])
    const chunk = queue.take()
    queue.clear()
    if (chunk) queue.release(chunk)
    expect([queue.bytes, budget.takenBytes]).toEqual([0, 0])
  })
})
