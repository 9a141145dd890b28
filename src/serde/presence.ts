import type { Serde } from './serde.ts'

const nothingInIt = new Uint8Array(0)

/**
 * Only that there is a value, in no bytes: what a repartition topic carries where every reader counts and none looks.
 * Null stays null, since the engine writes it without asking a serde, so a count passes over it as before.
 */
export const presence: Serde<unknown> = Object.freeze({
  id: 'presence',
  immutable: true,
  validate: () => true,
  serialize: () => nothingInIt,
  deserialize: () => true,
})
