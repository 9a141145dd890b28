import { batchAttribute, batchHeaderBytes, batchLayout } from './batch-header.ts'
import { crc32c } from './crc32c.ts'
import type { ProducerIdentity } from './record-batch-writer.ts'
import { writeInt64 } from './wire-writer.ts'

/** What a marker did to its transaction; numbers of the wire. */
export const markerType = { abort: 0, commit: 1 } as const
/** One of {@link markerType}. */
export type MarkerType = (typeof markerType)[keyof typeof markerType]

/**
 * A control batch of one marker: attributes 0x30, base sequence -1, key {version i16 = 0, type i16},
 * value {version i16 = 0, coordinatorEpoch i32}. It takes one offset of the log and is never handed to a user.
 */
export function encodeMarker(
  producer: ProducerIdentity,
  type: MarkerType,
  coordinatorEpoch: number,
  timestamp: number,
): Buffer {
  const record = Buffer.from([
    ...[16 << 1, 0, 0, 0], // length 16, attributes, timestamp delta 0, offset delta 0
    ...[4 << 1, 0, 0, 0, type], // key
    ...[6 << 1, 0, 0, 0, 0, 0, 0], // value, the epoch written below
    0, // headers
  ])
  record.writeInt32BE(coordinatorEpoch, record.length - 5)
  const batch = Buffer.alloc(batchHeaderBytes + record.length)
  batch.writeInt32BE(batch.length - 12, batchLayout.length)
  batch.writeInt32BE(-1, batchLayout.leaderEpoch)
  batch[batchLayout.magic] = 2
  batch.writeInt16BE(batchAttribute.transactional | batchAttribute.control, batchLayout.attributes)
  writeInt64(batch, timestamp, batchLayout.baseTimestamp)
  writeInt64(batch, timestamp, batchLayout.maxTimestamp)
  writeInt64(batch, producer.producerId, batchLayout.producerId)
  batch.writeInt16BE(producer.producerEpoch, batchLayout.producerEpoch)
  batch.writeInt32BE(-1, batchLayout.baseSequence)
  batch.writeInt32BE(1, batchLayout.count)
  record.copy(batch, batchHeaderBytes)
  batch.writeUInt32BE(crc32c(batch, batchLayout.attributes, batch.length), batchLayout.crc)
  return batch
}

/**
 * The marker in a control batch, from its key alone.
 * @returns null for control records of other kinds, which are passed over
 */
export function readMarker(key: Uint8Array | null): MarkerType | null {
  if (key === null || key.length < 4) return null
  const type = ((key[2] as number) << 8) | (key[3] as number)
  return type === markerType.abort || type === markerType.commit ? type : null
}
