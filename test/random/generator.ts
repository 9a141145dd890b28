import { type Random, seededRandom } from '../../src/core/random.ts'
import { type StepName, stepNames } from '../../src/core/steps.ts'
import { Analysis, ImpossibleCase } from './analysis.ts'
import type {
  Case,
  CaseConnector,
  CaseNode,
  CaseRecord,
  CaseSource,
  CaseTopic,
  Fault,
  Life,
  NodeKind,
  PhaseScript,
  SerdeName,
} from './case.ts'
import { checkPossible } from './checks.ts'
import { as } from './functions.ts'
import { nodeTable, type Place } from './node-table.ts'

/** The case of a seed: the same one for the same seed and generator. */
export function generateCase(seed: number): Case {
  const random = seededRandom(seed)
  for (;;) {
    const made = new Generator(seed, random).tryCase()
    if (made !== null) return made
  }
}

const timestampsFromMs = 1_700_000_000_000
const growingKinds = (Object.keys(nodeTable) as NodeKind[]).filter((kind) => nodeTable[kind].weight > 0)
const weightSum = growingKinds.reduce((sum, kind) => sum + nodeTable[kind].weight, 0)

class Generator {
  private readonly seed: number
  private readonly random: Random
  private readonly phases: number
  readonly topics: Record<string, CaseTopic> = {}
  readonly connectors: Record<string, CaseConnector> = {}
  nodes: CaseNode[] = []
  private names = 0

  constructor(seed: number, random: Random) {
    this.seed = seed
    this.random = random
    this.phases = 1 + random.integer(4)
  }

  /** @returns null where no pipeline came of what was drawn */
  tryCase(): Case | null {
    const { random } = this
    this.addSources()
    const most = this.nodes.length + 3 + random.integer(11)
    for (let tries = 0; this.nodes.length < most && tries < 60; tries++) this.grow()
    this.closeEnds()
    try {
      checkPossible(this)
      this.dressAll()
      checkPossible(this)
    } catch (error) {
      if (error instanceof ImpossibleCase) return null
      throw error
    }
    const { seed, nodes, topics, connectors } = this
    return {
      seed,
      nodes,
      topics,
      connectors,
      script: Array.from({ length: this.phases }, () => this.phaseScript()),
      commitIntervalMs: 2 + random.integer(30),
      hasTinyCache: random.integer(3) === 0,
    }
  }

  /** Steps that are taken at all, but for trouble. */
  private static readonly usualSteps = stepNames.filter((name) => name !== 'A4.quarantine')

  private one<T>(of: readonly T[]): T {
    return of[this.random.integer(of.length)] as T
  }

  private name = (prefix: string): string => `${prefix}${this.names++}`

  private addSources(): void {
    const { random } = this
    const partitions = 1 + random.integer(3)
    const skips = random.integer(2) === 0
    const key = this.one<SerdeName>(['text', 'text', 'int32'])
    const topics = random.integer(4) === 0 ? 0 : 1 + random.integer(3)
    const connectors = topics === 0 ? 1 : random.integer(4) === 0 ? 1 : 0
    const isAlike = random.integer(3) > 0
    const source = (): CaseSource => ({
      key: isAlike ? key : this.one<SerdeName>(['text', 'int32']),
      value: this.one<SerdeName>(['int32', 'text', 'structured', 'int64']),
      partitions,
      skips: isAlike ? skips : random.integer(2) === 0,
      extractsTime: random.integer(6) === 0,
    })
    for (let n = 0; n < topics; n++) {
      const name = this.name('in')
      const declared = source()
      const records = Array.from({ length: 4 + random.integer(28) }, () => ({
        ...this.record(declared),
        partition: random.integer(partitions),
      }))
      // One partition without any record, now and then; and one key, one partition where a table is to be right.
      const empty = random.integer(4) === 0 ? random.integer(partitions) : -1
      this.topics[name] = {
        ...declared,
        records: records.filter(({ partition }) => partitions === 1 || partition !== empty),
      }
      this.nodes.push({ kind: 'topic-source', inputs: [], topic: name })
      // Read twice.
      if (random.integer(8) === 0) this.nodes.push({ kind: 'topic-source', inputs: [], topic: name })
    }
    for (let n = 0; n < connectors; n++) {
      const name = this.name('src')
      const declared = { ...source(), ...(random.integer(3) === 0 ? { key: 'nothing' as const } : {}) }
      const splits = Array.from({ length: 1 + random.integer(4) }, (_, id): [string, CaseRecord[]] => {
        const records = Array.from({ length: random.integer(14) }, () => this.record(declared))
        return [`s${id}`, records.sort((a, b) => a.phase - b.phase)]
      })
      this.connectors[name] = { ...declared, splits: Object.fromEntries(splits) }
      this.nodes.push({ kind: 'connector-source', inputs: [], source: name })
    }
  }

  private record({ key, value, skips }: CaseSource): CaseRecord {
    const { random } = this
    const phase = random.integer(this.phases)
    // Some keys come in every phase, some once, some again late.
    const keyed = random.integer(5) === 0 ? 100 + random.integer(400) : random.integer(5)
    return {
      phase,
      key: key === 'nothing' || random.integer(12) === 0 ? null : as(key, keyed),
      value: random.integer(12) === 0 ? null : as(value, random.integer(100_000)),
      // Out of order, with ties.
      timestamp: timestampsFromMs + 20 * phase + random.integer(40),
      ...(random.integer(6) === 0 ? { header: `h${random.integer(9)}` } : {}),
      ...(skips && random.integer(25) === 0 && value !== 'structured' ? { isPoison: true } : {}),
    }
  }

  /** Adds one node where it fits. */
  private grow(): void {
    let drawn = this.random.integer(weightSum)
    const kind = growingKinds.find((one) => (drawn -= nodeTable[one].weight) < 0) as NodeKind
    const first = kind === 'updates' ? this.table() : this.open(isSink(kind))
    if (first === null) return
    const inputs = kind === 'merge' ? [first, this.other(first)] : [first]
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
      const place = Math.max(this.random.integer(this.nodes.length), this.random.integer(this.nodes.length))
      const node = this.nodes[place] as CaseNode
      if (isSink(node.kind) || (node.kind === 'aggregate' && !mayBeTable)) continue
      if (this.isRead(place) && this.random.integer(3) > 0) continue
      return place
    }
    return 0
  }

  /** A table that nobody takes the updates of, if there is one. */
  private table(): number | null {
    const tables = [...this.nodes.keys()].filter(
      (place) => this.nodes[place]?.kind === 'aggregate' && !this.isRead(place),
    )
    return tables.length === 0 ? null : this.one(tables)
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
    const drawn = this.random.integer(2) === 0 && kin.length > 0 ? kin : streams
    return drawn.length === 0 ? this.open(false) : this.one(drawn)
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
        return { kind, inputs: one, name: this.name('r'), to: identity, among: 3, key: this.keyOf(first) }
      case 'aggregate':
        return { kind, inputs: one, store: this.name('t'), operation: 'count', fold: 'sum' }
      case 'topic-sink':
        return { kind, inputs: one, topic: this.name('out'), partitions: 1, value: 'structured' }
      case 'connector-sink':
        return { kind, inputs: one, sink: this.name('sink'), guarantee: 'idempotent' }
      case 'topic-source':
      case 'connector-source':
        return null
    }
  }

  /** What merges want: the keys of most sources. */
  private keyOf(_place: number): SerdeName {
    return this.one<SerdeName>(['text', 'text', 'text', 'int32'])
  }

  /** What ends in nothing is written somewhere. */
  private closeEnds(): void {
    for (const [place, node] of this.nodes.entries()) {
      if (isSink(node.kind) || this.isRead(place)) continue
      if (node.kind === 'aggregate' && this.random.integer(3) === 0) continue
      const kind = this.random.integer(4) === 0 ? 'connector-sink' : 'topic-sink'
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
      const at: Place = {
        input,
        isExact: analysis.groups[facts.group]?.isExact === true,
        random: this.random,
        name: this.name,
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
    if (node.kind !== 'topic-sink' || analysis.fact(place).isTable || this.random.integer(5) > 0) return node
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

  private phaseScript(): PhaseScript {
    const { random } = this
    const kills = random.integer(3)
    let directory = this.one(['/one', '/one', '/one', '/away'])
    const lives: Life[] = []
    for (let life = 0; life < kills; life++) {
      lives.push({ directory, faults: [...this.otherFaults(), this.kill()] })
      if (random.integer(4) === 0) directory = `/moved-${random.integer(3)}`
    }
    lives.push({ directory, faults: this.otherFaults() })
    const beside = random.integer(4) === 0 ? { beside: { directory: '/two', afterMs: random.integer(60) } } : {}
    return { lives, ...beside }
  }

  private kill(): Fault {
    const { random } = this
    return {
      at: this.one(Generator.usualSteps),
      occurrence: 1 + random.integer(this.random.integer(2) === 0 ? 2 : 8),
      when: this.one(['before', 'after']),
      do: 'kill',
    }
  }

  private otherFaults(): Fault[] {
    const { random } = this
    const commits = stepNames.filter((name: StepName) => name.startsWith('B'))
    switch (random.integer(8)) {
      case 0:
      case 1:
        return [
          {
            at: this.one(commits),
            occurrence: 1 + random.integer(3),
            when: this.one(['before', 'after']),
            do: 'doubt',
          },
        ]
      case 2:
        return [
          {
            request: this.one(['EndTxn', 'Produce', 'TxnOffsetCommit', 'Fetch', 'AddPartitionsToTxn']),
            occurrence: 1 + random.integer(4),
            lateMs: random.integer(300),
          },
        ]
      case 3: {
        const forMs = random.integer(3) === 0 ? 10_000 + random.integer(4000) : random.integer(2000)
        return random.integer(3) === 0 ? [{ pauseAtMs: random.integer(150), forMs }] : []
      }
      case 4:
        return random.integer(3) === 0 ? [{ brokerDownAtMs: random.integer(150), forMs: random.integer(1500) }] : []
      case 5:
        return [{ storesLateMs: 5 + random.integer(100) }]
      default:
        return []
    }
  }
}

const isSink = (kind: NodeKind): boolean => kind === 'topic-sink' || kind === 'connector-sink'

function dress<K extends NodeKind>(node: Extract<CaseNode, { kind: K }>, place: Place): CaseNode {
  const { dress } = nodeTable[node.kind as K]
  return dress(node as never, place) as CaseNode
}
