import { StreamError } from '../core/errors.ts'

/**
 * Reads the primitive types of the Kafka protocol from one buffer, front to back.
 *
 * Every length is checked against the bytes that remain before anything is allocated or sliced.
 * @throws {StreamError} `WIRE_MALFORMED` from every method when the bytes end too soon or a length is impossible:
 * a server closes the connection, a client treats the request as failed
 */
export class WireReader {
  readonly buffer: Buffer
  position: number
  readonly end: number
  /**
   * Elements that arrays may still have, all together. A server sets it: an element costs many times its one byte once it
   * is an object, and a frame of 100 MB could claim 100 million.
   */
  elementsLeft = Number.POSITIVE_INFINITY

  constructor(buffer: Buffer, position = 0, end = buffer.length) {
    this.buffer = buffer
    this.position = position
    this.end = end
  }

  /** Bytes left. */
  get remaining(): number {
    return this.end - this.position
  }

  private take(bytes: number): number {
    const at = this.position
    if (bytes > this.end - at) throw malformed(`${bytes} bytes expected at ${at}, ${this.end - at} left`)
    this.position = at + bytes
    return at
  }

  int8(): number {
    return this.buffer.readInt8(this.take(1))
  }

  int16(): number {
    return this.buffer.readInt16BE(this.take(2))
  }

  int32(): number {
    return this.buffer.readInt32BE(this.take(4))
  }

  uint16(): number {
    return this.buffer.readUInt16BE(this.take(2))
  }

  uint32(): number {
    return this.buffer.readUInt32BE(this.take(4))
  }

  /** @throws {StreamError} `WIRE_MALFORMED` also for numbers beyond ±(2^53 - 1), which offsets and ids never reach */
  int64(): number {
    return readInt64(this.buffer, this.take(8))
  }

  float64(): number {
    return this.buffer.readDoubleBE(this.take(8))
  }

  boolean(): boolean {
    return this.buffer[this.take(1)] !== 0
  }

  /** 16 bytes as 32 hexadecimal digits. */
  uuid(): string {
    const at = this.take(16)
    return this.buffer.toString('hex', at, at + 16)
  }

  /** Unsigned LEB128, at most 5 bytes. */
  uvarint(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.buffer[this.take(1)] as number
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) {
        if (value > 0xffffffff) break
        return value
      }
    }
    throw malformed('a variable-length number is longer than 5 bytes')
  }

  /** A view of the next `length` bytes, not a copy. */
  slice(length: number): Buffer {
    if (length < 0) throw malformed(`a length of ${length}`)
    const at = this.take(length)
    return this.buffer.subarray(at, at + length)
  }

  /** A length for `count` elements of at least one byte each. */
  count(count: number): number {
    if (count > this.remaining) throw malformed(`${count} elements claimed, ${this.remaining} bytes left`)
    this.elementsLeft -= count
    if (this.elementsLeft < 0) throw malformed(`more elements than a request may have, ${count} of them at once`)
    return count
  }

  text(length: number): string {
    if (length < 0) throw malformed(`a text of length ${length}`)
    const at = this.take(length)
    return this.buffer.toString('utf8', at, at + length)
  }
}

/** An int64 as a number. @throws {StreamError} `WIRE_MALFORMED` outside ±(2^53 - 1) */
export function readInt64(buffer: Buffer, at: number): number {
  const value = buffer.readInt32BE(at) * 4294967296 + buffer.readUInt32BE(at + 4)
  if (!Number.isSafeInteger(value)) throw malformed(`the number ${buffer.readBigInt64BE(at)} is beyond 2^53 - 1`)
  return value
}

function malformed(found: string): StreamError {
  return new StreamError('WIRE_MALFORMED', `malformed Kafka message: ${found}`, { action: 'retry' })
}
