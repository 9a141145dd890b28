import { type BatchHeader, batchAttribute, batchChecksum } from '../../protocol/batch-header.ts'
import { markerType, readMarker } from '../../protocol/control-batch.ts'
import { RecordCursor } from '../../protocol/record-batch-reader.ts'
import type { BrokerStorage } from '../storage/broker-storage.ts'
import type { EpochStart } from './leader-epochs.ts'
import { refuseDamage, refuseGap } from './log-damage.ts'
import { LogSegment, walkSegment } from './log-segment.ts'
import { type LogSnapshot, restoreSnapshot, takeSnapshot } from './log-snapshot.ts'
import type { ProducerStates } from './producer-states.ts'
import type { TransactionIndex } from './transaction-index.ts'

/** Segments at the end of a log whose batches are checksummed when it is opened; a torn write can only be there. */
const checkedSegments = 2

/** What a log is recovered from. */
export interface LogRemains {
  readonly storage: BrokerStorage
  /** What the storage calls the log. */
  readonly name: string
  /** What messages call it. */
  readonly label: string
  /** What DeleteRecords last left, from the facts. */
  readonly startOffset: number
  /** What the facts hold of segments that are gone, or null. */
  readonly snapshot: LogSnapshot | null
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
 *
 * @throws {StreamError} `BROKER_STORAGE_CORRUPT` where whole batches stand behind one that is not; nothing is changed then
 */
export async function recoverLog(
  remains: LogRemains,
  producers: ProducerStates,
  transactions: TransactionIndex,
): Promise<Recovered> {
  const { storage, name: log, label, snapshot } = remains
  const baseOffsets = await storage.segments(log)
  const segments: LogSegment[] = []
  const epochs: EpochStart[] = []
  const skipBelow = restoreSnapshot(snapshot, producers, transactions)
  const replay = new Replay(producers, transactions)
  const knownEnd = Math.max(remains.startOffset, snapshot?.offset ?? 0)
  const hollow: number[] = []
  let bytesCut = 0
  for (const [i, baseOffset] of baseOffsets.entries()) {
    const previous = segments.at(-1)
    if (previous && baseOffset < previous.nextOffset) {
      await storage.removeSegment(log, baseOffset)
      continue
    }
    const file = await storage.openSegment(log, baseOffset)
    const end = previous ? Math.max(previous.nextOffset, knownEnd) : baseOffset
    if (baseOffset > end) {
      if (file.sizeBytes > 0) refuseGap(label, end, baseOffset)
      // A file is there before the last batches of the one before it are written: after a crash between, its name says an end
      // that was never reached.
      hollow.push(baseOffset)
      continue
    }
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
      const isFollowed = await hasBytes(storage, log, baseOffsets.slice(i + 1))
      await refuseDamage(label, file, goodBytes, segment.nextOffset, isFollowed)
      // What follows goes first: a crash in between must not leave it behind a gap.
      for (const later of baseOffsets.slice(i + 1).reverse()) await storage.removeSegment(log, later)
      bytesCut = file.sizeBytes - goodBytes
      await file.truncate(goodBytes)
    }
    segments.push(segment)
    if (bytesCut > 0) break
  }
  for (const baseOffset of hollow) await storage.removeSegment(log, baseOffset)
  return { segments, epochs, bytesCut }
}

async function hasBytes(storage: BrokerStorage, log: string, baseOffsets: readonly number[]): Promise<boolean> {
  for (const baseOffset of baseOffsets) {
    const file = await storage.openSegment(log, baseOffset)
    await file.close()
    if (file.sizeBytes > 0) return true
  }
  return false
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
