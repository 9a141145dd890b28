/** Header names to raw bytes, in the order of the wire. A Map, so that no header name can meet a prototype. */
export type Headers = ReadonlyMap<string, Uint8Array>

/** The one empty set of headers, so that records without any share it. */
export const noHeaders: Headers = new Map()

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
