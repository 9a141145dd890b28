import { StreamError } from '../core/errors.ts'

/** A value that an encoding has no bytes for. @throws {StreamError} `RECORD_SERIALIZATION`, always */
export function refuseWrite(serde: string, expected: string, found: unknown, remedy: string): never {
  throw new StreamError(
    'RECORD_SERIALIZATION',
    `serde ${serde}: expected ${expected}, found ${nameOf(found)}; ${remedy}`,
  )
}

/** Bytes that an encoding does not know. @throws {StreamError} `RECORD_DESERIALIZATION`, always */
export function refuseRead(serde: string, expected: string, found: string, remedy: string): never {
  throw new StreamError('RECORD_DESERIALIZATION', `serde ${serde}: expected ${expected}, found ${found}; ${remedy}`)
}

/** Refuses bytes of any length but one. */
export function checkLength(serde: string, bytes: Uint8Array, length: number): void {
  if (bytes.length !== length) {
    const unit = (count: number) => (count === 1 ? '1 byte' : `${count} bytes`)
    refuseRead(serde, unit(length), unit(bytes.length), 'read the topic with the serde that it was written with')
  }
}

/** What a value is, for messages: never its contents, which may be secret; numbers, since they explain themselves. */
function nameOf(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (typeof value === 'number') return `the number ${Object.is(value, -0) ? '-0' : value}`
  if (typeof value === 'bigint') return `the bigint ${value}`
  if (typeof value !== 'object') return `a ${typeof value}`
  if (Array.isArray(value)) return 'an array'
  const type: unknown = value.constructor
  return typeof type === 'function' && type !== Object ? `an instance of ${type.name}` : 'an object'
}
