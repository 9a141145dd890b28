import { Buffer } from 'node:buffer'
import avsc from 'avsc'
import { messageOf, StreamError } from '../core/errors.ts'
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

function parse(schema: string): avsc.Type {
  try {
    return avsc.Type.forSchema(JSON.parse(schema) as avsc.Schema)
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
