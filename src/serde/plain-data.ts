/** How an encoding treats what goes beyond plain data. */
export interface PlainRules {
  /** A plain stand-in for a value that JSON does not keep, or a refusal: undefined, functions, class instances, NaN, -0... */
  readonly exotic: (value: unknown) => unknown
  /** A stand-in for an object, given with its properties in order already. */
  readonly object?: (value: object) => object
}

/**
 * The form of a value that `JSON.stringify` writes exactly and canonically: properties of objects are in order, so that
 * equal objects have equal text, and what JSON does not keep is replaced by `rules`. Properties that are undefined are
 * left out. What needs no change is handed back as it is: for most values nothing is copied.
 */
export function toPlainData(value: unknown, rules: PlainRules): unknown {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0) ? value : rules.exotic(value)
    case 'object':
      if (value === null) return null
      if (Array.isArray(value)) return plainArray(value, rules)
      if (isPlainObject(value)) return plainObject(value as Readonly<Record<string, unknown>>, rules)
      return rules.exotic(value)
    default:
      return rules.exotic(value)
  }
}

/** Not an instance of a class. The prototype is judged by having none itself, since other realms have another `Object`. */
function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

function plainArray(values: readonly unknown[], rules: PlainRules): readonly unknown[] {
  let copy: unknown[] | null = null
  for (let index = 0; index < values.length; index++) {
    const plain = toPlainData(values[index], rules)
    if (copy !== null) copy[index] = plain
    else if (plain !== values[index]) {
      copy = values.slice()
      copy[index] = plain
    }
  }
  return copy ?? values
}

function plainObject(value: Readonly<Record<string, unknown>>, rules: PlainRules): object {
  const names = Object.keys(value)
  let copy: Record<string, unknown> | null = order(names) ? {} : null
  for (let index = 0; index < names.length; index++) {
    const name = names[index] as string
    const property = value[name]
    if (property === undefined) continue
    const plain = toPlainData(property, rules)
    if (copy === null && plain !== property) {
      copy = {}
      for (const earlier of names.slice(0, index)) define(copy, earlier, value[earlier])
    }
    if (copy !== null) define(copy, name, plain)
  }
  return rules.object === undefined ? (copy ?? value) : rules.object(copy ?? value)
}

const insertionMax = 32

/** Sorts in place, which for the few names of most objects is faster by insertion. @returns whether anything moved */
function order(names: string[]): boolean {
  let moved = false
  for (let next = 1; next < names.length; next++) {
    const name = names[next] as string
    let place = next
    for (; place > 0 && (names[place - 1] as string) > name; place--) names[place] = names[place - 1] as string
    if (place === next) continue
    names[place] = name
    moved = true
    if (next > insertionMax) {
      names.sort()
      return true
    }
  }
  return moved
}

/** Assignment would set the prototype for one name. */
function define(target: Record<string, unknown>, name: string, value: unknown): void {
  if (name === '__proto__') {
    Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true })
  } else target[name] = value
}
