import { readFileSync } from 'node:fs'
import fc from 'fast-check'

const folder = new URL('../unit/protocol/fixtures/', import.meta.url)

/** The lines of a fixture of `test/unit/protocol/fixtures` that are not comments, without their line ends. */
export function factLines(file: string): string[] {
  const text = readFileSync(new URL(file, folder), 'utf8')
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
}

/** A range of versions, both ends included. */
interface Versions {
  readonly from: number
  readonly to: number
}

/** A field of a message as Kafka defines it, under our name. */
export interface FieldFact {
  readonly name: string
  readonly isArray: boolean
  /** A type of Kafka's, or `{}` for a structure of `fields`. */
  readonly type: string
  readonly versions: Versions
  readonly nullable: Versions | null
  /** What a version without the field reads as. */
  readonly fallback: unknown
  readonly fields: readonly FieldFact[]
}

/** A message as Kafka defines it, in the versions that we describe. */
export interface MessageFact {
  readonly api: string
  readonly direction: 'request' | 'response'
  readonly key: number
  readonly versions: Versions
  readonly flexibleSince: number
  readonly fields: readonly FieldFact[]
}

const range = (text: string): Versions => {
  const [from, to] = text.split('-').map(Number) as [number, number?]
  return { from, to: to ?? from }
}

const within = (version: number, versions: Versions | null): boolean =>
  versions !== null && version >= versions.from && version <= versions.to

const zeroOf: Readonly<Record<string, unknown>> = { string: '', bool: false, uuid: '0'.repeat(32), bytes: '' }

function parseField(line: string, fields: readonly FieldFact[]): FieldFact {
  const [name, type, versions, ...rest] = line.trim().split(' ') as [string, string, string, ...string[]]
  const after = (word: string): string | undefined => (rest.includes(word) ? rest[rest.indexOf(word) + 1] : undefined)
  const nullVersions = after('null')
  const given = after('=')
  const isArray = type.startsWith('[]')
  const bare = type.replace('[]', '')
  const fallback =
    nullVersions !== undefined
      ? null
      : isArray
        ? []
        : given === undefined
          ? (zeroOf[bare] ?? 0)
          : bare === 'bool'
            ? given === 'true'
            : Number(given)
  return {
    name,
    isArray,
    type: bare,
    versions: range(versions),
    nullable: nullVersions === undefined ? null : range(nullVersions),
    fallback,
    fields,
  }
}

const depthOf = (line: string): number => line.search(/\S/) / 2

function parseFields(lines: readonly string[], depth: number): FieldFact[] {
  const starts = lines.flatMap((line, index) => (depthOf(line) === depth ? [index] : []))
  return starts.map((start, i) => {
    const inner = lines.slice(start + 1, starts[i + 1] ?? lines.length)
    return parseField(lines[start] as string, parseFields(inner, depth + 1))
  })
}

/** Every message of `kafka-fields.txt`. */
export function messageFacts(): MessageFact[] {
  const lines = factLines('kafka-fields.txt')
  const starts = lines.flatMap((line, index) => (depthOf(line) === 0 ? [index] : []))
  return starts.map((start, i) => {
    const [api, direction, , key, , versions, , flexible] = (lines[start] as string).split(' ') as string[]
    return {
      api: api as string,
      direction: direction as 'request' | 'response',
      key: Number(key),
      versions: range(versions as string),
      flexibleSince: flexible === 'never' ? Number.POSITIVE_INFINITY : Number(flexible),
      fields: parseFields(lines.slice(start + 1, starts[i + 1] ?? lines.length), 1),
    }
  })
}

const arbitraryOf: Readonly<Record<string, () => fc.Arbitrary<unknown>>> = {
  int8: () => fc.integer({ min: -0x80, max: 0x7f }),
  int16: () => fc.integer({ min: -0x8000, max: 0x7fff }),
  int32: () => fc.integer(),
  int64: () => fc.maxSafeInteger(),
  bool: () => fc.boolean(),
  string: () => fc.string({ unit: 'grapheme', maxLength: 20 }),
  uuid: () => fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes).toString('hex')),
  bytes: () => fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
}

/** Values of these fields as a version has them: fields of other versions are left out. */
export function messageValues(fields: readonly FieldFact[], version: number): fc.Arbitrary<Record<string, unknown>> {
  const present = fields.filter((field) => within(version, field.versions))
  return fc.record(
    Object.fromEntries(
      present.map((field) => {
        const one = field.type === '{}' ? messageValues(field.fields, version) : arbitraryOf[field.type]?.()
        if (one === undefined) throw new Error(`the field ${field.name} has the unknown type ${field.type}`)
        const all: fc.Arbitrary<unknown> = field.isArray ? fc.array(one, { maxLength: 3 }) : one
        return [field.name, within(version, field.nullable) ? fc.option(all, { freq: 4 }) : all]
      }),
    ),
  )
}

/** A value of a version as every version reads it: with the fallbacks of the fields that it lacks. Bytes as hex. */
export function withFallbacks(
  fields: readonly FieldFact[],
  version: number,
  value: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const inner = (field: FieldFact, one: unknown): unknown =>
    field.type === '{}' ? withFallbacks(field.fields, version, one as Record<string, unknown>) : plain(one)
  return Object.fromEntries(
    fields.map((field) => {
      const given = value[field.name]
      if (!within(version, field.versions)) return [field.name, field.fallback]
      if (given === null) return [field.name, null]
      return [field.name, field.isArray ? (given as unknown[]).map((one) => inner(field, one)) : inner(field, given)]
    }),
  )
}

/** The same value with all bytes as hex, so that two of them can be compared. */
export function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  if (Array.isArray(value)) return value.map(plain)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, plain(one)]))
}

/**
 * The value that the lines marked `full` in `kafka-messages.txt` hold: arrays of two, and every leaf tells by its number
 * which it is, counted by type in the order of the wire.
 */
export function fullSample(fields: readonly FieldFact[], version: number): Record<string, unknown> {
  const counted = new Map<string, number>()
  const leaf = (type: string): unknown => {
    const n = (counted.get(type) ?? 0) + 1
    counted.set(type, n)
    if (type === 'int8') return (n % 100) + 3
    if (type === 'int16') return 300 + n
    if (type === 'int32') return 70_000 + n
    if (type === 'int64') return 5_000_000_000 + n
    if (type === 'bool') return true
    if (type === 'string') return `t${n}ü`
    if (type === 'bytes') return Buffer.from(`b${n}`)
    return Buffer.from(Array.from({ length: 16 }, (_, i) => (i * 7 + n) & 127)).toString('hex')
  }
  const structure = (all: readonly FieldFact[]): Record<string, unknown> => {
    const value: Record<string, unknown> = {}
    for (const field of all) {
      if (!within(version, field.versions)) continue
      const one = (): unknown => (field.type === '{}' ? structure(field.fields) : leaf(field.type))
      value[field.name] = field.isArray ? [one(), one()] : one()
    }
    return value
  }
  return structure(fields)
}
