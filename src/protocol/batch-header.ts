import { StreamError } from '../core/errors.ts'
import { crc32c } from './crc32c.ts'
import { readInt64 } from './wire-reader.ts'
import { writeInt64 } from './wire-writer.ts'

/**
 * The header of a record batch, magic 2 (KIP-98). Offsets in bytes from its start:
 *
 *      0 baseOffset i64        12 leaderEpoch i32   21 attributes i16        27 baseTimestamp i64   51 producerEpoch i16
 *      8 length i32 (the rest) 16 magic i8 = 2      23 lastOffsetDelta i32   35 maxTimestamp i64    53 baseSequence i32
 *                              17 crc32c u32 over 21..end                    43 producerId i64      57 count i32
 *
 * The checksum leaves out baseOffset and leaderEpoch, so that a broker assigns both without touching the rest.
 */
export const batchLayout = {
  baseOffset: 0,
  length: 8,
  leaderEpoch: 12,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  baseSequence: 53,
  count: 57,
  records: 61,
} as const

/** Bytes of a batch header, which are also the bytes of an empty batch. */
export const batchHeaderBytes = 61

/** Bits of a batch's attributes. */
export const batchAttribute = {
  compressionMask: 0x07,
  logAppendTime: 0x08,
  transactional: 0x10,
  control: 0x20,
  deleteHorizon: 0x40,
} as const

/** A batch header as numbers. */
export interface BatchHeader {
  readonly baseOffset: number
  /** Whole size in bytes, header and length field included. */
  readonly sizeBytes: number
  readonly leaderEpoch: number
  readonly crc: number
  readonly attributes: number
  readonly lastOffsetDelta: number
  readonly baseTimestamp: number
  readonly maxTimestamp: number
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly count: number
}

/**
 * The whole size of the batch that begins at `start`, without reading more of it than the length field.
 * @returns 0 when fewer than 17 bytes are there (up to the magic) or the batch is cut off by `end` (a fetch may cut its last batch)
 * @throws {StreamError} `BATCH_CORRUPT` for a length below a header's or a magic other than 2
 */
export function batchSizeAt(buffer: Buffer, start: number, end: number): number {
  if (end - start < batchLayout.magic + 1) return 0
  const size = buffer.readInt32BE(start + batchLayout.length) + 12
  if (size < batchHeaderBytes) throw corrupt(`a batch of ${size} bytes, where a header alone has ${batchHeaderBytes}`)
  if (size > end - start) return 0
  const magic = buffer[start + batchLayout.magic]
  if (magic !== 2) throw corrupt(`a batch of magic ${magic}; only magic 2 (Kafka 0.11 and newer) is supported`)
  return size
}

/** Reads the header of a whole batch at `start`, of the size that {@link batchSizeAt} gave. */
export function readBatchHeader(buffer: Buffer, start: number, sizeBytes: number): BatchHeader {
  return {
    baseOffset: readInt64(buffer, start),
    sizeBytes,
    leaderEpoch: buffer.readInt32BE(start + batchLayout.leaderEpoch),
    crc: buffer.readUInt32BE(start + batchLayout.crc),
    attributes: buffer.readInt16BE(start + batchLayout.attributes),
    lastOffsetDelta: buffer.readInt32BE(start + batchLayout.lastOffsetDelta),
    baseTimestamp: readInt64(buffer, start + batchLayout.baseTimestamp),
    maxTimestamp: readInt64(buffer, start + batchLayout.maxTimestamp),
    producerId: readInt64(buffer, start + batchLayout.producerId),
    producerEpoch: buffer.readInt16BE(start + batchLayout.producerEpoch),
    baseSequence: buffer.readInt32BE(start + batchLayout.baseSequence),
    count: buffer.readInt32BE(start + batchLayout.count),
  }
}

/** The checksum a batch should have. */
export function batchChecksum(buffer: Buffer, start: number, sizeBytes: number): number {
  return crc32c(buffer, start + batchLayout.attributes, start + sizeBytes)
}

/** Gives a whole batch, and nothing else in the buffer, another greatest timestamp, with the checksum that belongs to it. */
export function stampMaxTimestamp(batch: Buffer, maxTimestamp: number): void {
  writeInt64(batch, maxTimestamp, batchLayout.maxTimestamp)
  batch.writeUInt32BE(batchChecksum(batch, 0, batch.length), batchLayout.crc)
}

/** @throws {StreamError} `BATCH_CORRUPT` when the stored checksum is another than the computed one */
export function verifyChecksum(buffer: Buffer, start: number, sizeBytes: number): void {
  const found = buffer.readUInt32BE(start + batchLayout.crc)
  const expected = batchChecksum(buffer, start, sizeBytes)
  if (found !== expected) throw corrupt(`checksum ${found.toString(16)} stored, ${expected.toString(16)} computed`)
}

/** The error of a batch that contradicts itself; `found` says what was found. */
export function corrupt(found: string): StreamError {
  return new StreamError('BATCH_CORRUPT', `corrupt record batch: ${found}; the log or the connection damaged it`)
}
