import { deepStrictEqual } from 'node:assert'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Serde } from '../../src/serde/serde.ts'
import { runs } from '../support/seed.ts'

/** A serde with what it takes and what it refuses. */
export interface SerdeCase<T> {
  readonly serde: Serde<T>
  /** The id that is written into manifests: a change of it is a change of every plan that uses it. */
  readonly id: string
  readonly values: fc.Arbitrary<T>
  /** Of another type, or without an encoding. */
  readonly refusedValues: readonly unknown[]
  /** Bytes that no value has; none where all bytes are some value's. */
  readonly refusedBytes: readonly (readonly number[])[]
}

/** What every serde promises. */
export function serdeContract<T>(name: string, { serde, id, values, refusedValues, refusedBytes }: SerdeCase<T>): void {
  describe(`serde: ${name}`, () => {
    const each = (check: (value: T) => unknown): void =>
      fc.assert(
        fc.property(values, (value) => void check(value)),
        runs(200),
      )

    it('has the id that is written into manifests, and cannot be changed', () => {
      expect(serde.id).toBe(id)
      expect(Object.isFrozen(serde)).toBe(true)
    })

    it('gives back what it wrote', () => {
      each((value) => deepStrictEqual(serde.deserialize(serde.serialize(value)), value))
    })

    it('writes equal values equally, in whatever order their properties were set', () => {
      each((value) => deepStrictEqual(plain(serde.serialize(rearranged(value))), plain(serde.serialize(value))))
    })

    it('reads from the middle of a buffer, and keeps what it read when the buffer is used again', () => {
      each((value) => {
        const bytes = serde.serialize(value)
        const buffer = new Uint8Array(bytes.length + 11).fill(0xaa)
        buffer.set(bytes, 5)
        const read = serde.deserialize(buffer.subarray(5, 5 + bytes.length))
        buffer.fill(0x55)
        deepStrictEqual(read, value)
      })
    })

    it('does not change the value that it writes', () => {
      each((value) => {
        const before = structuredClone(value)
        serde.serialize(value)
        deepStrictEqual(structuredClone(value), before)
      })
    })

    it('writes bytes that nothing done later to the value changes', () => {
      each((value) => {
        const bytes = serde.serialize(value)
        const before = plain(bytes)
        if (value instanceof Uint8Array) value.fill(0xff)
        deepStrictEqual(plain(bytes), before)
      })
    })

    if (serde.immutable === true) {
      it('gives what nobody can change', () => {
        each((value) => {
          const read: unknown = serde.deserialize(serde.serialize(value))
          expect(typeof read !== 'object' || read === null || Object.isFrozen(read)).toBe(true)
        })
      })
    }

    const { deserializeRange, validate } = serde
    if (deserializeRange !== undefined) {
      it('reads a range of a buffer as it reads a view of it, and keeps what it read', () => {
        each((value) => {
          const bytes = serde.serialize(value)
          const buffer = Buffer.concat([Buffer.of(0xff), bytes, Buffer.of(0xff)])
          const read = deserializeRange(buffer, 1, 1 + bytes.length)
          buffer.fill(0x55)
          deepStrictEqual(read, value)
        })
      })
    }

    if (validate !== undefined) {
      it('passes what it wrote in its check, and can read all that passes', () => {
        each((value) => {
          const bytes = serde.serialize(value)
          expect(validate(Uint8Array.of(0xff, ...bytes, 0xff), 1, 1 + bytes.length)).toBe(true)
        })
        const passing = fc.uint8Array().filter((bytes) => validate(bytes, 0, bytes.length))
        fc.assert(
          fc.property(passing, (bytes) => void serde.deserialize(bytes)),
          runs(200),
        )
      })
    }

    it.each(refusedValues.map((value) => [value]))('refuses to write %s', (value) => {
      expect(() => serde.serialize(value as T)).toThrow()
    })

    it.each(refusedBytes.map((bytes) => [bytes]))('refuses to read the bytes %j', (bytes) => {
      expect(() => serde.deserialize(Uint8Array.from(bytes))).toThrow()
    })
  })
}

function plain(bytes: Uint8Array): readonly number[] {
  return [...bytes]
}

/** The same value with the properties of its plain objects the other way round. */
function rearranged<T>(value: T): T {
  if (Array.isArray(value)) return value.map(rearranged) as T
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([name, inner]) => [name, rearranged(inner)]),
  ) as T
}
