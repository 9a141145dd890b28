/** States looked at before a question counts as answered with yes: what is equal many times over has many ways. */
const statesMax = 200_000

/** Whether a sequence is made of all of the lanes, each in its order. */
export function isInterleaved<W, G>(
  lanes: readonly (readonly W[])[],
  got: readonly G[],
  matches: (wanted: W, got: G) => boolean,
): boolean {
  return isMadeOf(lanes, got, matches, () => true)
}

/** As {@link isInterleaved}, where elements may be left out that are not `needed`. */
export function isThinned<W, G>(
  lanes: readonly (readonly W[])[],
  got: readonly G[],
  matches: (wanted: W, got: G) => boolean,
  needed: (wanted: W) => boolean,
): boolean {
  return isMadeOf(lanes, got, matches, needed)
}

function isMadeOf<W, G>(
  lanes: readonly (readonly W[])[],
  got: readonly G[],
  matches: (wanted: W, got: G) => boolean,
  needed: (wanted: W) => boolean,
): boolean {
  const dead = new Set<string>()
  const stack: (readonly number[])[] = [[0, ...lanes.map(() => 0)]]
  while (stack.length > 0) {
    const state = stack.pop() as readonly number[]
    const id = state.join(',')
    if (dead.has(id)) continue
    dead.add(id)
    if (dead.size > statesMax) return true
    const [at = 0, ...places] = state
    if (at === got.length && lanes.every((lane, n) => !lane.slice(places[n]).some(needed))) return true
    for (const [n, lane] of lanes.entries()) {
      const place = places[n] ?? 0
      const wanted = lane[place]
      if (wanted === undefined) continue
      const moved = places.map((one, m) => (m === n ? one + 1 : one))
      if (!needed(wanted)) stack.push([at, ...moved])
      if (at < got.length && matches(wanted, got[at] as G)) stack.push([at + 1, ...moved])
    }
  }
  return false
}
