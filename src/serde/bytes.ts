import { refuseWrite } from './refuse.ts'
import type { Serde } from './serde.ts'

/** Bytes as they are. Both ways copy, so that nothing a caller does later changes what was written or read. */
export const bytes: Serde<Uint8Array> = Object.freeze({
  id: 'bytes',
  validate: () => true,
  serialize: (value: Uint8Array) =>
    value instanceof Uint8Array
      ? value.slice()
      : refuseWrite('bytes', 'a Uint8Array', value, 'give the serde of its type'),
  deserialize: (view: Uint8Array) => new Uint8Array(view),
})
