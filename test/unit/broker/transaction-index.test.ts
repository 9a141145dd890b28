import { describe, expect, it } from 'vitest'
import { restoreSnapshot, takeSnapshot } from '../../../src/broker/log/log-snapshot.ts'
import { ProducerStates } from '../../../src/broker/log/producer-states.ts'
import { abortedBetween, TransactionIndex } from '../../../src/broker/log/transaction-index.ts'
import { readBatchHeader } from '../../../src/protocol/batch-header.ts'
import { textBatch } from '../../support/broker-harness.ts'

describe('the last stable offset', () => {
  it('is the first offset of the oldest open transaction', () => {
    const index = new TransactionIndex()
    index.begin(1, 4)
    index.begin(2, 7)
    expect(index.lastStableOffset(20)).toBe(4)
    index.end(1, 4, 9, false)
    expect(index.lastStableOffset(20)).toBe(7)
  })

  it('does not pass a transaction whose marker is not below the high watermark yet', () => {
    const index = new TransactionIndex()
    index.begin(1, 4)
    index.end(1, 4, 9, false)
    expect(index.lastStableOffset(9)).toBe(4)
    expect(index.lastStableOffset(10)).toBe(10)
  })
})

describe('the aborted transactions of a range', () => {
  it('are all that have records in it, also those that began before it or end behind it', () => {
    const index = new TransactionIndex()
    for (const [producerId, first, marker] of [
      [1, 0, 3],
      [2, 2, 9],
      [3, 5, 6],
      [4, 12, 14],
    ] as const) {
      index.begin(producerId, first)
      index.end(producerId, first, marker, true)
    }
    const of = (from: number, upTo: number): number[] =>
      abortedBetween(
        [...index.abortedRanges()].sort((a, b) => a.lastOffset - b.lastOffset),
        from,
        upTo,
      ).map(({ producerId }) => producerId)
    expect(of(4, 8).sort()).toEqual([2, 3])
    expect(of(0, 20).sort()).toEqual([1, 2, 3, 4])
    expect(of(7, 10)).toEqual([2])
    expect(of(10, 12)).toEqual([])
  })

  it('leave out what was committed, and who had written nothing here', () => {
    const index = new TransactionIndex()
    index.begin(1, 0)
    index.end(1, 0, 3, false)
    index.end(2, null, 4, true)
    expect(index.abortedRanges()).toEqual([])
  })
})

describe('a snapshot of a log', () => {
  it('brings back producers, open transactions and aborted ones', () => {
    const [producers, index] = [new ProducerStates(), new TransactionIndex()]
    const batch = textBatch(['a', 'b'], {
      producer: { producerId: 5, producerEpoch: 1 },
      sequence: 3,
      transactional: true,
    })
    const header = readBatchHeader(batch, 0, batch.length)
    producers.enter(header, 10, true)
    index.begin(5, 10)
    index.begin(6, 2)
    index.end(6, 2, 8, true)
    const snapshot = takeSnapshot(12, producers, index)
    const [restored, restoredIndex] = [new ProducerStates(), new TransactionIndex()]
    expect(restoreSnapshot(structuredClone(snapshot), restored, restoredIndex)).toBe(12)
    expect(restored.judge(header)).toMatchObject({ kind: 'duplicate', baseOffset: 10 })
    expect(restoredIndex.abortedRanges()).toEqual([{ producerId: 6, firstOffset: 2, lastOffset: 8 }])
    expect(restoredIndex.lastStableOffset(20)).toBe(10)
    // Its first transaction goes on where it was open.
    expect(restored.enterMarker(5, 1, 0, 1)).toBe(10)
  })

  it('is a copy: what comes later does not change it', () => {
    const [producers, index] = [new ProducerStates(), new TransactionIndex()]
    const snapshot = takeSnapshot(0, producers, index)
    index.begin(6, 2)
    index.end(6, 2, 8, true)
    expect(snapshot.aborted).toEqual([])
  })
})
