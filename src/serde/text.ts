import { refuseWrite } from './refuse.ts'
import type { Serde } from './serde.ts'
import { decodeUtf8, decodeUtf8Range, encodeUtf8, isUtf8Range } from './utf8.ts'

/**
 * Text as UTF-8: what string-keyed topics hold. Bytes are checked on entry and decoded when first read.
 * A lone surrogate, which UTF-8 cannot hold, is written as U+FFFD.
 */
export const text: Serde<string> = Object.freeze({
  id: 'text',
  immutable: true,
  validate: isUtf8Range,
  deserialize: decodeUtf8,
  deserializeRange: decodeUtf8Range,
  serialize: (value: string) =>
    typeof value === 'string'
      ? encodeUtf8(value)
      : refuseWrite('text', 'a string', value, 'give the serde of its type'),
})

/** {@link text} for a branded or literal type: `textOf<UserId>()`. The same encoding, so the same `id`. */
export function textOf<T extends string>(): Serde<T> {
  return text as Serde<string> as unknown as Serde<T>
}
