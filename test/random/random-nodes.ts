import { Analysis } from './analysis.ts'
import type { Case, CaseNode, NodeKind, SerdeName } from './case.ts'
import { checkPossible } from './checks.ts'
import type { Dice } from './dice.ts'
import type { Dressing } from './dressing.ts'
import { ImpossibleCase } from './impossible-case.ts'
import { nodeTable } from './node-table.ts'
import type { DrawnSources } from './random-sources.ts'

const growingKinds = (Object.keys(nodeTable) as NodeKind[]).filter((kind) => nodeTable[kind].weight > 0)
const weightSum = growingKinds.reduce((sum, kind) => sum + nodeTable[kind].weight, 0)
const triesMax = 60

/**
 * Draws a pipeline over sources: nodes first, wherever they fit; then, when it is known whose order is certain, their
 * functions.
 *
 * @returns null where no pipeline came of what was drawn
 */
export function drawNodes(dice: Dice, sources: DrawnSources): readonly CaseNode[] | null {
  try {
    return new NodeDrawing(dice, sources).draw()
  } catch (error) {
    if (error instanceof ImpossibleCase) return null
    throw error
  }
}

class NodeDrawing implements Pick<Case, 'nodes' | 'topics' | 'connectors'> {
  readonly topics: Case['topics']
  readonly connectors: Case['connectors']
  nodes: CaseNode[]
  private readonly dice: Dice

  constructor(dice: Dice, { topics, connectors, streams }: DrawnSources) {
    this.dice = dice
    this.topics = topics
    this.connectors = connectors
    this.nodes = streams.map(({ kind, name }) =>
      kind === 'topic'
        ? { kind: 'topic-source', inputs: [], topic: name }
        : { kind: 'connector-source', inputs: [], source: name },
    )
  }

  draw(): readonly CaseNode[] {
    const most = this.nodes.length + 3 + this.dice.integer(11)
    for (let tries = 0; this.nodes.length < most && tries < triesMax; tries++) this.grow()
    this.closeEnds()
    checkPossible(this)
    this.dressAll()
    checkPossible(this)
    return this.nodes
  }

  /** Adds one node where it fits. */
  private grow(): void {
    let drawn = this.dice.integer(weightSum)
    const kind = growingKinds.find((one) => (drawn -= nodeTable[one].weight) < 0) as NodeKind
    const first = kind === 'updates' ? this.table() : (this.changes(kind) ?? this.open(isSink(kind)))
    if (first === null) return
    const inputs = kind === 'merge' ? [first, this.other(first)] : [first]
    this.add(kind, inputs)
    // Two tables over the same records, whose values may be one object: what the one does to it the other must not see.
    if (kind === 'aggregate' && this.dice.onceIn(3)) this.add(kind, inputs)
  }

  private add(kind: NodeKind, inputs: readonly number[]): void {
    const node = this.bare(kind, inputs)
    if (node === null) return
    const before = this.nodes
    this.nodes = [...before, node]
    try {
      checkPossible({ ...this, nodes: this.withReaders() })
    } catch (error) {
      if (!(error instanceof ImpossibleCase)) throw error
      this.nodes = before
    }
  }

  /** A node that others may stand behind: rather a late one, rather one that nobody has read yet. */
  private open(mayBeTable: boolean): number {
    for (let tries = 0; tries < 12; tries++) {
      const place = Math.max(this.dice.integer(this.nodes.length), this.dice.integer(this.nodes.length))
      const node = this.nodes[place] as CaseNode
      if (isSink(node.kind) || (node.kind === 'aggregate' && !mayBeTable)) continue
      if (this.isRead(place) && this.dice.integer(3) > 0) continue
      return place
    }
    return 0
  }

  private table(): number | null {
    const tables = [...this.nodes.keys()].filter((place) => this.nodes[place]?.kind === 'aggregate')
    return tables.length === 0 ? null : this.dice.one(tables)
  }

  /** The updates of a table that lead nowhere yet: tables behind tables would be rare without it. */
  private changes(kind: NodeKind): number | null {
    if (!['key-by', 'aggregate', 'pipe', 'merge'].includes(kind) || this.dice.onceIn(2)) return null
    const unread = [...this.nodes.keys()].filter(
      (place) => this.nodes[place]?.kind === 'updates' && !this.isRead(place),
    )
    return unread.length === 0 ? null : this.dice.one(unread)
  }

  /** What a merge takes beside a stream: as often as not another branch of what it comes from. */
  private other(first: number): number {
    const ancestors = new Set([first])
    for (let place = first; place >= 0; place--) {
      if (ancestors.has(place)) for (const input of this.nodes[place]?.inputs ?? []) ancestors.add(input)
    }
    const streams = [...this.nodes.keys()].filter((place) => {
      const node = this.nodes[place] as CaseNode
      return place !== first && node.kind !== 'aggregate' && !isSink(node.kind)
    })
    const kin = streams.filter((place) => {
      const node = this.nodes[place] as CaseNode
      return ancestors.has(place) || (node.inputs as readonly number[]).some((input) => ancestors.has(input))
    })
    const drawn = this.dice.onceIn(2) && kin.length > 0 ? kin : streams
    return drawn.length === 0 ? this.open(false) : this.dice.one(drawn)
  }

  private isRead(place: number): boolean {
    return this.nodes.some(({ inputs }) => (inputs as readonly number[]).includes(place))
  }

  /** As long as it grows, every source counts as read. */
  private withReaders(): CaseNode[] {
    const unread = [...this.nodes.keys()].filter(
      (place) => this.nodes[place]?.inputs.length === 0 && !this.isRead(place),
    )
    return [...this.nodes, ...unread.map((place): CaseNode => ({ kind: 'tap', inputs: [place] }))]
  }

  private bare(kind: NodeKind, inputs: readonly number[]): CaseNode | null {
    const [first, second] = inputs as [number, number]
    const one = [first] as const
    const identity = { of: 'key', times: 1, plus: 0 } as const
    switch (kind) {
      case 'map':
        return { kind, inputs: one, to: identity }
      case 'filter':
        return { kind, inputs: one, unless: { of: 'key', by: 2, rest: 1 } }
      case 'flat-map':
      case 'pipe':
        return { kind, inputs: one, most: 1, by: 'key' }
      case 'tap':
      case 'updates':
        return { kind, inputs: one }
      case 'merge':
        return { kind, inputs: [first, second] }
      case 'key-by':
        return { kind, inputs: one, name: this.dice.name('r'), to: identity, among: 3, key: this.keyOf(first) }
      case 'aggregate':
        return { kind, inputs: one, store: this.dice.name('t'), operation: 'count', fold: 'sum' }
      case 'topic-sink':
        return { kind, inputs: one, topic: this.dice.name('out'), partitions: 1, value: 'structured' }
      case 'connector-sink':
        return { kind, inputs: one, sink: this.dice.name('sink'), guarantee: 'idempotent' }
      case 'topic-source':
      case 'connector-source':
        return null
    }
  }

  /** What merges want: the keys of most sources. */
  private keyOf(_place: number): SerdeName {
    return this.dice.one<SerdeName>(['text', 'text', 'text', 'int32'])
  }

  /** What ends in nothing is written somewhere. */
  private closeEnds(): void {
    for (const [place, node] of this.nodes.entries()) {
      if (isSink(node.kind) || this.isRead(place)) continue
      if (node.kind === 'aggregate' && this.dice.onceIn(3)) continue
      const kind = this.dice.onceIn(4) ? 'connector-sink' : 'topic-sink'
      const sink = this.bare(kind, [place])
      if (sink !== null) this.nodes.push(sink)
    }
  }

  /** Gives every node its functions, first to last: each knows what is certain of its input by then. */
  private dressAll(): void {
    const waiting = new Set<number>()
    for (const [place, node] of this.nodes.entries()) {
      const analysis = new Analysis(this)
      const facts = analysis.fact(place)
      const input = node.inputs[0] === undefined ? facts : analysis.fact(node.inputs[0])
      const at: Dressing = {
        input,
        isExact: analysis.groups[facts.group]?.isExact === true,
        random: this.dice.random,
        hasWaiting: waiting.has(facts.group),
      }
      const dressed = this.shared(dress(node, at), place, analysis)
      if (dressed.kind === 'key-by' && node.kind === 'key-by') {
        // Keys were agreed upon while merges were made.
        this.nodes[place] = { ...dressed, key: node.key }
        continue
      }
      if (dressed.kind === 'pipe' && dressed.waits !== undefined) waiting.add(facts.group)
      this.nodes[place] = dressed
    }
  }

  /** Two streams may write one topic. */
  private shared(node: CaseNode, place: number, analysis: Analysis): CaseNode {
    if (node.kind !== 'topic-sink' || analysis.fact(place).isTable || this.dice.integer(5) > 0) return node
    const isStream = ({ inputs: [from] }: CaseNode & { kind: 'topic-sink' }): boolean =>
      this.nodes[from]?.kind !== 'aggregate'
    const twin = this.nodes
      .slice(0, place)
      .find(
        (one, n) =>
          one.kind === 'topic-sink' &&
          isStream(one) &&
          isStream(node) &&
          one.value === 'structured' &&
          analysis.fact(n).key === analysis.fact(place).key,
      )
    return twin?.kind === 'topic-sink' ? { ...twin, inputs: node.inputs } : node
  }
}

const isSink = (kind: NodeKind): boolean => kind === 'topic-sink' || kind === 'connector-sink'

function dress<K extends NodeKind>(node: Extract<CaseNode, { kind: K }>, place: Dressing): CaseNode {
  const { dress } = nodeTable[node.kind as K]
  return dress(node as never, place) as CaseNode
}
