/** One header: its name, which may be empty, and raw bytes or null. */
export type Header = readonly [name: string, value: Uint8Array | null]

/**
 * The headers of a record in the order of the wire. A name may be there more than once: each hop of a trace adds its own.
 * {@link header} and {@link headerValues} look one up. A list, so that no name can meet a prototype.
 */
export type Headers = readonly Header[]

/** The one empty list of headers: records without any share it. */
export const noHeaders: Headers = Object.freeze([])

/** The value of the last header of this name, as `lastHeader` of Kafka; undefined where there is none of it. */
export function header(headers: Headers, name: string): Uint8Array | null | undefined {
  return headers.findLast(([own]) => own === name)?.[1]
}

/** The values of all headers of this name, in the order of the wire. */
export function headerValues(headers: Headers, name: string): (Uint8Array | null)[] {
  return headers.filter(([own]) => own === name).map(([, value]) => value)
}

/**
 * An event as user code and operators see it.
 *
 * `timestamp` is epoch milliseconds of the event, never of its arrival.
 */
export interface StreamRecord<out K = unknown, out V = unknown> {
  readonly key: K
  readonly value: V
  readonly timestamp: number
  readonly headers: Headers
}
