import { checkLength, refuseRead, refuseWrite } from './refuse.ts'
import type { Serde } from './serde.ts'

const remedy = 'read the topic with the serde that it was written with'

/** A boolean as one byte, 0 or 1: what Java's `BooleanSerializer` writes. */
export const bool: Serde<boolean> = Object.freeze({
  id: 'bool',
  immutable: true,
  serialize: (value: boolean) =>
    typeof value === 'boolean'
      ? Uint8Array.of(value ? 1 : 0)
      : refuseWrite('bool', 'a boolean', value, 'give the serde of its type'),
  deserialize(bytes: Uint8Array) {
    checkLength('bool', bytes, 1)
    const byte = bytes[0]
    return byte === 0 || byte === 1 ? byte === 1 : refuseRead('bool', 'the byte 0 or 1', `the byte ${byte}`, remedy)
  },
})
