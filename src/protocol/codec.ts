import { assert } from '../core/assert.ts'
import { StreamError } from '../core/errors.ts'
import { WireReader } from './wire-reader.ts'
import { WireWriter } from './wire-writer.ts'

/** A reader and a writer for one type at one version. */
export interface Compiled<Out, In> {
  read(reader: WireReader): Out
  write(writer: WireWriter, value: In): void
}

/**
 * A type of the Kafka protocol, described once and compiled for each version that is used.
 *
 * `Out` is what reading gives; `In` is what writing takes, where fields that some versions lack may be left out.
 * `flexible` versions (KIP-482) have compact lengths and a tag section after each structure.
 */
export interface Codec<Out, In = Out> {
  compile(version: number, flexible: boolean): Compiled<Out, In>
  /** What a version without this field reads as. */
  readonly fallback: Out
}

/** A field of a structure: its type, the versions that have it, and what it is elsewhere. */
export interface Field<Out, In = Out> {
  readonly codec: Codec<Out, In>
  readonly since: number
  readonly until: number
  readonly fallback: Out
  /** In flexible versions this field stands in the tag section, under this number. */
  readonly tag?: number
}

type AnyCodec = Codec<unknown, never>
type AnyField = Field<unknown, never>
type Shape = { readonly [name: string]: AnyCodec | AnyField }

type OutOf<T> = T extends Codec<infer O, never> ? O : T extends Field<infer O, never> ? O : never
type InOf<T> = T extends Codec<never, infer I> | Codec<unknown, infer I>
  ? I
  : T extends Field<unknown, infer I>
    ? I
    : never
type Optional<S> = { [N in keyof S]: S[N] extends AnyField ? N : never }[keyof S]

/** What reading a structure gives: every field, whatever the version. */
export type StructOut<S> = { -readonly [N in keyof S]: OutOf<S[N]> }
/** What writing a structure takes: fields bound to versions may be left out. */
export type StructIn<S> = { readonly [N in Exclude<keyof S, Optional<S>>]: InOf<S[N]> } & {
  readonly [N in Optional<S>]?: InOf<S[N]> | undefined
}

const simple = <T>(fallback: T, read: (r: WireReader) => T, write: (w: WireWriter, value: T) => void): Codec<T> => {
  const compiled = { read, write }
  return { compile: () => compiled, fallback }
}

/** A signed number of 8 bits. */
export const int8: Codec<number> = simple(
  0,
  (r) => r.int8(),
  (w, v) => w.int8(v),
)
/** A signed number of 16 bits. */
export const int16: Codec<number> = simple(
  0,
  (r) => r.int16(),
  (w, v) => w.int16(v),
)
/** A signed number of 32 bits. */
export const int32: Codec<number> = simple(
  0,
  (r) => r.int32(),
  (w, v) => w.int32(v),
)
/** A signed number of 64 bits within ±(2^53 - 1). */
export const int64: Codec<number> = simple(
  0,
  (r) => r.int64(),
  (w, v) => w.int64(v),
)
/** An unsigned number of 16 bits. */
export const uint16: Codec<number> = simple(
  0,
  (r) => r.uint16(),
  (w, v) => w.uint16(v),
)
/** A double. */
export const float64: Codec<number> = simple(
  0,
  (r) => r.float64(),
  (w, v) => w.float64(v),
)
/** One byte; anything but 0 is true. */
export const boolean: Codec<boolean> = simple(
  false,
  (r) => r.boolean(),
  (w, v) => w.boolean(v),
)
/** 32 hexadecimal digits; the zero id means none. */
export const uuid: Codec<string> = simple(
  '0'.repeat(32),
  (r) => r.uuid(),
  (w, v) => w.uuid(v),
)

/** Lengths of texts, bytes and arrays: classic ones are fixed-width with -1 for null, compact ones are varints plus 1. */
const compactLength = (r: WireReader): number => r.uvarint() - 1

/** UTF-8 text, or null. */
export const nullableString: Codec<string | null> = {
  fallback: null,
  compile: (_version, flexible) => ({
    read: (r) => {
      const length = flexible ? compactLength(r) : r.int16()
      return length < 0 ? null : r.text(length)
    },
    write: (w, value) => {
      if (value === null) return flexible ? w.uvarint(0) : w.int16(-1)
      const length = Buffer.byteLength(value)
      if (flexible) w.uvarint(length + 1)
      else w.int16(length)
      w.text(value, length)
    },
  }),
}

/** UTF-8 text. */
export const string: Codec<string> = notNull('text', nullableString, '')

/** A view of the message, not a copy. Record batches are this type, too. */
export const nullableBytes: Codec<Buffer | null, Uint8Array | null> = {
  fallback: null,
  compile: (_version, flexible) => ({
    read: (r) => {
      const length = flexible ? compactLength(r) : r.int32()
      return length < 0 ? null : r.slice(length)
    },
    write: (w, value) => {
      if (value === null) return flexible ? w.uvarint(0) : w.int32(-1)
      if (flexible) w.uvarint(value.length + 1)
      else w.int32(value.length)
      w.bytes(value)
    },
  }),
}

/** Like {@link nullableBytes}, but may be written from several pieces, too, so that large ones are copied once. */
export const nullableChunks: Codec<Buffer | null, Uint8Array | readonly Uint8Array[] | null> = {
  fallback: null,
  compile: (version, flexible) => ({
    read: nullableBytes.compile(version, flexible).read,
    write: (w, value) => {
      if (value === null) return flexible ? w.uvarint(0) : w.int32(-1)
      const pieces = value instanceof Uint8Array ? [value] : value
      const length = pieces.reduce((total, piece) => total + piece.length, 0)
      if (flexible) w.uvarint(length + 1)
      else w.int32(length)
      for (const piece of pieces) w.bytes(piece)
    },
  }),
}

/** Like {@link nullableBytes}, where null is not legal. */
export const bytes: Codec<Buffer, Uint8Array> = notNull('bytes', nullableBytes, Buffer.alloc(0))

/** An array that may be null, which then means something of its own (all topics, no list). */
export function nullableArray<O, I>(element: Codec<O, I>): Codec<O[] | null, readonly I[] | null> {
  return {
    fallback: null,
    compile: (version, flexible) => {
      const inner = element.compile(version, flexible)
      return {
        read: (r) => {
          const count = flexible ? compactLength(r) : r.int32()
          if (count < 0) return null
          const all: O[] = []
          for (let left = r.count(count); left > 0; left--) all.push(inner.read(r))
          return all
        },
        write: (w, value) => {
          if (value === null) return flexible ? w.uvarint(0) : w.int32(-1)
          if (flexible) w.uvarint(value.length + 1)
          else w.int32(value.length)
          for (const item of value) inner.write(w, item)
        },
      }
    },
  }
}

/** An array, where null is not legal. */
export function array<O, I>(element: Codec<O, I>): Codec<O[], readonly I[]> {
  return notNull('an array', nullableArray(element), [])
}

function notNull<O, I>(what: string, codec: Codec<O | null, I | null>, fallback: O): Codec<O, I> {
  return {
    fallback,
    compile: (version, flexible) => {
      const inner = codec.compile(version, flexible)
      return {
        read: (r) => present(what, inner.read(r)),
        write: (w, value) => {
          assert(value !== null, `${what} of a Kafka message is not null`)
          inner.write(w, value)
        },
      }
    },
  }
}

function present<T>(what: string, value: T | null): T {
  if (value === null) throw new StreamError('WIRE_MALFORMED', `malformed Kafka message: ${what} must not be null`)
  return value
}

/** A type that became nullable with `version`; before it, `instead` is written in place of null and null is refused. */
export function nullableSince<O, I>(version: number, codec: Codec<O | null, I | null>, instead: I): typeof codec {
  return {
    fallback: codec.fallback,
    compile: (at, flexible) => {
      const inner = codec.compile(at, flexible)
      return at >= version
        ? inner
        : { read: (r) => present('this field', inner.read(r)), write: (w, value) => inner.write(w, value ?? instead) }
    },
  }
}

/** A field that versions below `version` do not have; there it reads as `fallback` and is not written. */
export function since<O, I>(version: number, codec: Codec<O, I>, fallback: O = codec.fallback): Field<O, I> {
  return { codec, since: version, until: Number.POSITIVE_INFINITY, fallback }
}

/** A field of the versions `from` to `to`, both included. */
export function between<O, I>(from: number, to: number, codec: Codec<O, I>, fallback: O = codec.fallback): Field<O, I> {
  return { codec, since: from, until: to, fallback }
}

/** A field of the tag section of flexible versions, written only when it is given and other than its default. */
export function tagged<O, I>(tag: number, from: number, codec: Codec<O, I>, fallback: O = codec.fallback): Field<O, I> {
  return { codec, since: from, until: Number.POSITIVE_INFINITY, fallback, tag }
}

/** A structure: its fields in the order of the wire. */
export function struct<const S extends Shape>(shape: S): Codec<StructOut<S>, StructIn<S>> {
  const fields = Object.entries(shape).map(([name, entry]): { name: string } & AnyField =>
    'codec' in entry
      ? { name, ...entry }
      : { name, codec: entry, since: 0, until: Number.POSITIVE_INFINITY, fallback: entry.fallback },
  )
  return {
    fallback: Object.fromEntries(fields.map((f) => [f.name, f.fallback])) as StructOut<S>,
    compile: (version, flexible) =>
      compileStruct(fields, version, flexible) as unknown as Compiled<StructOut<S>, StructIn<S>>,
  }
}

type Slot = { name: string; fallback: unknown; tag: number | undefined; inner: Compiled<unknown, unknown> | null }

function compileStruct(
  fields: readonly ({ name: string } & AnyField)[],
  version: number,
  flexible: boolean,
): Compiled<Record<string, unknown>, Record<string, unknown>> {
  const slots: Slot[] = fields.map((field) => {
    const present = version >= field.since && version <= field.until && (field.tag === undefined || flexible)
    return {
      name: field.name,
      fallback: field.fallback,
      tag: field.tag,
      inner: present ? (field.codec.compile(version, flexible) as Compiled<unknown, unknown>) : null,
    }
  })
  const inline = slots.filter((slot) => slot.tag === undefined && slot.inner)
  const byTag = slots
    .filter((slot) => slot.tag !== undefined && slot.inner)
    .sort((a, b) => (a.tag as number) - (b.tag as number))
  return {
    read: (r) => {
      const value: Record<string, unknown> = {}
      for (const slot of slots)
        value[slot.name] = slot.tag === undefined && slot.inner ? slot.inner.read(r) : slot.fallback
      if (flexible) readTags(r, byTag, value)
      return value
    },
    write: (w, value) => {
      for (const slot of inline) {
        const given = value[slot.name]
        slot.inner?.write(w, given === undefined ? slot.fallback : given)
      }
      if (flexible) writeTags(w, byTag, value)
    },
  }
}

function readTags(r: WireReader, slots: readonly Slot[], value: Record<string, unknown>): void {
  for (let left = r.uvarint(); left > 0; left--) {
    const tag = r.uvarint()
    const content = r.slice(r.uvarint())
    const slot = slots.find((candidate) => candidate.tag === tag)
    if (slot?.inner) value[slot.name] = slot.inner.read(new WireReader(content))
  }
}

function writeTags(w: WireWriter, slots: readonly Slot[], value: Record<string, unknown>): void {
  const given = slots.filter((slot) => !isDefault(value[slot.name], slot.fallback))
  w.uvarint(given.length)
  for (const slot of given) {
    const content = new WireWriter(64)
    slot.inner?.write(content, value[slot.name])
    const written = content.finish()
    w.uvarint(slot.tag as number)
    w.uvarint(written.length)
    w.bytes(written)
  }
}

function isDefault(value: unknown, fallback: unknown): boolean {
  return value === undefined || value === fallback || (Array.isArray(value) && value.length === 0)
}
