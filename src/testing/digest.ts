import { crc32c } from '../protocol/crc32c.ts'

/** Where a hash begins. */
export const emptyDigest: number = 0x811c9dc5 | 0

/** Adds a 32-bit number to a hash. */
export function mix(hash: number, part: number): number {
  const mixed = Math.imul(hash ^ part, 0x01000193)
  return Math.imul(mixed ^ (mixed >>> 15), 0x85ebca6b)
}

/** Adds a text to a hash. */
export function mixText(hash: number, text: string): number {
  let mixed = mix(hash, text.length)
  for (let i = 0; i < text.length; i++) mixed = Math.imul(mixed ^ text.charCodeAt(i), 0x01000193)
  return mixed
}

/**
 * Names what a port was asked, or what it answered: a 32-bit number that differs when plain data or bytes do.
 *
 * A tree is walked as it is: made into JSON text first, requests and disk batches cost a third of a simulation.
 */
export function digestOf(value: unknown): number {
  return mixValue(emptyDigest, value)
}

function mixValue(hash: number, value: unknown): number {
  if (typeof value === 'number' && Number.isInteger(value)) return mix(mix(hash, value), value / 2 ** 32)
  if (typeof value !== 'object' || value === null) return mixText(hash, String(value))
  if (value instanceof Uint8Array) return mix(mix(hash, value.length), crc32c(value, 0, value.length))
  let mixed = hash
  for (const [name, part] of Object.entries(value)) mixed = mixValue(mixText(mixed, name), part)
  return mixed
}
