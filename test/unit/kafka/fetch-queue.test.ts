import { describe, expect, it } from 'vitest'
import { ByteBudget } from '../../../src/kafka/byte-budget.ts'
import { FetchQueue, HeldBytes } from '../../../src/kafka/fetch-queue.ts'
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
  const push = (records: Buffer, aborted: Parameters<FetchQueue['push']>[1], answerBytes = records.length): boolean =>
    queue.push(records, aborted, new HeldBytes(budget, answerBytes))
  return { queue, push, budget, taken }
}

describe('a queue of what was fetched', () => {
  it('takes whole batches, counts their bytes and asks for what is behind them next', () => {
    const { queue, push, budget } = queueAt(10)
    const records = Buffer.concat([batchAt(10, ['a', 'b']), batchAt(12, ['c'])])
    expect(push(records, [])).toBe(true)
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
    const { queue, push } = queueAt(10)
    const batch = batchAt(10, ['a'])
    const answer = Buffer.alloc(100 * batch.length)
    batch.copy(answer, 7)
    push(answer.subarray(7, 7 + batch.length), [])
    answer.fill(0)
    const chunk = queue.take()
    expect(chunk?.records.buffer.byteLength).toBe(batch.length)
    expect(textsIn(chunk?.records ?? null)).toEqual([[10, 'a']])
  })

  it('counts an answer whole while any part of it is held, and once for all its parts', () => {
    const budget = new ByteBudget(1000)
    const batches = [batchAt(0, ['a']), batchAt(0, ['b'])]
    const answer = Buffer.allocUnsafeSlow(2 * (batches[0] as Buffer).length)
    Buffer.concat(batches).copy(answer)
    const held = new HeldBytes(budget, answer.length)
    const queues = batches.map((batch, partition) => {
      const queue: FetchQueue = new FetchQueue('words', partition, 0, budget, () => {})
      const start = partition * batch.length
      queue.push(answer.subarray(start, start + batch.length), [], held)
      return queue
    })
    expect(budget.takenBytes).toBe(answer.length)
    const [first, second] = queues as [FetchQueue, FetchQueue]
    const chunk = first.take()
    if (chunk) first.release(chunk)
    expect(budget.takenBytes).toBe(answer.length)
    second.clear()
    expect(budget.takenBytes).toBe(0)
  })

  it('leaves a batch that is cut off for the next fetch, and does not count it', () => {
    const { queue, push, budget } = queueAt(0)
    const whole = batchAt(0, ['a'])
    expect(push(Buffer.concat([whole, batchAt(1, ['b']).subarray(0, 40)]), [])).toBe(true)
    expect(queue).toMatchObject({ fetchOffset: 1, bytes: whole.length })
    expect(budget.takenBytes).toBe(whole.length)
    expect(textsIn(queue.take()?.records ?? null)).toEqual([[0, 'a']])
  })

  it('says that nothing came when not even one batch is whole, and stays as it was', () => {
    const { queue, push, budget } = queueAt(7)
    for (const length of [0, 5, 16, 60]) expect(push(batchAt(7, ['a']).subarray(0, length), [])).toBe(false)
    expect(queue).toMatchObject({ fetchOffset: 7, bytes: 0, isEmpty: true })
    expect(budget.takenBytes).toBe(0)
  })

  it('remembers the offset that was asked for where a batch begins before it', () => {
    const { queue, push } = queueAt(11)
    push(batchAt(10, ['before', 'asked for', 'behind']), [])
    expect(queue.take()?.fromOffset).toBe(11)
    expect(queue.fetchOffset).toBe(13)
  })

  it('goes on behind the last offset of a batch even where compaction took its last records', () => {
    const { queue, push } = queueAt(0)
    const batch = batchAt(0, ['a'])
    batch.writeInt32BE(9, batchLayout.lastOffsetDelta)
    push(batch, [])
    expect(queue.fetchOffset).toBe(10)
  })

  it('gives answers out in the order in which they came, each with its aborted transactions', () => {
    const { queue, push } = queueAt(0)
    push(batchAt(0, ['a']), [{ producerId: 5, firstOffset: 0 }])
    push(batchAt(1, ['b']), [])
    const [first, second] = [queue.take(), queue.take()]
    expect([first?.aborted, second?.aborted]).toEqual([[{ producerId: 5, firstOffset: 0 }], []])
    expect([first?.fromOffset, second?.fromOffset]).toEqual([0, 1])
    expect(queue.isEmpty).toBe(true)
    expect(queue.take()).toBeUndefined()
  })

  it('counts what was taken until it is released, and then tells once', () => {
    const { queue, push, budget, taken } = queueAt(0)
    const records = batchAt(0, ['a'])
    push(records, [])
    const chunk = queue.take()
    expect([queue.bytes, budget.takenBytes, taken]).toEqual([records.length, records.length, []])
    if (chunk) queue.release(chunk)
    expect([queue.bytes, budget.takenBytes, taken]).toEqual([0, 0, [0]])
  })

  it('gives its whole share of the budget back when it is cleared, what was taken included', () => {
    const { queue, push, budget } = queueAt(0)
    budget.take(17)
    push(batchAt(0, ['a']), [])
    push(batchAt(1, ['b']), [])
    queue.take()
    queue.clear()
    expect(queue).toMatchObject({ bytes: 0, isEmpty: true })
    expect(budget.takenBytes).toBe(17)
  })

  it('refuses bytes that are no batch, and takes nothing of the answer', () => {
    const { queue, push, budget } = queueAt(0)
    const old = batchAt(1, ['b'])
    old[batchLayout.magic] = 1
    const short = batchAt(1, ['b'])
    short.writeInt32BE(3, batchLayout.length)
    for (const broken of [old, short]) {
      const records = Buffer.concat([batchAt(0, ['a']), broken])
      expect(() => push(records, [])).toThrow(expect.objectContaining({ code: 'BATCH_CORRUPT' }))
      expect(queue).toMatchObject({ fetchOffset: 0, bytes: 0, isEmpty: true })
    }
    expect(budget.takenBytes).toBe(0)
  })

  it('refuses an offset that a number cannot hold exactly', () => {
    const { queue, push } = queueAt(0)
    const batch = batchAt(0, ['a'])
    batch.writeBigInt64BE(2n ** 53n, batchLayout.baseOffset)
    expect(() => push(batch, [])).toThrow('beyond 2^53 - 1')
    expect(queue.fetchOffset).toBe(0)
  })

  it('pays nothing back twice when what was taken is released behind a clear', () => {
    const { queue, push, budget } = queueAt(0)
    push(textBatch(['a']), [])
    const chunk = queue.take()
    queue.clear()
    if (chunk) queue.release(chunk)
    expect([queue.bytes, budget.takenBytes]).toEqual([0, 0])
  })
})
