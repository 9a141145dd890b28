/** Bytes that an array of bytes takes beside what is in it: two objects and a place of its own. */
export const bufferBytes = 200

/** Of an object, a list and each of their places, as V8 lays them out. */
const objectBytes = 32
const placeBytes = 8
const entryBytes = 32

/** What a number or a boolean takes: a number that is not small is an object. */
export const scalarBytes = 16

/** Parts that are looked at, in all; of a list or a map some entries stand for the others. */
const looksMax = 64
const samples = 4

/**
 * About how many bytes a value takes in memory, for a look at few of its parts: text by its length, taken as one byte a
 * character; lists and maps by some of their entries. What is behind the last look counts as a place.
 */
export function sizeOf(value: unknown): number {
  if (typeof value === 'string') return textBytes(value.length)
  if (typeof value === 'number' || typeof value === 'boolean') return scalarBytes
  return Math.round(new Estimate().of(value))
}

/** Bytes of a text in memory. @param encodedBytes as UTF-8: more of them than characters are taken as two bytes each */
export function textBytes(length: number, encodedBytes: number = length): number {
  return 24 + (encodedBytes > length ? 2 * length : length)
}

/** What a committed value takes in memory where the value itself is kept. @param encodedBytes length of its bytes */
export function committedBytes(value: unknown, encodedBytes: number): number {
  if (typeof value === 'number' || typeof value === 'boolean') return scalarBytes
  return typeof value === 'string' ? textBytes(value.length, encodedBytes) : bufferBytes + encodedBytes
}

class Estimate {
  private left = looksMax

  of(value: unknown): number {
    switch (typeof value) {
      case 'undefined':
        return 0
      case 'string':
        return textBytes(value.length)
      case 'bigint':
        return 24
      case 'object':
        return value === null || this.left-- <= 0 ? placeBytes : this.ofObject(value)
      default:
        // Within something it stands in its place, most often.
        return 0
    }
  }

  private ofObject(value: object): number {
    if (ArrayBuffer.isView(value)) return bufferBytes + value.byteLength
    if (Array.isArray(value)) return objectBytes + value.length * (placeBytes + this.meanOf(ends(value)))
    if (value instanceof Map) {
      return objectBytes + value.size * (entryBytes + this.meanOf(value.keys()) + this.meanOf(value.values()))
    }
    if (value instanceof Set) return objectBytes + value.size * (entryBytes + this.meanOf(value.values()))
    return this.ofPlain(value as Readonly<Record<string, unknown>>)
  }

  private ofPlain(value: Readonly<Record<string, unknown>>): number {
    const names = Object.keys(value)
    const looked = Math.min(names.length, Math.max(1, this.left))
    let bytes = 0
    for (let i = 0; i < looked; i++) bytes += placeBytes + this.of(value[names[i] as string])
    return objectBytes + (looked === 0 ? 0 : (bytes * names.length) / looked)
  }

  private meanOf(entries: Iterable<unknown>): number {
    let bytes = 0
    let count = 0
    for (const entry of entries) {
      bytes += this.of(entry)
      if (++count === samples) break
    }
    return count === 0 ? 0 : bytes / count
  }
}

/** Some entries of a list, its last ones among them: lists grow at their end. */
function* ends(list: readonly unknown[]): Iterable<unknown> {
  const step = Math.max(1, (list.length - 1) / (samples - 1))
  for (let at = list.length - 1; at > -1; at -= step) yield list[Math.max(0, Math.round(at))]
}
