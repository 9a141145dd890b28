import { type Headers, noHeaders, type StreamRecord } from '../core/record.ts'
import type { AnySerde } from '../serde/serde.ts'

/** Not decoded yet. */
const unread = Symbol('unread')

const noBytes = Buffer.alloc(0)

/**
 * A record on its way through a task: bytes where it came from a topic, values once somebody looked at them (D7).
 *
 * Key and value are decoded at the first read and then kept. The bytes are ranges of the fetched buffer and only valid
 * while the record is being processed; whoever keeps them copies them (X24).
 */
export class FlowRecord implements StreamRecord {
  readonly timestamp: number
  readonly headers: Headers
  /** Holds the raw key, which every keyed operator gets: equality of keys is equality of bytes (R8). */
  readonly buffer: Buffer
  readonly keyStart: number
  /** -1 for null; meaningless when `hasRawKey` is false. */
  readonly keyLength: number
  /** Holds the raw value: the fetched buffer, too, but for rows of tables. */
  readonly valueBuffer: Buffer
  readonly valueStart: number
  /** -1 where there is no value: null in its topic, or a row that is gone. 0 for what user code made, null among it. */
  readonly valueLength: number
  /** The encoding of the raw key, or null when the key was made by user code. */
  readonly rawKeySerde: AnySerde | null
  readonly rawValueSerde: AnySerde | null
  private keyRead: unknown
  private valueRead: unknown
  /** Whether somebody else may hold the value that was decoded. */
  private isValueShared = false

  constructor(
    buffer: Buffer,
    keyStart: number,
    keyLength: number,
    rawKeySerde: AnySerde | null,
    keyRead: unknown,
    valueBuffer: Buffer,
    valueStart: number,
    valueLength: number,
    rawValueSerde: AnySerde | null,
    valueRead: unknown,
    timestamp: number,
    headers: Headers,
  ) {
    this.buffer = buffer
    this.keyStart = keyStart
    this.keyLength = keyLength
    this.rawKeySerde = rawKeySerde
    this.keyRead = keyRead
    this.valueBuffer = valueBuffer
    this.valueStart = valueStart
    this.valueLength = valueLength
    this.rawValueSerde = rawValueSerde
    this.valueRead = valueRead
    this.timestamp = timestamp
    this.headers = headers
  }

  /** A record whose key and value are ranges of a fetched buffer; a length of -1 is null. */
  static raw(
    buffer: Buffer,
    keyStart: number,
    keyLength: number,
    key: AnySerde,
    valueStart: number,
    valueLength: number,
    value: AnySerde,
    timestamp: number,
    headers: Headers,
  ): FlowRecord {
    return new FlowRecord(
      buffer,
      keyStart,
      keyLength,
      key,
      keyLength < 0 ? null : unread,
      buffer,
      valueStart,
      valueLength,
      value,
      valueLength < 0 ? null : unread,
      timestamp,
      headers,
    )
  }

  /** A record made of values alone. */
  static of(key: unknown, value: unknown, timestamp: number, headers: Headers = noHeaders): FlowRecord {
    return new FlowRecord(noBytes, 0, -1, null, key, noBytes, 0, 0, null, value, timestamp, headers)
  }

  /** A changed row of a table: ranges of its store key (row-format.ts) and of its value bytes; a length of -1 is a delete. */
  static row(
    bytes: Buffer,
    keyStart: number,
    keyLength: number,
    key: AnySerde,
    valueStart: number,
    valueLength: number,
    value: AnySerde,
    timestamp: number,
  ): FlowRecord {
    return FlowRecord.raw(bytes, keyStart + 1, keyLength - 1, key, valueStart, valueLength, value, timestamp, noHeaders)
  }

  get key(): unknown {
    let key = this.keyRead
    if (key === unread) {
      key = decoded(this.rawKeySerde as AnySerde, this.buffer, this.keyStart, this.keyLength)
      this.keyRead = key
    }
    return key
  }

  get value(): unknown {
    let value = this.valueRead
    if (value === unread) {
      value = decoded(this.rawValueSerde as AnySerde, this.valueBuffer, this.valueStart, this.valueLength)
      this.valueRead = value
    }
    this.isValueShared = true
    return value
  }

  /**
   * The value for a state that user code may change in place (X6): where there are bytes, one that nobody else has or gets.
   * A value that user code made is handed out as it is.
   */
  takeValue(): unknown {
    const { valueRead } = this
    if (this.rawValueSerde === null || this.valueLength < 0) return valueRead
    if (valueRead !== unread && !this.isValueShared) {
      this.valueRead = unread
      return valueRead
    }
    return decoded(this.rawValueSerde, this.valueBuffer, this.valueStart, this.valueLength)
  }

  /** Whether the key is null, without decoding it. */
  get hasNullKey(): boolean {
    return this.keyRead === null || this.keyRead === undefined
  }

  /** Whether there is a value, which may be a null that user code made. Without one the record passes user code by (R47). */
  get hasValue(): boolean {
    return this.valueLength >= 0
  }

  /** Whether there is no value or it is null, without decoding it. */
  get hasNullValue(): boolean {
    return this.valueRead === null || this.valueRead === undefined
  }

  /** Whether the key is still there as bytes, and as `serde` would write it. */
  hasRawKey(serde: AnySerde): boolean {
    const raw = this.rawKeySerde
    return raw !== null && this.keyLength >= 0 && (raw === serde || raw.id === serde.id)
  }

  /** Whether the value is still there as bytes, and as `serde` would write it. */
  hasRawValue(serde: AnySerde): boolean {
    const raw = this.rawValueSerde
    return raw !== null && this.valueLength >= 0 && (raw === serde || raw.id === serde.id)
  }

  /**
   * Decodes what may fail to decode, and checks what is left for later.
   * @throws what the serde throws, or a `RangeError` for bytes that its check refuses
   */
  check(): void {
    if (this.keyRead === unread)
      this.checkRange(this.rawKeySerde as AnySerde, this.buffer, this.keyStart, this.keyLength, 'key')
    if (this.valueRead === unread) {
      this.checkRange(this.rawValueSerde as AnySerde, this.valueBuffer, this.valueStart, this.valueLength, 'value')
    }
  }

  private checkRange(serde: AnySerde, buffer: Buffer, start: number, length: number, part: 'key' | 'value'): void {
    if (serde.validate === undefined) {
      if (part === 'key') void this.key
      else void this.value
    } else if (!serde.validate(buffer, start, start + length)) {
      throw new RangeError(`its ${part} is not ${serde.id}`)
    }
  }

  /** The same record at another time. */
  at(timestamp: number): FlowRecord {
    const { valueBuffer, valueStart, valueLength, rawValueSerde, valueRead } = this
    return this.sameKey(valueBuffer, valueStart, valueLength, rawValueSerde, valueRead, timestamp)
  }

  /** The same record with another value. */
  withValue(value: unknown): FlowRecord {
    return this.withValueAt(value, this.timestamp)
  }

  /** The same record with another key. */
  withKey(key: unknown): FlowRecord {
    return new FlowRecord(
      this.buffer,
      0,
      -1,
      null,
      key,
      this.valueBuffer,
      this.valueStart,
      this.valueLength,
      this.rawValueSerde,
      this.valueRead,
      this.timestamp,
      this.headers,
    )
  }

  /** The same key with a row of a store: its value as bytes that each reader decodes anew, and its time. */
  withRow(value: Buffer, valueSerde: AnySerde, timestamp: number): FlowRecord {
    return this.sameKey(value, 0, value.length, valueSerde, unread, timestamp)
  }

  /** The same record with another value and time. */
  withValueAt(value: unknown, timestamp: number): FlowRecord {
    return this.sameKey(noBytes, 0, 0, null, value, timestamp)
  }

  /** The same key at another time, without a value: its row is gone. */
  withoutValueAt(timestamp: number): FlowRecord {
    return this.sameKey(noBytes, 0, -1, null, null, timestamp)
  }

  private sameKey(
    valueBuffer: Buffer,
    valueStart: number,
    valueLength: number,
    rawValueSerde: AnySerde | null,
    valueRead: unknown,
    timestamp: number,
  ): FlowRecord {
    return new FlowRecord(
      this.buffer,
      this.keyStart,
      this.keyLength,
      this.rawKeySerde,
      this.keyRead,
      valueBuffer,
      valueStart,
      valueLength,
      rawValueSerde,
      valueRead,
      timestamp,
      this.headers,
    )
  }
}

function decoded(serde: AnySerde, buffer: Buffer, start: number, length: number): unknown {
  return serde.deserializeRange === undefined
    ? serde.deserialize(buffer.subarray(start, start + length))
    : serde.deserializeRange(buffer, start, start + length)
}
