import type { Codec, Compiled } from './codec.ts'
import { WireReader } from './wire-reader.ts'
import { WireWriter } from './wire-writer.ts'

/**
 * One API of the Kafka protocol: its number, the versions we know, and the form of both messages.
 *
 * The same object serves the client, which writes requests, and the embedded broker, which reads them.
 */
export interface Api<QOut = unknown, QIn = never, ROut = unknown, RIn = never> {
  readonly key: number
  readonly name: string
  readonly minVersion: number
  readonly maxVersion: number
  /** The first version with compact types and tag sections. */
  readonly flexibleSince: number
  /**
   * The first version that means transactions of version 2 (KIP-890): a client sends it within a transaction only where the
   * cluster has finalized that feature. Without it no version does.
   */
  readonly secondTransactionsSince?: number | undefined
  readonly request: VersionedCodec<QOut, QIn>
  readonly response: VersionedCodec<ROut, RIn>
}

/** What reading a request of this API gives. */
export type RequestOf<A> = A extends Api<infer Q, never, unknown, never> ? Q : never
/** What reading a response of this API gives. */
export type ResponseOf<A> = A extends Api<unknown, never, infer R, never> ? R : never
/** What writing a response of this API takes. */
export type ResponseInput<A> = A extends Api<unknown, never, unknown, infer R> ? R : never

/** A message in each of its versions, without any header. */
export interface VersionedCodec<Out, In> {
  /** @throws {StreamError} `WIRE_MALFORMED` */
  decode(version: number, body: Buffer): Out
  /** @param sizeHint bytes to begin with; a message that is larger grows */
  encode(version: number, value: In, sizeHint?: number): Buffer
  /** Reads from where the reader stands. */
  read(version: number, reader: WireReader): Out
  /** Writes behind what the writer holds. */
  write(version: number, writer: WireWriter, value: In): void
}

/** Describes an API. `versions` are the lowest and the highest that both messages below are written for. */
export function api<QOut, QIn, ROut, RIn>(spec: {
  readonly key: number
  readonly name: string
  readonly versions: readonly [min: number, max: number]
  readonly flexibleSince: number
  readonly secondTransactionsSince?: number
  readonly request: Codec<QOut, QIn>
  readonly response: Codec<ROut, RIn>
}): Api<QOut, QIn, ROut, RIn> {
  return {
    key: spec.key,
    name: spec.name,
    minVersion: spec.versions[0],
    maxVersion: spec.versions[1],
    flexibleSince: spec.flexibleSince,
    secondTransactionsSince: spec.secondTransactionsSince,
    request: versioned(spec.request, spec.flexibleSince),
    response: versioned(spec.response, spec.flexibleSince),
  }
}

function versioned<Out, In>(codec: Codec<Out, In>, flexibleSince: number): VersionedCodec<Out, In> {
  const compiled = new Map<number, Compiled<Out, In>>()
  const at = (version: number): Compiled<Out, In> => {
    let found = compiled.get(version)
    if (!found) {
      found = codec.compile(version, version >= flexibleSince)
      compiled.set(version, found)
    }
    return found
  }
  return {
    decode: (version, body) => at(version).read(new WireReader(body)),
    encode: (version, value, sizeHint) => {
      const writer = new WireWriter(sizeHint)
      at(version).write(writer, value)
      return writer.finish()
    },
    read: (version, reader) => at(version).read(reader),
    write: (version, writer, value) => at(version).write(writer, value),
  }
}

/** Whether this version of the API has compact types and tag sections. */
export function isFlexible(description: Pick<Api, 'flexibleSince'>, version: number): boolean {
  return version >= description.flexibleSince
}
