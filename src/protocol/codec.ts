import { assert } from '../core/assert.ts'
import { StreamError } from '../core/errors.ts'
import type { WireReader } from './wire-reader.ts'
import type { WireWriter } from './wire-writer.ts'

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
