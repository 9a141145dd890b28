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

/** The serde of a name; admits null. */
export const serdeOf = (name: SerdeName | 'nothing'): Serde<unknown> => admitting[name]

/** Bytes in an encoding; null for what Kafka writes as null. */
export function bytesOf(name: SerdeName | 'nothing', value: unknown): Buffer | null {
  if (value === null || value === undefined || name === 'nothing') return null
  return Buffer.from(plain[name].serialize(value))
}

/** Bytes of the encoding that are none. */
export const poisonOf = (name: SerdeName): Buffer => (name === 'text' ? Buffer.of(0xff) : Buffer.from('{"'))
