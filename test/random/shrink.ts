import type { Case, CaseConnector, CaseNode, CaseRecord, CaseTopic, Life, PhaseScript } from './case.ts'
import { checkPossible } from './checks.ts'
import { ImpossibleCase } from './impossible-case.ts'

/**
 * Makes a failing case smaller for as long as it fails: fewer faults, nodes, records, phases and partitions, plainer
 * functions.
 *
 * @param fails runs a case; it is asked `triesMax` times at the most
 * @returns the smallest case that was seen to fail
 */
export async function shrinkCase(
  given: Case,
  fails: (smaller: Case) => Promise<boolean>,
  triesMax = 600,
): Promise<Case> {
  let smallest = given
  let tries = 0
  for (let isNews = true; isNews && tries < triesMax; ) {
    isNews = false
    for (const way of ways) {
      // What worked once is tried again on what came of it, before the next way.
      for (let skipped = 0; tries < triesMax; ) {
        const candidate = nth(way(smallest), skipped)
        if (candidate === null) break
        if (!isSmaller(candidate, smallest) || !isPossible(candidate)) {
          skipped++
          continue
        }
        tries++
        if (await fails(candidate)) {
          smallest = candidate
          isNews = true
        } else skipped++
      }
    }
  }
  return smallest
}

type Way = (given: Case) => Iterable<Case>

function nth(candidates: Iterable<Case>, skipped: number): Case | null {
  let left = skipped
  for (const candidate of candidates) if (left-- === 0) return candidate
  return null
}

/** By length, then by letters: so it comes to an end. */
function isSmaller(candidate: Case, than: Case): boolean {
  const [a, b] = [JSON.stringify(candidate), JSON.stringify(than)]
  return a.length < b.length || (a.length === b.length && a < b)
}

function isPossible(given: Case): boolean {
  try {
    checkPossible(given)
    return true
  } catch (error) {
    if (error instanceof ImpossibleCase) return false
    throw error
  }
}

const ways: readonly Way[] = [calmed, fewerPhases, fewerNodes, fewerRecords, fewerFaults, plainerNodes, plainerSources]

const calm: Life = { directory: '/one', faults: [] }

/** All faults at once. */
function* calmed(given: Case): Iterable<Case> {
  yield { ...given, script: given.script.map(() => ({ lives: [calm] })) }
}

/** Everything in one phase, or one phase less. */
function* fewerPhases(given: Case): Iterable<Case> {
  for (let phase = given.script.length - 1; phase > 0; phase--) {
    const script = given.script.filter((_, n) => n !== phase)
    yield { ...withRecords(given, (record) => [{ ...record, phase: Math.min(record.phase, phase - 1) }]), script }
    yield {
      ...withRecords(given, (record) => (record.phase === phase ? [] : [record])),
      script: given.script.slice(0, phase),
    }
  }
}

/** A node, with all behind it or without. */
function* fewerNodes(given: Case): Iterable<Case> {
  for (let place = given.nodes.length - 1; place >= 0; place--) {
    const gone = new Set([place])
    for (const [n, { inputs }] of given.nodes.entries()) if (inputs.some((input) => gone.has(input))) gone.add(n)
    yield without(given, gone, new Map())
    const node = given.nodes[place]
    for (const input of node?.inputs ?? []) yield without(given, new Set([place]), new Map([[place, input]]))
  }
}

/** Leaves nodes out; who read one reads what `instead` says. Sources that nobody reads go, too. */
function without(given: Case, gone: ReadonlySet<number>, instead: ReadonlyMap<number, number>): Case {
  const places = new Map<number, number>()
  const nodes: CaseNode[] = []
  const placeOf = (input: number): number => places.get(instead.get(input) ?? input) ?? -1
  for (const [place, node] of given.nodes.entries()) {
    if (gone.has(place)) continue
    const isUnread =
      node.inputs.length === 0 &&
      !given.nodes.some(
        ({ inputs }, n) => !gone.has(n) && inputs.some((input) => (instead.get(input) ?? input) === place),
      )
    if (isUnread) continue
    places.set(place, nodes.length)
    nodes.push({ ...node, inputs: node.inputs.map(placeOf) } as unknown as CaseNode)
  }
  const isRead = (name: string): boolean =>
    nodes.some(
      (node) => ('source' in node && node.source === name) || (node.kind === 'topic-source' && node.topic === name),
    )
  const kept = <T>(of: Readonly<Record<string, T>>): Record<string, T> =>
    Object.fromEntries(Object.entries(of).filter(([name]) => isRead(name)))
  return { ...given, nodes, topics: kept(given.topics), connectors: kept(given.connectors) }
}

/** Half of all records, then a quarter, then each. */
function* fewerRecords(given: Case): Iterable<Case> {
  let total = 0
  withRecords(given, (record) => {
    total++
    return [record]
  })
  for (let size = Math.ceil(total / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = 0; from < total; from += size) {
      let n = 0
      yield withRecords(given, (record) => {
        const isGone = n >= from && n < from + size
        n++
        return isGone ? [] : [record]
      })
    }
  }
}

/** One life, fault or second process less. */
function* fewerFaults(given: Case): Iterable<Case> {
  for (const [phase, { lives, ...rest }] of given.script.entries()) {
    const having = (script: PhaseScript): Case => ({ ...given, script: given.script.with(phase, script) })
    yield having({ lives: [calm] })
    for (const part of Object.keys(rest)) yield having({ lives, ...leftOut(rest, part) })
    for (const [n, life] of lives.entries()) {
      if (lives.length > 1) yield having({ lives: lives.filter((_, m) => m !== n), ...rest })
      for (const fault of life.faults) {
        const faults = life.faults.filter((one) => one !== fault)
        yield having({ lives: lives.with(n, { ...life, faults }), ...rest })
      }
      yield having({ lives: lives.with(n, { ...life, directory: calm.directory }), ...rest })
    }
  }
  yield { ...given, hasTinyCache: false }
}

/** Functions that throw nothing, delete nothing, wait for nothing; one partition for what is written. */
function* plainerNodes(given: Case): Iterable<Case> {
  for (const [place, node] of given.nodes.entries()) {
    const having = (plainer: CaseNode): Case => ({ ...given, nodes: given.nodes.with(place, plainer) })
    for (const part of ['throwsWhen', 'deletesWhen', 'waits', 'holdsNull']) {
      if (part in node) yield having(leftOut(node, part))
    }
    if (node.kind === 'map' || node.kind === 'key-by') {
      const { of: by, times, plus } = node.to
      yield having({ ...node, to: { of: by, times, plus } } as CaseNode)
      yield having({ ...node, to: { ...node.to, times: 1, plus: 0 } } as CaseNode)
    }
    if (node.kind === 'topic-sink') yield having({ ...node, partitions: 1 })
    if (node.kind === 'aggregate') yield having({ ...node, operation: 'count' })
    if (node.kind === 'flat-map' || node.kind === 'pipe') yield having({ ...node, most: 1 })
  }
}

/** One partition, no headers, plain times and values. */
function* plainerSources(given: Case): Iterable<Case> {
  const all = <T extends CaseTopic | CaseConnector>(
    of: Readonly<Record<string, T>>,
    to: (source: T) => T,
  ): Record<string, T> => Object.fromEntries(Object.entries(of).map(([name, source]) => [name, to(source)]))
  const { topics, connectors } = given
  const inOne = (topic: CaseTopic): CaseTopic => ({
    ...topic,
    partitions: 1,
    records: topic.records.map((record) => ({ ...record, partition: 0 })),
  })
  yield { ...given, topics: all(topics, inOne), connectors: all(connectors, (one) => ({ ...one, partitions: 1 })) }
  const timed = <T extends CaseTopic | CaseConnector>(source: T): T => ({ ...source, extractsTime: false })
  yield { ...given, topics: all(topics, timed), connectors: all(connectors, timed) }
  const plain = <T extends CaseTopic | CaseConnector>(source: T): T => leftOut(source, 'holdsNull')
  yield { ...given, topics: all(topics, plain), connectors: all(connectors, plain) }
  yield withRecords(given, (record) => [leftOut(record, 'headers')])
  yield withRecords(given, (record) => [{ ...record, timestamp: 1 }])
  let n = 0
  yield withRecords(given, (record) => [{ ...record, timestamp: n++ }])
  yield withRecords(given, (record) => [leftOut(record, 'isPoison')])
  let m = 0
  yield withRecords(given, (record) => [
    { ...record, value: record.value === null ? null : typeof record.value === 'string' ? `k${m++}` : m++ },
  ])
}

function withRecords(given: Case, change: <R extends CaseRecord>(record: R) => R[]): Case {
  const topics = Object.entries(given.topics).map(([name, topic]) => [
    name,
    { ...topic, records: topic.records.flatMap((record) => change(record)) },
  ])
  const connectors = Object.entries(given.connectors).map(([name, connector]) => [
    name,
    {
      ...connector,
      splits: Object.fromEntries(
        Object.entries(connector.splits).map(([id, records]) => [id, records.flatMap((record) => change(record))]),
      ),
    },
  ])
  return { ...given, topics: Object.fromEntries(topics), connectors: Object.fromEntries(connectors) }
}

function leftOut<T extends object>(of: T, part: string): T {
  return Object.fromEntries(Object.entries(of).filter(([name]) => name !== part)) as T
}
