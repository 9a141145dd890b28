/** What belongs to the user and stays as it is: connectors, serdes, RxJS operators. */
const foreign: ReadonlySet<string> = new Set(['connector', 'key', 'value', 'operators'])

/** Freezes lists and plain objects all the way down. */
export function deepFreeze<T extends object>(value: T): T {
  for (const [name, inner] of Object.entries(value)) {
    if (typeof inner === 'object' && inner !== null && !Object.isFrozen(inner) && !foreign.has(name)) deepFreeze(inner)
  }
  return Object.freeze(value)
}
