import type { Case, CaseNode } from './case.ts'
import { type Facts, factsOf } from './facts.ts'
import { ImpossibleCase } from './impossible-case.ts'

/** The place of a node in its case. */
export type Place = number

/** A topic of the engine's own that leads records to where their keys are. */
export interface Repartition {
  /** What it is called after: a `keyBy`, or the store before which it stands. */
  readonly name: string
  /** The nodes that read it. */
  readonly targets: readonly Place[]
}

/**
 * A topic that a task reads: one of the case, one behind a source connector, one behind a `keyBy`, or one before a store whose
 * records are not where their keys are.
 */
export interface GroupInput {
  readonly role: 'external' | 'ingest' | 'repartition'
  readonly name: string
  /** The source nodes of it, or the one whose records are in it. */
  readonly from: readonly Place[]
  /** The nodes that its records enter, in order of place; one that merges two sources of one topic is there twice. */
  readonly targets: readonly Place[]
}

/** Nodes that one task runs: everything between two topics. */
export interface Group {
  readonly inputs: readonly GroupInput[]
  readonly members: readonly Place[]
  readonly partitions: number
  /**
   * Whether the order in which a task takes its records follows from the inputs alone: one log that one writer wrote, or
   * several that are whole before the task begins (R3). Where several tasks write a log, or one of several logs grows
   * while it is read, the order is whatever it happens to be.
   */
  readonly isExact: boolean
}

/**
 * What the definition of the verbs says about a pipeline as a whole: where records pass through topics, which nodes share
 * a task, and what is certain of their order. Written from the doc comments of the DSL, not from the planner.
 */
export class Analysis {
  readonly nodes: readonly CaseNode[]
  readonly groups: readonly Group[]
  readonly facts: readonly Facts[]
  private readonly given: Pick<Case, 'topics' | 'connectors'>
  private readonly children: readonly (readonly Place[])[]
  private readonly leadsToTable: readonly boolean[]
  /** Aggregates that read through a topic of their own. */
  private readonly apart: ReadonlySet<Place>

  /** @throws {ImpossibleCase} */
  constructor(given: Pick<Case, 'nodes' | 'topics' | 'connectors'>) {
    const { nodes } = given
    this.given = given
    this.nodes = nodes
    const children: Place[][] = nodes.map(() => [])
    for (const [place, node] of nodes.entries()) for (const input of node.inputs) children[input]?.push(place)
    this.children = children
    const leads = nodes.map(() => false)
    for (const [place, node] of [...nodes.entries()].reverse()) {
      const behind = children[place] ?? []
      leads[place] = node.kind === 'aggregate' || (node.kind !== 'key-by' && behind.some((child) => leads[child]))
    }
    this.leadsToTable = leads
    this.apart = this.unplaced()
    this.apart = new Set([...this.apart, ...this.uneven()])
    this.groups = this.orderedGroups()
    const facts: Facts[] = []
    for (const [place, node] of nodes.entries()) {
      const group = this.groups.findIndex(({ members }) => members.includes(place))
      const inputs = node.inputs.map((input) => facts[input] as Facts)
      facts.push(factsOf(node, { inputs, group, isExact: this.groups[group]?.isExact === true, given }))
    }
    this.facts = facts
  }

  node(place: Place): CaseNode {
    return this.nodes[place] as CaseNode
  }

  fact(place: Place): Facts {
    return this.facts[place] as Facts
  }

  /** Whether records go from one node to the next through a topic of the engine's. */
  private isCut(from: Place, to: Place): boolean {
    if (this.node(to).kind === 'connector-sink' || this.apart.has(to)) return true
    return this.node(from).kind === 'key-by' && this.leadsToTable[to] === true
  }

  /** Aggregates of records that lie by the splits of a connector, not by their keys. */
  private unplaced(): ReadonlySet<Place> {
    const lies: boolean[] = []
    const apart = new Set<Place>()
    for (const [place, { kind, inputs }] of this.nodes.entries()) {
      const astray = inputs.some((input) => lies[input] === true)
      if (kind === 'aggregate' && astray) apart.add(place)
      lies.push(kind === 'connector-source' || (astray && kind !== 'aggregate' && kind !== 'key-by'))
    }
    return apart
  }

  /** Aggregates that records of sources reach in a task whose sources differ in their number of partitions. */
  private uneven(): readonly Place[] {
    return this.united().flatMap((members) => {
      const sources = members.filter((place) => this.sourceOf(place) !== null)
      const isStateful = members.some((place) => this.node(place).kind === 'aggregate')
      if (!isStateful || new Set(sources.map((place) => this.sourcePartitions(place))).size < 2) return []
      const reached = new Set(sources)
      for (const place of members) {
        if (!reached.has(place) || this.node(place).kind === 'aggregate') continue
        for (const child of this.direct(place)) reached.add(child)
      }
      return members.filter((place) => reached.has(place) && this.node(place).kind === 'aggregate')
    })
  }

  private sourcePartitions(place: Place): number {
    const source = this.sourceOf(place)
    const given = source?.role === 'external' ? this.given.topics : this.given.connectors
    return given[source?.name ?? '']?.partitions ?? 0
  }

  /** The nodes that take a node's records in the same task, in order of place, once an edge. */
  direct(place: Place): readonly Place[] {
    return (this.children[place] ?? []).filter((child) => !this.isCut(place, child))
  }

  /** The topics that a node's records are led through to where their keys are. */
  repartitions(place: Place): readonly Repartition[] {
    const node = this.node(place)
    const cut = (this.children[place] ?? []).filter(
      (child) => this.node(child).kind !== 'connector-sink' && this.isCut(place, child),
    )
    if (cut.length === 0) return []
    if (node.kind === 'key-by') return [{ name: node.name, targets: cut }]
    return cut.map((child) => ({ name: (this.node(child) as { readonly store: string }).store, targets: [child] }))
  }

  connectorSinks(place: Place): readonly Place[] {
    return (this.children[place] ?? []).filter((child) => this.node(child).kind === 'connector-sink')
  }

  /** The topic of a source node. */
  sourceOf(place: Place): { readonly role: 'external' | 'ingest'; readonly name: string } | null {
    const node = this.node(place)
    if (node.kind === 'topic-source') return { role: 'external', name: node.topic }
    return node.kind === 'connector-source' ? { role: 'ingest', name: node.source } : null
  }

  /** All source nodes of the topic of one. */
  private beside(place: Place): readonly Place[] {
    const own = this.sourceOf(place)
    if (own === null) return []
    return [...this.nodes.keys()].filter((other) => {
      const source = this.sourceOf(other)
      return source?.role === own.role && source.name === own.name
    })
  }

  /** Whether a connector sink has a source's records to itself: then it reads that topic as it is. */
  readsAlone(sink: Place): boolean {
    const readers = this.beside(this.node(sink).inputs[0] as Place).flatMap((source) => this.children[source] ?? [])
    return readers.length === 1 && readers[0] === sink
  }

  /** Nodes that hand records to each other directly, or read one topic. */
  private united(): readonly (readonly Place[])[] {
    const leader = [...this.nodes.keys()]
    const find = (place: Place): Place => (leader[place] === place ? place : find(leader[place] as Place))
    const unite = (a: Place, b: Place): void => {
      leader[find(a)] = find(b)
    }
    for (const place of this.nodes.keys()) {
      for (const source of this.beside(place)) unite(source, place)
      for (const child of this.direct(place)) unite(place, child)
      for (const { targets } of this.repartitions(place)) for (const one of targets) unite(one, targets[0] as Place)
    }
    const groups = new Map<Place, Place[]>()
    for (const [place, node] of this.nodes.entries()) {
      if (node.kind === 'connector-sink') continue
      groups.set(find(place), [...(groups.get(find(place)) ?? []), place])
    }
    return [...groups.values()]
  }

  private inputsOf(members: readonly Place[]): readonly GroupInput[] {
    const inputs: GroupInput[] = []
    for (const place of members) {
      const source = this.sourceOf(place)
      if (source !== null && this.beside(place)[0] === place) {
        const from = this.beside(place)
        const targets = from.flatMap((one) => this.direct(one)).sort((a, b) => a - b)
        inputs.push({ ...source, from, targets })
      }
    }
    for (const place of this.nodes.keys()) {
      for (const { name, targets } of this.repartitions(place)) {
        if (targets.some((target) => members.includes(target))) {
          inputs.push({ role: 'repartition', name, from: [place], targets })
        }
      }
    }
    const nameOf = ({ role, name }: GroupInput): string => `${role}:${name}`
    return inputs.sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))
  }

  /** Each behind all that write what it reads. */
  private orderedGroups(): readonly Group[] {
    const waiting = this.united().map((members) => ({ members, inputs: this.inputsOf(members) }))
    const ordered: Group[] = []
    const writerOf = (place: Place): Group | undefined => ordered.find(({ members }) => members.includes(place))
    while (waiting.length > 0) {
      const next = waiting.findIndex(({ inputs }) =>
        inputs.every(({ role, from }) => role !== 'repartition' || writerOf(from[0] as Place)),
      )
      if (next < 0) throw new ImpossibleCase('records go in a circle')
      const [{ members, inputs }] = waiting.splice(next, 1) as [(typeof waiting)[number]]
      const sources = inputs.filter(({ role }) => role !== 'repartition')
      const counts =
        sources.length > 0
          ? sources.map(({ from }) => this.sourcePartitions(from[0] as Place))
          : inputs.map(({ from }) => writerOf(from[0] as Place)?.partitions ?? 0)
      const [only, ...others] = inputs
      const writer = only?.role === 'repartition' ? writerOf(only.from[0] as Place) : undefined
      const isExact =
        others.length > 0
          ? inputs.every(({ role }) => role === 'external')
          : writer === undefined || (writer.isExact && writer.partitions === 1)
      ordered.push({ members, inputs, partitions: Math.max(...counts), isExact })
    }
    return ordered
  }
}
