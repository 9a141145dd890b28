/** A broken invariant of the engine itself. It has no code: nothing a user does can cause or cure it. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError'
}

/** Refuses to go on past a broken invariant: wrong results are worse than a stop. */
export function assert(condition: unknown, invariant: string): asserts condition {
  if (!condition) throw new AssertionError(`invariant broken: ${invariant}`)
}
