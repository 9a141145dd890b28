import type { Case, CaseNode } from './case.ts'
import { type Facts, factsOf } from './facts.ts'
import { ImpossibleCase } from './impossible-case.ts'

/** The place of a node in its case. */
export type Place = number

/** A topic that a task reads: one of the case, one behind a source connector, or one behind a `keyBy`. */
export interface GroupInput {
  readonly role: 'external' | 'ingest' | 'repartition'
  readonly name: string
  /** The source nodes of it, or the `keyBy`. */
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
    return (
      this.node(to).kind === 'connector-sink' || (this.node(from).kind === 'key-by' && this.leadsToTable[to] === true)
    )
  }

  /** The nodes that take a node's records in the same task, in order of place, once an edge. */
  direct(place: Place): readonly Place[] {
    return (this.children[place] ?? []).filter((child) => !this.isCut(place, child))
  }

  /** The nodes that read a `keyBy` through its topic. */
  behindTopic(place: Place): readonly Place[] {
    if (this.node(place).kind !== 'key-by') return []
    return (this.children[place] ?? []).filter(
      (child) => this.node(child).kind !== 'connector-sink' && this.isCut(place, child),
    )
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
      const readers = this.behindTopic(place)
      for (const reader of readers) unite(reader, readers[0] as Place)
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
    for (const [place, node] of this.nodes.entries()) {
      const targets = this.behindTopic(place)
      if (node.kind !== 'key-by' || !targets.some((target) => members.includes(target))) continue
      inputs.push({ role: 'repartition', name: node.name, from: [place], targets })
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
      const counts = inputs.map((input) => {
        if (input.role === 'external') return this.given.topics[input.name]?.partitions ?? 0
        if (input.role === 'ingest') return this.given.connectors[input.name]?.partitions ?? 0
        return writerOf(input.from[0] as Place)?.partitions ?? 0
      })
      if (new Set(counts).size !== 1) throw new ImpossibleCase('topics that are read together differ in partitions')
      const [only, ...others] = inputs
      const writer = only?.role === 'repartition' ? writerOf(only.from[0] as Place) : undefined
      const isExact =
        others.length > 0
          ? inputs.every(({ role }) => role === 'external')
          : writer === undefined || (writer.isExact && writer.partitions === 1)
      ordered.push({ members, inputs, partitions: counts[0] as number, isExact })
    }
    return ordered
  }
}
