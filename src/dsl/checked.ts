import { StreamError } from '../core/errors.ts'
import type { AnySerde } from '../serde/serde.ts'

// A pipeline file runs without a type check (X26), so what the compiler would have said is said here, where it is wrong.

/** A function that was given, as it is. @throws {StreamError} `PIPELINE_INVALID` when it is none */
export function checkedFunction<F>(what: string, fn: F): F {
  return typeof fn === 'function' ? fn : refuse(what, 'a function', fn)
}

/** A serde that was given, as it is. @throws {StreamError} `PIPELINE_INVALID` when it is none */
export function checkedSerde<S extends AnySerde>(what: string, serde: S): S {
  const { id, serialize, deserialize } = (serde ?? {}) as Partial<AnySerde>
  const fits = typeof id === 'string' && typeof serialize === 'function' && typeof deserialize === 'function'
  return fits ? serde : refuse(what, 'a serde such as text or json()', serde)
}

/** A thing that was given and says what it is by its `kind`. @throws {StreamError} `PIPELINE_INVALID` when it is another */
export function checkedKind<T extends { readonly kind: string }>(what: string, value: T, kinds: readonly string[]): T {
  const kind = (value as Partial<T> | null | undefined)?.kind
  return kinds.includes(kind ?? '') ? value : refuse(what, `a ${kinds.join(' or ')}`, kind ?? value)
}

function refuse(what: string, expected: string, found: unknown): never {
  const name = typeof found === 'string' ? JSON.stringify(found) : found === null ? 'null' : typeof found
  throw new StreamError('PIPELINE_INVALID', `${what}: expected ${expected}, found ${name}; correct the call`)
}
