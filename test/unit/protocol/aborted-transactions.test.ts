import { describe, expect, test } from 'vitest'
import { type AbortedTransaction, AbortedTransactions } from '../../../src/protocol/aborted-transactions.ts'
import { type BatchHeader, batchAttribute } from '../../../src/protocol/batch-header.ts'
import { type MarkerType, markerType } from '../../../src/protocol/control-batch.ts'

/** One batch of a log: what of its header counts here, and the marker if it is one. */
interface Batch {
  readonly header: BatchHeader
  readonly marker: MarkerType | null
}

function batch(producerId: number, baseOffset: number, records: number, attributes: number): BatchHeader {
  return {
    baseOffset,
    sizeBytes: 100,
    leaderEpoch: 0,
    crc: 0,
    attributes,
    lastOffsetDelta: records - 1,
    baseTimestamp: 0,
    maxTimestamp: 0,
    producerId,
    producerEpoch: 0,
    baseSequence: 0,
    count: records,
  }
}

const data = (producerId: number, baseOffset: number, records = 1): Batch => ({
  header: batch(producerId, baseOffset, records, batchAttribute.transactional),
  marker: null,
})
const plain = (baseOffset: number, producerId = -1): Batch => ({
  header: batch(producerId, baseOffset, 1, 0),
  marker: null,
})
const control = (producerId: number, offset: number, marker: MarkerType | null): Batch => ({
  header: batch(producerId, offset, 1, batchAttribute.transactional | batchAttribute.control),
  marker,
})
const abort = (producerId: number, offset: number): Batch => control(producerId, offset, markerType.abort)
const commit = (producerId: number, offset: number): Batch => control(producerId, offset, markerType.commit)

/** The base offsets of the data batches that a read_committed reader is given. */
function delivered(log: readonly Batch[], aborted: readonly AbortedTransaction[]): number[] {
  const filter = new AbortedTransactions(aborted)
  return log
    .filter(({ header, marker }) => !filter.isAborted(header, marker) && !(header.attributes & batchAttribute.control))
    .map(({ header }) => header.baseOffset)
}

describe('the filter of aborted transactions', () => {
  test('does not leak overlapping transactions that are listed in the order of their completion', () => {
    // 2 begins first and ends last, so the broker lists 1 before it.
    const log = [data(2, 0), data(1, 1), data(2, 2), abort(1, 3), data(2, 4), abort(2, 5), data(1, 6), commit(1, 7)]
    const completed = [
      { producerId: 1, firstOffset: 1 },
      { producerId: 2, firstOffset: 0 },
    ]
    expect(delivered(log, completed)).toEqual([6])
  })

  test('does not leak the first record of any transaction that was open where the fetch begins', () => {
    // Three began before offset 10, where this fetch starts: all three are entered at its first batch.
    const aborted = [
      { producerId: 1, firstOffset: 2 },
      { producerId: 2, firstOffset: 3 },
      { producerId: 3, firstOffset: 4 },
    ]
    const log = [data(3, 10), data(2, 11), data(1, 12), abort(1, 13), abort(2, 14), abort(3, 15), data(2, 16)]
    expect(delivered(log, aborted)).toEqual([16])
  })

  test('does not take a user record for an abort marker, whatever its key', () => {
    // The key of the record at 1 is int32 0, which is also the key of an abort marker; only control batches are asked.
    const log = [data(1, 0), data(1, 1), data(1, 2), abort(1, 3), data(1, 4), commit(1, 5)]
    const filter = new AbortedTransactions([{ producerId: 1, firstOffset: 0 }])
    const passedOver = log.filter(({ header, marker }) => {
      const looksLikeAbort = header.baseOffset === 1 ? markerType.abort : marker
      return filter.isAborted(header, looksLikeAbort)
    })
    expect(passedOver.map(({ header }) => header.baseOffset)).toEqual([0, 1, 2])
  })

  test('gives back what the same producer writes after its aborted transaction', () => {
    const log = [data(1, 0), abort(1, 1), data(1, 2), commit(1, 3), data(1, 4), abort(1, 5), data(1, 6)]
    const aborted = [
      { producerId: 1, firstOffset: 0 },
      { producerId: 1, firstOffset: 4 },
    ]
    expect(delivered(log, aborted)).toEqual([2, 6])
  })

  test('passes over a batch that begins before the first offset of its transaction and reaches it', () => {
    // A log that was compacted may keep an earlier base offset.
    expect(delivered([data(1, 0, 5), abort(1, 5)], [{ producerId: 1, firstOffset: 3 }])).toEqual([])
  })

  test('does not touch other producers, plain batches, or idempotent ones outside a transaction', () => {
    const log = [plain(0), data(1, 1), plain(2, 1), data(2, 3), abort(1, 4), commit(2, 5), plain(6)]
    expect(delivered(log, [{ producerId: 1, firstOffset: 1 }])).toEqual([0, 2, 3, 6])
  })

  test('does not end a transaction at a commit marker or at a control record of another kind', () => {
    const log = [data(1, 0), control(1, 1, null), data(1, 2), commit(1, 3), data(1, 4), abort(1, 5)]
    expect(delivered(log, [{ producerId: 1, firstOffset: 0 }])).toEqual([])
  })

  test('delivers all of it when nothing was aborted', () => {
    expect(delivered([data(1, 0), commit(1, 1), plain(2)], [])).toEqual([0, 2])
  })

  test('leaves the list of the broker as it was', () => {
    const completed = [
      { producerId: 1, firstOffset: 9 },
      { producerId: 2, firstOffset: 0 },
    ]
    new AbortedTransactions(completed)
    expect(completed.map(({ firstOffset }) => firstOffset)).toEqual([9, 0])
  })
})
