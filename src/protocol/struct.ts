import type { Codec, Compiled } from './codec.ts'
import { WireReader } from './wire-reader.ts'
import { WireWriter } from './wire-writer.ts'

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
