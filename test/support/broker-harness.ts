import { type Broker, createBroker } from '../../src/broker/broker.ts'
import type { BrokerOptions } from '../../src/broker/broker-options.ts'
import type { BrokerStorage } from '../../src/broker/storage/broker-storage.ts'
import { MemoryStorage } from '../../src/broker/storage/memory-storage.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { noHeaders } from '../../src/core/record.ts'
import { systemClock } from '../../src/core/system-clock.ts'
import { systemRandom } from '../../src/core/system-random.ts'
import { type AbortedTransaction, AbortedTransactions } from '../../src/protocol/aborted-transactions.ts'
import { batchAttribute, batchSizeAt, readBatchHeader } from '../../src/protocol/batch-header.ts'
import { readMarker } from '../../src/protocol/control-batch.ts'
import { RecordCursor } from '../../src/protocol/record-batch-reader.ts'
import { type ProducerIdentity, RecordBatchWriter } from '../../src/protocol/record-batch-writer.ts'

/** A broker on the real clock; in memory where no storage is given. */
export function startBroker(
  options: BrokerOptions = {},
  storage: BrokerStorage = new MemoryStorage().open(),
): Promise<Broker> {
  return createBroker({ storage, clock: systemClock, random: systemRandom, logger: silentLogger, options })
}

/** What a batch of texts is to say of its writer. */
export interface BatchBy {
  readonly producer?: ProducerIdentity
  readonly sequence?: number
  readonly transactional?: boolean
  readonly timestamp?: number
  readonly keys?: readonly (string | null)[]
}

/** A batch with these texts as values. */
export function textBatch(values: readonly string[], by: BatchBy = {}): Buffer {
  const writer = new RecordBatchWriter(1024)
  const timestamp = by.timestamp ?? Date.now()
  for (const [i, value] of values.entries()) {
    const key = by.keys?.[i]
    writer.append(key == null ? null : Buffer.from(key), Buffer.from(value), timestamp, noHeaders)
  }
  const batch = writer.finish(by.producer ?? null, by.sequence ?? 0, by.transactional ?? false)
  return Buffer.from(batch)
}

/** The records of a run of batches as [offset, value], control batches left out. */
export function textsIn(records: Uint8Array | null): [offset: number, value: string][] {
  const bytes = Buffer.from(records ?? [])
  const found: [number, string][] = []
  const cursor = new RecordCursor()
  for (let at = 0; ; ) {
    const size = batchSizeAt(bytes, at, bytes.length)
    if (size === 0) return found
    const header = readBatchHeader(bytes, at, size)
    if ((header.attributes & batchAttribute.control) === 0) {
      cursor.open(bytes, at, header)
      while (cursor.next()) found.push([cursor.offset, cursor.value()?.toString() ?? ''])
    }
    at += size
  }
}

/** What a reader of committed records keeps of a run of batches, and the offset behind it (-1 where there is none). */
export function committedTextsIn(
  records: Uint8Array | null,
  abortedTransactions: readonly AbortedTransaction[],
): { readonly texts: [offset: number, value: string][]; readonly nextOffset: number } {
  const bytes = Buffer.from(records ?? [])
  const aborted = new AbortedTransactions(abortedTransactions)
  const texts: [number, string][] = []
  let nextOffset = -1
  const cursor = new RecordCursor()
  for (let at = 0; ; ) {
    const size = batchSizeAt(bytes, at, bytes.length)
    if (size === 0) return { texts, nextOffset }
    const header = readBatchHeader(bytes, at, size)
    const isControl = (header.attributes & batchAttribute.control) !== 0
    cursor.open(bytes, at, header)
    const marker = isControl && cursor.next() ? readMarker(cursor.key()) : null
    if (!aborted.isAborted(header, marker) && !isControl) {
      while (cursor.next()) texts.push([cursor.offset, cursor.value()?.toString() ?? ''])
    }
    nextOffset = header.baseOffset + header.lastOffsetDelta + 1
    at += size
  }
}
