import { type BatchHeader, batchAttribute, batchChecksum } from '../protocol/batch-header.ts'
import { markerType, readMarker } from '../protocol/control-batch.ts'
import { RecordCursor } from '../protocol/record-batch-reader.ts'
import type { BrokerStorage } from './broker-storage.ts'
import { LogSegment, walkSegment } from './log-segment.ts'
import { type LogSnapshot, restoreSnapshot, takeSnapshot } from './log-snapshot.ts'
import type { ProducerStates } from './producer-states.ts'
import type { TransactionIndex } from './transaction-index.ts'

/** Segments at the end of a log whose batches are checksummed when it is opened; a torn write can only be there. */
const checkedSegments = 2

/** A leader epoch and the first offset written in it, or after it began. */
export interface EpochStart {
  readonly epoch: number
  readonly offset: number
}

/** What was found in a log's files. */
export interface Recovered {
  readonly segments: LogSegment[]
  readonly epochs: EpochStart[]
  /** Bytes cut off the end, 0 after a clean stop. */
  readonly bytesCut: number
}

/**
 * Reads a log from its files: indexes, producers, transactions and leader epochs are rebuilt, and the log is cut off at
 * the first batch that is not whole (a write that kill -9 or a power loss tore: it was never acknowledged).
 */
export async function recoverLog(
  storage: BrokerStorage,
  log: string,
  snapshot: LogSnapshot | null,
  producers: ProducerStates,
  transactions: TransactionIndex,
): Promise<Recovered> {
  const baseOffsets = await storage.segments(log)
  const segments: LogSegment[] = []
  const epochs: EpochStart[] = []
  const skipBelow = restoreSnapshot(snapshot, producers, transactions)
  const replay = new Replay(producers, transactions)
  let bytesCut = 0
  for (const [i, baseOffset] of baseOffsets.entries()) {
    const previous = segments.at(-1)
    if (bytesCut > 0 || (previous && baseOffset < previous.nextOffset)) {
      // Behind a cut nothing may stay: a log is a prefix of what was written.
      await storage.removeSegment(log, baseOffset)
      continue
    }
    const file = await storage.openSegment(log, baseOffset)
    const before = takeSnapshot(baseOffset, producers, transactions)
    const segment = new LogSegment(before, Promise.resolve(file))
    const isChecked = i >= baseOffsets.length - checkedSegments
    const goodBytes = await walkSegment(file, (bytes, start, header) => {
      const lastOffset = header.baseOffset + header.lastOffsetDelta
      if (header.baseOffset < segment.nextOffset || header.lastOffsetDelta < 0) return false
      if (isChecked && header.crc !== batchChecksum(bytes, start, header.sizeBytes)) return false
      segment.enter(header.baseOffset, lastOffset, header.sizeBytes, header.maxTimestamp)
      if (epochs.at(-1)?.epoch !== header.leaderEpoch)
        epochs.push({ epoch: header.leaderEpoch, offset: header.baseOffset })
      if (header.producerId >= 0 && header.baseOffset >= skipBelow) replay.enter(bytes, start, header)
      return true
    })
    if (goodBytes < file.sizeBytes) {
      bytesCut += file.sizeBytes - goodBytes
      await file.truncate(goodBytes)
    }
    segments.push(segment)
  }
  return { segments, epochs, bytesCut }
}

/** Enters batches into the states of producers and transactions, in the order of the log. */
export class Replay {
  private readonly producers: ProducerStates
  private readonly transactions: TransactionIndex
  private readonly cursor = new RecordCursor()

  constructor(producers: ProducerStates, transactions: TransactionIndex) {
    this.producers = producers
    this.transactions = transactions
  }

  /** The batch at `start`, whose base offset is the assigned one. */
  enter(bytes: Buffer, start: number, header: BatchHeader): void {
    const isTransactional = (header.attributes & batchAttribute.transactional) !== 0
    if ((header.attributes & batchAttribute.control) === 0) {
      this.producers.enter(header, header.baseOffset, isTransactional)
      if (isTransactional) this.transactions.begin(header.producerId, header.baseOffset)
      return
    }
    this.cursor.open(bytes, start, header)
    if (!this.cursor.next()) return
    const marker = readMarker(this.cursor.key())
    if (marker === null) return
    const coordinatorEpoch = this.cursor.value()?.readInt32BE(2) ?? 0
    const { producerId, producerEpoch, maxTimestamp, baseOffset } = header
    const openSince = this.producers.enterMarker(producerId, producerEpoch, coordinatorEpoch, maxTimestamp)
    this.transactions.end(producerId, openSince, baseOffset, marker === markerType.abort)
  }
}
