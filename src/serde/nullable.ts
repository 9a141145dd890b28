import { refuseRead, refuseWrite } from './refuse.ts'
import type { Serde } from './serde.ts'

/**
 * Shows null to user code, and takes it from there: a delete in a table, a record without a value elsewhere. Null has no
 * bytes in Kafka, so the engine reads and writes it without asking a serde, and the encoding of all else, with its `id`, is
 * that of `serde`. A topic whose serde is not nullable may hold such records, too: they pass user code by (R47).
 */
export function nullable<T>(serde: Serde<T>): Serde<T | null> {
  if (serde.holdsNull === true) return serde as Serde<unknown> as Serde<T | null>
  return Object.freeze({
    ...serde,
    holdsNull: true,
    serialize: (value: T | null) =>
      value === null
        ? refuseWrite(`nullable(${serde.id})`, 'a value', null, 'write null as a record without a value')
        : serde.serialize(value),
    deserialize: serde.deserialize,
  })
}

/** The serde of keys that are always null, such as those of lines of a file. */
export const nothing: Serde<null> = Object.freeze({
  id: 'nothing',
  immutable: true,
  holdsNull: true,
  serialize: (value: null) =>
    value === null ? new Uint8Array(0) : refuseWrite('nothing', 'null', value, 'give the serde of its type'),
  deserialize: (bytes: Uint8Array) =>
    bytes.length === 0
      ? null
      : refuseRead('nothing', 'no bytes', `${bytes.length} of them`, 'give the serde of the key, or bytes'),
})
