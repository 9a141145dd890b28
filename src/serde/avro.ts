import { Buffer } from 'node:buffer'
import avsc from 'avsc'
import { messageOf, StreamError } from '../core/errors.ts'
import { refuseRead } from './refuse.ts'
import type { Serde } from './serde.ts'

/**
 * Avro binary encoding, without a header: writer and reader have the same schema.
 *
 * `schema` is the text of the schema (JSON, as in an `.avsc` file), given in place; `T` is believed. A `long` is a
 * number and refuses to leave ±(2^53 - 1); `bytes` are Buffers. As keys, schemas with maps do not do: their entries
 * keep the order in which they were set.
 *
 * The `id` is the MD5 fingerprint of the schema's canonical form: it does not change with spaces, docs or defaults.
 *
 * @throws {StreamError} `PIPELINE_INVALID` when the text is not a schema
 */
export function avro<T>(schema: string): Serde<T> {
  const type = parse(schema)
  return Object.freeze({
    id: `avro-${type.fingerprint().toString('hex')}`,
    serialize: (value: T): Uint8Array => type.toBuffer(value),
    deserialize: (bytes: Uint8Array): T =>
      toPlain(type.fromBuffer(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))) as T,
  })
}

/** In place of avsc's own, which reads numbers below -2^52 back as others. It takes and gives 8 bytes, little-endian. */
const long = avsc.types.LongType.__with({
  fromBuffer(bytes: Buffer): number {
    const value = Number(bytes.readBigInt64LE())
    return Number.isSafeInteger(value)
      ? value
      : refuseRead('avro', 'a long within ±(2^53 - 1)', 'one beyond', 'read the topic with bytes')
  },
  toBuffer(value: number): Buffer {
    const bytes = Buffer.allocUnsafe(8)
    bytes.writeBigInt64LE(BigInt(value))
    return bytes
  },
  fromJSON: (value: number) => value,
  toJSON: (value: number) => value,
  isValid: (value: unknown) => Number.isSafeInteger(value),
  compare: (a: number, b: number) => Math.sign(a - b),
})

function parse(schema: string): avsc.Type {
  try {
    return avsc.Type.forSchema(JSON.parse(schema) as avsc.Schema, { registry: { long } })
  } catch (cause) {
    const message = `avro: expected the text of an Avro schema as JSON; ${messageOf(cause)}; mend the schema`
    throw new StreamError('PIPELINE_INVALID', message, { cause })
  }
}

/** avsc gives instances of classes that it generates: data alone can be spread, compared and stored. */
function toPlain(value: unknown): unknown {
  if (value === null || typeof value !== 'object' || Buffer.isBuffer(value)) return value
  if (Array.isArray(value)) return value.map(toPlain)
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, toPlain(inner)]))
}
