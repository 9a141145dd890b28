import { StreamError } from '../../core/errors.ts'
import {
  type BatchHeader,
  batchAttribute,
  batchChecksum,
  batchSizeAt,
  readBatchHeader,
  stampMaxTimestamp,
} from '../../protocol/batch-header.ts'
import { compressionCodec } from '../../protocol/compression.ts'
import { kafkaError } from '../../protocol/kafka-errors.ts'
import { RecordCursor } from '../../protocol/record-batch-reader.ts'
import type { TopicConfig } from '../topic-config.ts'

/** Why a batch is refused, in the numbers and words of a Produce answer. */
export interface Refusal {
  readonly error: number
  readonly message: string
  /** Places of the records at fault, where single ones are. */
  readonly records?: readonly number[]
}

/** A batch that may be appended. Its bytes are the client's own, or a copy where the greatest timestamp was false. */
export interface SoundBatch {
  readonly records: Buffer
  readonly header: BatchHeader
}

/**
 * Judges what a client wants to append to one partition: exactly one whole batch, well-formed, within the topic's
 * limits. Every record is walked, since one that cannot be read would stop all readers of the partition for ever; only
 * what is compressed with a codec that this build lacks is taken as it is.
 *
 * @param mayBeTransactional the request names a transactional id
 */
export function checkBatch(
  records: Buffer | null,
  version: number,
  mayBeTransactional: boolean,
  config: TopicConfig,
  now: number,
): SoundBatch | Refusal {
  const header = records && headerOf(records)
  if (!records || !header) return refuse(kafkaError.INVALID_RECORD, 'exactly one record batch of magic 2 is expected')
  if ('error' in header) return header
  if (header.sizeBytes !== records.length) {
    return refuse(kafkaError.INVALID_RECORD, 'more than one record batch for a partition')
  }
  if (header.attributes & batchAttribute.transactional && !mayBeTransactional) {
    return refuse(kafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, 'a transactional batch without a transactional id')
  }
  const codec = header.attributes & batchAttribute.compressionMask
  if (codec > compressionCodec.zstd || (codec === compressionCodec.zstd && version < 7)) {
    return refuse(kafkaError.UNSUPPORTED_COMPRESSION_TYPE, `compression codec ${codec} in Produce version ${version}`)
  }
  if (header.sizeBytes > config.maxMessageBytes) {
    return refuse(
      kafkaError.MESSAGE_TOO_LARGE,
      `a batch of ${header.sizeBytes} bytes; max.message.bytes is ${config.maxMessageBytes}`,
    )
  }
  if (header.crc !== batchChecksum(records, 0, header.sizeBytes)) {
    return refuse(kafkaError.CORRUPT_MESSAGE, 'the checksum does not match the batch')
  }
  const refusal = checkHeader(header)
  if (refusal) return refusal
  const isReadable = codec === compressionCodec.none || codec === compressionCodec.gzip
  const greatest = isReadable ? walk(records, header, config.isCompacted) : header.maxTimestamp
  if (typeof greatest !== 'number') return greatest
  if (!config.usesAppendTime && greatest > now + config.aheadMsMax) {
    return refuse(kafkaError.INVALID_TIMESTAMP, `timestamp ${greatest} is too far ahead of ${now}`)
  }
  if (header.sizeBytes > config.segmentBytes) {
    const message = `a batch of ${header.sizeBytes} bytes; segment.bytes is ${config.segmentBytes}`
    return refuse(kafkaError.RECORD_LIST_TOO_LARGE, message)
  }
  if (config.usesAppendTime) return { records, header }
  return greatest === header.maxTimestamp ? { records, header } : corrected(records, greatest)
}

function headerOf(records: Buffer): BatchHeader | Refusal | null {
  if (records.length < 17 || records[16] !== 2) return null
  try {
    const size = batchSizeAt(records, 0, records.length)
    if (size === 0) return refuse(kafkaError.CORRUPT_MESSAGE, 'the batch is cut off')
    return readBatchHeader(records, 0, size)
  } catch (error) {
    if (error instanceof StreamError) return refuse(kafkaError.CORRUPT_MESSAGE, error.message)
    throw error
  }
}

function checkHeader(header: BatchHeader): Refusal | null {
  if (header.attributes & batchAttribute.control) {
    return refuse(kafkaError.INVALID_RECORD, 'clients must not write control batches')
  }
  if (header.count <= 0 || header.count !== header.lastOffsetDelta + 1) {
    return refuse(kafkaError.INVALID_RECORD, `${header.count} records and a last delta of ${header.lastOffsetDelta}`)
  }
  if (header.producerId >= 0 && header.baseSequence < 0) {
    return refuse(kafkaError.INVALID_RECORD, `base sequence ${header.baseSequence} of producer ${header.producerId}`)
  }
  if (header.attributes & batchAttribute.transactional && header.producerId < 0) {
    return refuse(kafkaError.INVALID_RECORD, 'a transactional batch without a producer id')
  }
  return null
}

/** Walks all records. @returns the greatest of their timestamps, or what is wrong with them */
function walk(records: Buffer, header: BatchHeader, needsKeys: boolean): number | Refusal {
  const cursor = new RecordCursor()
  const keyless: number[] = []
  let greatest = -1
  try {
    cursor.open(records, 0, header)
    for (let i = 0; cursor.next(); i++) {
      cursor.verify()
      if (cursor.offset !== header.baseOffset + i) {
        return refuse(kafkaError.INVALID_RECORD, `record ${i} says it is number ${cursor.offset - header.baseOffset}`)
      }
      if (cursor.timestamp > greatest) greatest = cursor.timestamp
      if (needsKeys && cursor.keyLength < 0) keyless.push(i)
    }
  } catch (error) {
    if (error instanceof StreamError) return refuse(kafkaError.INVALID_RECORD, error.message)
    throw error
  }
  if (keyless.length === 0) return greatest
  return {
    error: kafkaError.INVALID_RECORD,
    message: 'a compacted topic takes no records without a key',
    records: keyless,
  }
}

/** The batch with its greatest timestamp as it is: records are searched for by it, so it must not be what a client says. */
function corrected(records: Buffer, greatest: number): SoundBatch {
  const copy = Buffer.from(records)
  stampMaxTimestamp(copy, greatest)
  return { records: copy, header: readBatchHeader(copy, 0, copy.length) }
}

function refuse(error: number, message: string): Refusal {
  return { error, message }
}
