type Primitive = string | number | boolean | null | undefined
type Builtin = Date | RegExp | Uint8Array | ReadonlyMap<never, unknown> | ReadonlySet<never> | Error | Promise<unknown>

// Checked first, so that recursive JSON types end here: mapping over their arrays would never end.
type PlainJson = Primitive | readonly PlainJson[] | { readonly [key: string]: PlainJson }
type PlainStructured =
  | Primitive
  | bigint
  | Date
  | Uint8Array
  | readonly PlainStructured[]
  | { readonly [key: string]: PlainStructured }
  | ReadonlyMap<PlainStructured, PlainStructured>
  | ReadonlySet<PlainStructured>

/** `T` itself where JSON gives it back unchanged; elsewhere a sentence, which then stands in the compiler's message. */
export type Json<T> = [T] extends [PlainJson]
  ? T
  : T extends bigint
    ? 'json cannot write a bigint: use structured()'
    : T extends Date
      ? 'json reads a Date back as a string: use structured()'
      : T extends Builtin
        ? 'json does not keep this class: use structured()'
        : T extends (...args: never) => unknown
          ? 'a function cannot be stored'
          : T extends symbol
            ? 'a symbol cannot be stored'
            : { [P in keyof T]: Json<T[P]> }

/** `T` itself where `structured()`, the default of internal topics and stores, gives it back unchanged; elsewhere a sentence. */
export type Structured<T> = unknown extends T
  ? T
  : [T] extends [PlainStructured]
    ? T
    : T extends Primitive | bigint | Date | Uint8Array
      ? T
      : T extends (...args: never) => unknown
        ? 'a function cannot be stored'
        : T extends symbol
          ? 'a symbol cannot be stored'
          : T extends ReadonlyMap<infer K, infer V>
            ? ReadonlyMap<Structured<K>, Structured<V>>
            : T extends ReadonlySet<infer V>
              ? ReadonlySet<Structured<V>>
              : T extends Builtin
                ? 'structured() does not keep this class: give a serde'
                : { [P in keyof T]: Structured<T[P]> }
