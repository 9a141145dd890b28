import { int32, int64, nothing, nullable, type Serde, structured, text } from '../../src/index.ts'
import type { SerdeName } from './case.ts'

const plain: Readonly<Record<SerdeName | 'nothing', Serde<unknown>>> = {
  text: text as Serde<unknown>,
  int32: int32 as Serde<unknown>,
  int64: int64 as Serde<unknown>,
  structured: structured<{}>() as Serde<unknown>,
  nothing: nothing as Serde<unknown>,
}

const admitting = Object.fromEntries(
  Object.entries(plain).map(([name, serde]) => [name, name === 'nothing' ? serde : nullable(serde)]),
) as Readonly<Record<SerdeName | 'nothing', Serde<unknown>>>

/** The serde of a name. */
export const serdeOf = (name: SerdeName | 'nothing', holdsNull = true): Serde<unknown> =>
  (holdsNull ? admitting : plain)[name]

/** How a serde is written in a pipeline. */
export const serdeText = (name: SerdeName | 'nothing', holdsNull = false): string =>
  holdsNull ? `nullable(${name})` : name

/** What `structured` makes of null: no delete. */
export const nullBytes: Buffer = Buffer.from(plain.structured.serialize(null))

/** Bytes in an encoding; null for what has no value. */
export function bytesOf(name: SerdeName | 'nothing', value: unknown): Buffer | null {
  if (value === null || value === undefined || name === 'nothing') return null
  return Buffer.from(plain[name].serialize(value))
}

/** Bytes of the encoding that are none. */
export const poisonOf = (name: SerdeName): Buffer => (name === 'text' ? Buffer.of(0xff) : Buffer.from('{"'))
