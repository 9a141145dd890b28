import { type PlainRules, toPlainData } from './plain-data.ts'
import { refuseRead, refuseWrite } from './refuse.ts'
import type { Serde } from './serde.ts'
import { formatIssues, type StandardSchema } from './standard-schema.ts'
import type { Json } from './storable.ts'
import { decodeUtf8, encodeUtf8 } from './utf8.ts'

const rules: PlainRules = {
  exotic: (value) =>
    Object.is(value, -0)
      ? 0
      : refuseWrite('json', 'what JSON keeps', value, 'use structured(), or keep only plain data'),
}

const unchecked: Serde<unknown> = Object.freeze({
  id: 'json',
  serialize: (value: unknown) => encodeUtf8(JSON.stringify(toPlainData(value, rules))),
  deserialize: (bytes: Uint8Array): unknown => JSON.parse(decodeUtf8(bytes)),
})

/**
 * JSON text, with properties in order of name, so that equal objects are equal keys. What JSON would change without a
 * word is refused when it is written: NaN, a Date, a Map, an instance of a class, undefined in a list. -0 becomes 0, and
 * a property that is undefined is left out.
 *
 * With a schema (any Standard Schema that validates at once), values are checked when they are read, and what the
 * schema gives is the value; a schema that transforms must therefore accept what it gives. Without one, `T` is believed.
 * The bytes, and so the `id`, are the same in both cases.
 */
export function json<T extends { [P in keyof T]: Json<T[P]> }>(schema?: StandardSchema<T>): Serde<T> {
  const serde = unchecked as Serde<unknown> as unknown as Serde<T>
  return schema === undefined
    ? serde
    : Object.freeze({ ...serde, deserialize: (bytes: Uint8Array) => validated(schema, unchecked.deserialize(bytes)) })
}

function validated<T>(schema: StandardSchema<T>, value: unknown): T {
  const result = schema['~standard'].validate(value)
  if (result instanceof Promise) {
    return refuseRead('json', 'a schema that answers at once', 'a promise', 'leave out its asynchronous checks')
  }
  return result.issues === undefined
    ? result.value
    : refuseRead(
        'json',
        'a value that its schema accepts',
        formatIssues(result.issues),
        'mend the producer or the schema',
      )
}
