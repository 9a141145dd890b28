import type { Header, Headers } from '../core/record.ts'
import type { Serde } from './serde.ts'

const nothingInIt = new Uint8Array(0)

/**
 * Only that there is a value, in no bytes: what a repartition topic carries where every reader counts and none looks.
 * Null stays null, so a count passes over it as before: no record has a value there that could be null.
 */
export const presence: Serde<unknown> = Object.freeze({
  id: 'presence',
  immutable: true,
  holdsNull: true,
  validate: () => true,
  serialize: () => nothingInIt,
  deserialize: () => true,
})

/**
 * A record of a repartition topic says by itself whether its value was left out: one of no bytes was, unless this header says
 * that no bytes is what its value is. So a topic may hold both, and only a rare record pays for it. The name is the engine's own.
 */
const emptyValue: Header = ['millrace.empty', null]

/** The headers under which a value is written into a repartition topic. @param valueLength -1 for null */
export function headersWithValue(headers: Headers, valueLength: number): Headers {
  const others = withoutMark(headers)
  return valueLength === 0 ? [...others, emptyValue] : others
}

/** The headers of a record as they were before it went through a repartition topic. */
export function withoutMark(headers: Headers): Headers {
  return headers.length > 0 && isValueEmpty(headers) ? headers.filter(([name]) => name !== emptyValue[0]) : headers
}

/** Whether a value of no bytes is one, rather than left out. */
export function isValueEmpty(headers: Headers): boolean {
  return headers.some(([name]) => name === emptyValue[0])
}
