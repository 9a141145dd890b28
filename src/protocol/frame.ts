import { type Api, isFlexible } from './api.ts'
import { apiVersions } from './messages/api-versions.ts'
import type { WireReader } from './wire-reader.ts'
import { WireWriter } from './wire-writer.ts'

/** What every request says of itself before its body. */
export interface RequestHeader {
  readonly apiKey: number
  readonly apiVersion: number
  readonly correlationId: number
  readonly clientId: string | null
}

/**
 * Serves the requests of one connection, one frame at a time: bytes in, bytes out, both without the 4-byte length.
 *
 * The client over an in-process broker and the broker's socket listener both speak this form. The handler copies what it
 * keeps of the frame before its promise settles; null means that no answer is due (a Produce with acks 0).
 * A rejection means that the connection must be closed.
 */
export type Handler = (frame: Buffer) => Promise<Buffer | null>

/** Opens a connection to a broker in this process. `close` frees what the connection holds, long polls among it. */
export type Connect = () => { readonly handle: Handler; readonly close: () => void }

/** Reads key, version, correlation id and client id, and leaves the reader there: the tag section of flexible versions follows. */
export function readRequestHeader(reader: WireReader): RequestHeader {
  const apiKey = reader.int16()
  const apiVersion = reader.int16()
  const correlationId = reader.int32()
  const length = reader.int16()
  return { apiKey, apiVersion, correlationId, clientId: length < 0 ? null : reader.text(length) }
}

/** Skips a section of tagged fields (KIP-482). */
export function skipTags(reader: WireReader): void {
  for (let left = reader.uvarint(); left > 0; left--) {
    reader.uvarint()
    reader.slice(reader.uvarint())
  }
}

/** A request frame: header, in flexible versions an empty tag section, body. A given writer is written on from where it is. */
export function encodeRequestFrame(
  description: Pick<Api, 'flexibleSince'>,
  header: RequestHeader,
  body: Uint8Array,
  writer: WireWriter = new WireWriter(64 + body.length + (header.clientId?.length ?? 0) * 3),
): Buffer {
  writer.int16(header.apiKey)
  writer.int16(header.apiVersion)
  writer.int32(header.correlationId)
  if (header.clientId === null) writer.int16(-1)
  else {
    const length = Buffer.byteLength(header.clientId)
    writer.int16(length)
    writer.text(header.clientId, length)
  }
  if (isFlexible(description, header.apiVersion)) writer.uvarint(0)
  writer.bytes(body)
  return writer.finish()
}

/** Whether the response header of this API and version ends in a tag section. ApiVersions never has one. */
export function hasResponseTags(description: Pick<Api, 'key' | 'flexibleSince'>, version: number): boolean {
  return description.key !== apiVersions.key && isFlexible(description, version)
}

/** Begins a response frame: correlation id and, where it is due, the empty tag section. The body is written behind it. */
export function beginResponseFrame(
  writer: WireWriter,
  description: Pick<Api, 'key' | 'flexibleSince'>,
  version: number,
  correlationId: number,
): void {
  writer.int32(correlationId)
  if (hasResponseTags(description, version)) writer.uvarint(0)
}
