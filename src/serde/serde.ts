/**
 * Values to bytes and back. Equality and partitioning are on the bytes (R8), so a serde writes equal values equally.
 *
 * `T` is invariant: a serde both takes and gives it.
 */
export interface Serde<in out T> {
  /** Names the encoding, not the TypeScript type; two sides of a join must have the same. Part of the plan's manifest. */
  readonly id: string
  /** @throws anything: the engine reports it as `RECORD_SERIALIZATION` with its place */
  readonly serialize: (value: T) => Uint8Array
  /**
   * `bytes` is a view that is only valid during the call: what is kept of it must be copied.
   * @throws anything: the engine reports it as `RECORD_DESERIALIZATION` with its place
   */
  readonly deserialize: (bytes: Uint8Array) => T
  /**
   * Given where `deserialize` can do without a view: as it, of the range `[start, end)` of `buffer`. Decoding a short text
   * costs less than making the view.
   */
  readonly deserializeRange?: (buffer: Buffer, start: number, end: number) => T
  /** Values of `T` cannot be changed by who holds them (text, numbers, booleans), so caches may hand out the same one (X6). Default false. */
  readonly immutable?: boolean
  /**
   * Null is one of the values of `T`, and what has it in Kafka is a record without a value: such a record is shown to user
   * code as null, and null is written as one, without a call of this serde. Without it such a record passes user code by
   * (R47), and null is written as whatever bytes `serialize` gives for it, if it does not refuse. Default false.
   */
  readonly holdsNull?: boolean
  /**
   * Given where `deserialize` cannot fail on bytes that pass this check: such values are checked on entry and decoded
   * when first read (D7), so an operator that never looks at them never pays for it. The range is `[start, end)` of
   * `buffer`: a view of it would cost more than the check.
   */
  readonly validate?: (buffer: Uint8Array, start: number, end: number) => boolean
}

/** A serde of some type that the holder does not know. */
// biome-ignore lint/suspicious/noExplicitAny: Serde is invariant, so no other type admits every serde
export type AnySerde = Serde<any>
