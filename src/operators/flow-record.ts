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
  readonly buffer: Buffer
  readonly keyStart: number
  /** -1 for null; meaningless when `hasRawKey` is false. */
  readonly keyLength: number
  readonly valueStart: number
  readonly valueLength: number
  /** The encoding of the raw key, or null when the key was made by user code. */
  readonly rawKeySerde: AnySerde | null
  readonly rawValueSerde: AnySerde | null
  private keyRead: unknown
  private valueRead: unknown

  constructor(
    buffer: Buffer,
    keyStart: number,
    keyLength: number,
    rawKeySerde: AnySerde | null,
    keyRead: unknown,
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
    return new FlowRecord(noBytes, 0, -1, null, key, 0, -1, null, value, timestamp, headers)
  }

  /** A row of a table: its key as the bytes behind a store key's prefix, its value as it is. */
  static row(storeKey: Buffer, serde: AnySerde, value: unknown, timestamp: number): FlowRecord {
    return new FlowRecord(storeKey, 1, storeKey.length - 1, serde, unread, 0, -1, null, value, timestamp, noHeaders)
  }

  get key(): unknown {
    let key = this.keyRead
    if (key === unread) {
      const start = this.keyStart
      key = (this.rawKeySerde as AnySerde).deserialize(this.buffer.subarray(start, start + this.keyLength))
      this.keyRead = key
    }
    return key
  }

  get value(): unknown {
    let value = this.valueRead
    if (value === unread) {
      const start = this.valueStart
      value = (this.rawValueSerde as AnySerde).deserialize(this.buffer.subarray(start, start + this.valueLength))
      this.valueRead = value
    }
    return value
  }

  /** Whether the key is null, without decoding it. */
  get hasNullKey(): boolean {
    return this.keyRead === null || this.keyRead === undefined
  }

  /** Whether the value is null, without decoding it. */
  get hasNullValue(): boolean {
    return this.valueRead === null || this.valueRead === undefined
  }

  /**
   * The key's bytes as a binary string, a character a byte: equality of keys is equality of bytes (R8).
   * Only for keys that came from a topic, as those of keyed operators always do.
   */
  binaryKey(): string {
    return this.buffer.latin1Slice(this.keyStart, this.keyStart + this.keyLength)
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
    if (this.keyRead === unread) this.checkRange(this.rawKeySerde as AnySerde, this.keyStart, this.keyLength, 'key')
    if (this.valueRead === unread) {
      this.checkRange(this.rawValueSerde as AnySerde, this.valueStart, this.valueLength, 'value')
    }
  }

  private checkRange(serde: AnySerde, start: number, length: number, part: 'key' | 'value'): void {
    if (serde.validate === undefined) {
      if (part === 'key') void this.key
      else void this.value
    } else if (!serde.validate(this.buffer, start, start + length)) {
      throw new RangeError(`its ${part} is not ${serde.id}`)
    }
  }

  /** The same record at another time. */
  at(timestamp: number): FlowRecord {
    return new FlowRecord(
      this.buffer,
      this.keyStart,
      this.keyLength,
      this.rawKeySerde,
      this.keyRead,
      this.valueStart,
      this.valueLength,
      this.rawValueSerde,
      this.valueRead,
      timestamp,
      this.headers,
    )
  }

  /** The same record with another value. */
  withValue(value: unknown): FlowRecord {
    return new FlowRecord(
      this.buffer,
      this.keyStart,
      this.keyLength,
      this.rawKeySerde,
      this.keyRead,
      0,
      -1,
      null,
      value,
      this.timestamp,
      this.headers,
    )
  }

  /** The same record with another key. */
  withKey(key: unknown): FlowRecord {
    return new FlowRecord(
      this.buffer,
      0,
      -1,
      null,
      key,
      this.valueStart,
      this.valueLength,
      this.rawValueSerde,
      this.valueRead,
      this.timestamp,
      this.headers,
    )
  }
}
