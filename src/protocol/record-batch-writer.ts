import type { Headers } from '../core/record.ts'
import { batchAttribute, batchHeaderBytes, batchLayout } from './batch-header.ts'
import { crc32c } from './crc32c.ts'
import { frameBytesMax, recordBodyBytes, recordBytes } from './record-size.ts'
import { varintLength, writeVarint, writeVarlong } from './varint.ts'
import { writeInt64 } from './wire-writer.ts'

/** Who writes a batch: from `InitProducerId`. */
export interface ProducerIdentity {
  readonly producerId: number
  readonly producerEpoch: number
}

/**
 * One open record batch: records are written straight into its preallocated buffer, varints inline.
 *
 * The buffer grows to hold a single record larger than it; `finish` stamps header and checksum and hands out a view.
 * After `reset` the same buffer takes the next batch, so the view must be copied or sent by then.
 */
export class RecordBatchWriter {
  private buffer: Buffer
  /** Over the same memory, for copies by words. */
  private words: DataView
  private position = batchHeaderBytes
  private baseTimestamp = 0
  private maxTimestamp = 0
  /** Records written since the last reset. */
  count = 0

  constructor(capacityBytes: number) {
    this.buffer = Buffer.allocUnsafeSlow(capacityBytes)
    this.words = wordsOf(this.buffer)
  }

  /** Bytes of the batch as it stands, header included. */
  get sizeBytes(): number {
    return this.position
  }

  /**
   * Whether the batch has at most `limitBytes` with one more record of these lengths (-1 for null). Exact: only near the
   * limit is every varint counted.
   */
  fits(keyLength: number, valueLength: number, timestamp: number, headers: Headers, limitBytes: number): boolean {
    const { position, count } = this
    if (headers.length === 0 && position + keyLength + valueLength + frameBytesMax <= limitBytes) return true
    const timestampDelta = count === 0 ? 0 : timestamp - this.baseTimestamp
    return position + recordBytes(keyLength, valueLength, timestampDelta, count, headers) <= limitBytes
  }

  /** Appends one record; `null` key or value is the wire's null. Both are copied. */
  append(key: Uint8Array | null, value: Uint8Array | null, timestamp: number, headers: Headers): void {
    this.appendRanges(key ?? none, 0, key?.length ?? -1, value ?? none, 0, value?.length ?? -1, timestamp, headers)
  }

  /**
   * Appends one record whose key and value are ranges of buffers, a length of -1 for the wire's null. Both are copied.
   * Saves the two views a record that {@link append} would need, which cost as much as all the rest.
   */
  appendRanges(
    key: Uint8Array,
    keyStart: number,
    keyLength: number,
    value: Uint8Array,
    valueStart: number,
    valueLength: number,
    timestamp: number,
    headers: Headers,
  ): void {
    const start = this.begin(keyLength, valueLength, timestamp, headers)
    const { buffer, words } = this
    let at = copyRange(buffer, words, start, key, keyStart, keyLength)
    at = writeVarint(buffer, at, valueLength)
    at = copyRange(buffer, words, at, value, valueStart, valueLength)
    this.finishRecord(at, headers)
  }

  private begin(keyLength: number, valueLength: number, timestamp: number, headers: Headers): number {
    if (this.count === 0) {
      this.baseTimestamp = timestamp
      this.maxTimestamp = timestamp
    } else if (timestamp > this.maxTimestamp) this.maxTimestamp = timestamp
    const timestampDelta = timestamp - this.baseTimestamp
    const size = recordBodyBytes(keyLength, valueLength, timestampDelta, this.count, headers)
    this.reserve(varintLength(size) + size)
    const buffer = this.buffer
    let at = writeVarint(buffer, this.position, size)
    buffer[at++] = 0
    at = writeVarlong(buffer, at, timestampDelta)
    at = writeVarint(buffer, at, this.count)
    return writeVarint(buffer, at, keyLength)
  }

  private finishRecord(start: number, headers: Headers): void {
    const { buffer } = this
    let at = start
    if (headers.length === 0) buffer[at++] = 0
    else {
      at = writeVarint(buffer, at, headers.length)
      for (const [name, value] of headers) {
        const nameLength = Buffer.byteLength(name)
        at = writeVarint(buffer, at, nameLength)
        at += buffer.write(name, at, nameLength, 'utf8')
        at = writeVarint(buffer, at, value === null ? -1 : value.length)
        if (value === null) continue
        buffer.set(value, at)
        at += value.length
      }
    }
    this.position = at
    this.count++
  }

  private reserve(bytes: number): void {
    const needed = this.position + bytes
    if (needed <= this.buffer.length) return
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, Math.min(this.buffer.length * 2, needed + (1 << 20))))
    this.buffer.copy(grown, 0, 0, this.position)
    this.buffer = grown
    this.words = wordsOf(grown)
  }

  /**
   * Stamps header and checksum.
   * @param producer null for a plain batch: no idempotence
   * @returns a view of the whole batch; the base offset is 0, for the broker to assign
   */
  finish(producer: ProducerIdentity | null, baseSequence: number, transactional: boolean): Buffer {
    const buffer = this.buffer
    buffer.fill(0, 0, 8)
    buffer.writeInt32BE(this.position - 12, batchLayout.length)
    buffer.writeInt32BE(-1, batchLayout.leaderEpoch)
    buffer[batchLayout.magic] = 2
    buffer.writeInt16BE(transactional ? batchAttribute.transactional : 0, batchLayout.attributes)
    buffer.writeInt32BE(this.count - 1, batchLayout.lastOffsetDelta)
    writeInt64(buffer, this.baseTimestamp, batchLayout.baseTimestamp)
    writeInt64(buffer, this.maxTimestamp, batchLayout.maxTimestamp)
    writeInt64(buffer, producer?.producerId ?? -1, batchLayout.producerId)
    buffer.writeInt16BE(producer?.producerEpoch ?? -1, batchLayout.producerEpoch)
    buffer.writeInt32BE(producer ? baseSequence : -1, batchLayout.baseSequence)
    buffer.writeInt32BE(this.count, batchLayout.count)
    buffer.writeUInt32BE(crc32c(buffer, batchLayout.attributes, this.position), batchLayout.crc)
    return buffer.subarray(0, this.position)
  }

  /** Forgets the records and begins again in the same buffer. */
  reset(): void {
    this.position = batchHeaderBytes
    this.count = 0
  }
}

const none = new Uint8Array(0)

const wordsOf = (buffer: Buffer): DataView => new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength)

/**
 * Copies a range; a negative length is none. A native copy costs about 100 ns whatever its length, so short runs are
 * copied by hand: four bytes at a time into the target, which takes half as long as one at a time. The source is read by bytes, since a
 * view of each would cost more than all.
 * @param words over the memory of `target`
 * @returns the position behind it
 */
function copyRange(
  target: Buffer,
  words: DataView,
  at: number,
  source: Uint8Array,
  start: number,
  length: number,
): number {
  if (length <= 0) return at
  if (length > handCopyBytesMax) {
    target.set(source.subarray(start, start + length), at)
    return at + length
  }
  let i = 0
  for (; i + 4 <= length; i += 4) {
    const from = start + i
    const low = (source[from] as number) | ((source[from + 1] as number) << 8)
    const high = ((source[from + 2] as number) << 16) | ((source[from + 3] as number) << 24)
    words.setInt32(at + i, low | high, true)
  }
  for (; i < length; i++) target[at + i] = source[start + i] as number
  return at + length
}

/** Where a native copy with the view that it needs becomes cheaper than a loop. */
const handCopyBytesMax = 128
