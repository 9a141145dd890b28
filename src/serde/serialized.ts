import { messageOf, StreamError } from '../core/errors.ts'
import type { AnySerde } from './serde.ts'

/**
 * The bytes of a value, and nothing else: null would be a delete to a topic and to a store, and a text would be written as
 * what its characters happen to be.
 * @param part what of a record the value is
 * @param place what it is for, as a message names it: `the topic orders`
 * @throws {StreamError} `RECORD_SERIALIZATION` for undefined, and when the serde throws or gives no bytes; correct the value
 * or the serde
 */
export function serialized(serde: AnySerde, value: unknown, part: 'key' | 'value', place: string): Uint8Array {
  try {
    if (value === undefined) throw new TypeError('undefined is no value; give one, or filter the record out')
    const bytes: unknown = serde.serialize(value)
    if (bytes instanceof Uint8Array) return bytes
    throw new TypeError(`its serialize gave ${bytes === null ? 'null' : typeof bytes}, and bytes are expected`)
  } catch (error) {
    throw new StreamError(
      'RECORD_SERIALIZATION',
      `a ${part} for ${place} cannot be written as ${serde.id}: ${messageOf(error)}${value === null ? wayOfNull(serde) : ''}`,
      { cause: error },
    )
  }
}

function wayOfNull({ id }: AnySerde): string {
  return `. nullable(${id}) writes null as a record without a value; or filter null out before it`
}
