import { StreamError } from '../core/errors.ts'
import type { Header, Headers } from '../core/record.ts'
import { noHeaders } from '../core/record.ts'
import { decodeUtf8Range, isUtf8Range } from '../serde/utf8.ts'
import { type BatchHeader, batchAttribute, batchHeaderBytes, corrupt } from './batch-header.ts'
import { decompress } from './compression.ts'

/** A header has a byte for each of its two lengths, at the least: more of them than that are a lie. */
const headerBytesMin = 2

const empty = Buffer.alloc(0)

/** Of a header name that cannot be read, an error quotes this much. */
const nameBytesShown = 32

/**
 * Walks the records of one batch in place: after each `next()` the fields describe the current record as ranges of
 * `buffer`. Nothing is allocated per record, and nothing outlives the buffer.
 *
 * @throws {StreamError} `BATCH_CORRUPT` from `open`, `next`, `verify` and `headers` when lengths, counts or offsets do not fit the
 * bytes or the header
 */
export class RecordCursor {
  /** Holds the ranges below: the fetched buffer, or the inflated one. */
  buffer: Buffer = Buffer.alloc(0)
  keyStart = 0
  /** -1 for a null key. */
  keyLength = -1
  valueStart = 0
  /** -1 for a null value. */
  valueLength = -1
  headerCount = 0
  private headersStart = 0
  private position = 0
  private end = 0
  private left = 0
  /** Offset and timestamp of the record. In a typed array, since each write of a double into a plain field makes an object. */
  private readonly numbers = new Float64Array(2)
  private baseOffset = 0
  private lastOffsetDelta = 0
  private baseTimestamp = 0
  private appendTimestamp = -1

  get offset(): number {
    return this.numbers[0] as number
  }

  get timestamp(): number {
    return this.numbers[1] as number
  }

  /** Begins the batch at `start` whose header was read from the same place. */
  open(buffer: Buffer, start: number, header: BatchHeader): void {
    const codec = header.attributes & batchAttribute.compressionMask
    if (codec === 0) {
      this.buffer = buffer
      this.position = start + batchHeaderBytes
      this.end = start + header.sizeBytes
    } else {
      this.buffer = decompress(codec, buffer.subarray(start + batchHeaderBytes, start + header.sizeBytes))
      this.position = 0
      this.end = this.buffer.length
    }
    if (header.count < 0 || header.count > this.end - this.position) throw corrupt(`${header.count} records claimed`)
    this.left = header.count
    this.baseOffset = header.baseOffset
    this.lastOffsetDelta = header.lastOffsetDelta
    this.baseTimestamp = header.baseTimestamp
    this.appendTimestamp = header.attributes & batchAttribute.logAppendTime ? header.maxTimestamp : -1
  }

  /** Moves to the next record. @returns false when the batch has no more */
  next(): boolean {
    if (this.left === 0) {
      if (this.position !== this.end) throw corrupt(`${this.end - this.position} bytes behind the last record`)
      return false
    }
    this.left--
    const size = this.varint()
    const recordEnd = this.position + size
    if (size < 6 || recordEnd > this.end) throw corrupt(`a record of ${size} bytes, ${this.end - this.position} left`)
    this.position++ // attributes, unused
    const timestampDelta = this.varlong()
    this.numbers[1] = this.appendTimestamp >= 0 ? this.appendTimestamp : this.baseTimestamp + timestampDelta
    const offsetDelta = this.varint()
    if (offsetDelta < 0 || offsetDelta > this.lastOffsetDelta) throw corrupt(`an offset delta of ${offsetDelta}`)
    this.numbers[0] = this.baseOffset + offsetDelta
    this.keyLength = this.length(recordEnd)
    this.keyStart = this.position
    if (this.keyLength > 0) this.position += this.keyLength
    this.valueLength = this.length(recordEnd)
    this.valueStart = this.position
    if (this.valueLength > 0) this.position += this.valueLength
    this.headerCount = this.varint()
    this.headersStart = this.position
    if (this.position > recordEnd) throw corrupt('a record longer than its length')
    if (this.headerCount < 0 || this.headerCount * headerBytesMin > recordEnd - this.position) {
      throw corrupt(`${this.headerCount} headers claimed`)
    }
    this.position = recordEnd
    return true
  }

  /** Walks what `next` leaves alone: the headers, which have to end where the record does. */
  verify(): void {
    const recordEnd = this.position
    this.position = this.headersStart
    for (let left = this.headerCount; left > 0; left--) {
      const nameLength = this.length(recordEnd)
      if (nameLength < 0) throw corrupt('a header without a name')
      this.position += nameLength
      const length = this.length(recordEnd)
      this.position += Math.max(length, 0)
    }
    if (this.position !== recordEnd) throw corrupt(`${recordEnd - this.position} bytes behind a record's last header`)
  }

  /** A view of the key, null for the wire's null. */
  key(): Buffer | null {
    return this.keyLength < 0 ? null : this.buffer.subarray(this.keyStart, this.keyStart + this.keyLength)
  }

  /** A view of the value, null for the wire's null. */
  value(): Buffer | null {
    return this.valueLength < 0 ? null : this.buffer.subarray(this.valueStart, this.valueStart + this.valueLength)
  }

  /**
   * The headers in the order of the wire, as copies: they outlive the buffer.
   * @throws {StreamError} `RECORD_DESERIALIZATION` for a name that is not UTF-8, which no string holds; the next record can be
   * read all the same
   */
  headers(): Headers {
    if (this.headerCount === 0) return noHeaders
    const all: Header[] = []
    const recordEnd = this.position
    const start = this.headersStart
    // One copy for all: each of its own would cost as much as all the rest, and there may be half a million of them.
    const copy = Buffer.from(this.buffer.subarray(start, recordEnd))
    this.position = start
    try {
      for (let left = this.headerCount; left > 0; left--) {
        const nameLength = this.length(recordEnd)
        if (nameLength < 0) throw corrupt('a header without a name')
        const name = this.name(nameLength)
        const length = this.length(recordEnd)
        const at = this.position - start
        if (length > 0) this.position += length
        all.push([name, length < 0 ? null : length === 0 ? empty : copy.subarray(at, at + length)])
      }
      return all
    } finally {
      this.position = recordEnd
    }
  }

  private name(length: number): string {
    const start = this.position
    const end = start + length
    this.position = end
    if (!isUtf8Range(this.buffer, start, end)) {
      const found = this.buffer.toString('hex', start, Math.min(end, start + nameBytesShown))
      throw new StreamError(
        'RECORD_DESERIALIZATION',
        `the name of a header is not UTF-8, it begins with ${found} (hex)`,
      )
    }
    return decodeUtf8Range(this.buffer, start, end)
  }

  private length(recordEnd: number): number {
    const length = this.varint()
    if (length < -1 || length > recordEnd - this.position) throw corrupt(`a length of ${length} in a record`)
    return length
  }

  /** Most numbers of a record take one byte: read apart from the others, they are read in place. */
  private varint(): number {
    const byte = this.buffer[this.position] as number
    // A byte behind the buffer is undefined, and not below.
    if (!(byte < 0x80)) return this.longVarint()
    this.position++
    return (byte >>> 1) ^ -(byte & 1)
  }

  private longVarint(): number {
    const buffer = this.buffer
    let at = this.position
    let byte = buffer[at++] as number
    let value = byte & 0x7f
    let shift = 7
    do {
      if (shift > 28 || at >= this.end) throw corrupt('a variable-length number that does not end')
      byte = buffer[at++] as number
      value |= (byte & 0x7f) << shift
      shift += 7
    } while (byte >= 0x80)
    this.position = at
    value >>>= 0
    return (value >>> 1) ^ -(value & 1)
  }

  private varlong(): number {
    const buffer = this.buffer
    const first = buffer[this.position] as number
    if (first < 0x80) {
      this.position++
      return (first >>> 1) ^ -(first & 1)
    }
    let value = (first & 0x7f) >>> 1
    let factor = 64
    for (let at = this.position + 1; at < this.end && factor <= Number.MAX_SAFE_INTEGER; at++) {
      const byte = buffer[at] as number
      value += (byte & 0x7f) * factor
      factor *= 128
      if (byte >= 0x80) continue
      if (!Number.isSafeInteger(value)) break
      this.position = at + 1
      return first & 1 ? -value - 1 : value
    }
    throw corrupt('a variable-length number that does not end or is beyond 2^53 - 1')
  }
}
