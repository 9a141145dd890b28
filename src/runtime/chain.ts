import { type Emit, endOfChain, fanOut } from '../operators/emit.ts'
import type { FlowRecord } from '../operators/flow-record.ts'
import type { ChainLink, Operator } from '../operators/operator.ts'
import { type OperatorTable, operatorEntry } from '../operators/operator-table.ts'
import type { ProcessorContext } from '../operators/processor-context.ts'
import { sink } from '../operators/sink.ts'
import { connect, fused } from '../operators/step-subscriber.ts'
import type { RowChanges } from '../state/row-changes.ts'
import type { Edge } from '../topology/edge.ts'
import type { NodeId, TopologyNode } from '../topology/node.ts'
import { factsOf } from '../topology/node-kinds.ts'
import type { InputSpec, ProcessingSubTopology } from '../topology/plan.ts'
import { topicName } from '../topology/topic-ref.ts'
import { DueTimes, type DueWork } from './due-times.ts'
import { type OwnUnit, ownersOf, type WorkClock, type WorkOwner } from './own-units.ts'

/** The operators of one task, connected. */
export interface Chain {
  /** Pushes a record of an input through everything behind it. Throws what user code throws. */
  push(input: InputSpec, record: FlowRecord): void
  /** When stream time has something to do, epoch milliseconds; `Infinity` for never. One comparison a record. */
  readonly dueMs: number
  /** The same of the wall clock. */
  readonly nextWakeMs: number
  /**
   * What is to be done first now that stream time, epoch milliseconds, has come so far. The caller does it, or has it struck
   * off, and asks again: before the record that moved time goes in (R5). @returns null when everything due is done
   */
  advance(streamTime: number): OwnUnit | null
  /** As `advance`, by the wall clock. */
  punctuate(now: number): OwnUnit | null
  /** The same of what operators keep back until the bounded inputs of the task have ended (X18). */
  flush(): OwnUnit | null
  /**
   * Cuts every store and hands on the last value of each key that its table changed since the last commit, in the order of
   * first change. A table comes before what it feeds, so nothing is changed behind its cut.
   * @returns what changed, by store
   */
  cut(): ReadonlyMap<string, RowChanges>
}

/**
 * Builds a task's chain from its sub-topology: one RxJS operator a node, neighbouring steps fused into one.
 *
 * Every node is built once, from the ends backwards, so that what it hands its records to is there. Where records come
 * together, several call its one way in; where they part, they go to the readers in order of id, each with all that is
 * behind it before the next. Where an edge leads through a topic the chain ends in that topic, and what reads it stands in
 * the chain of the task there.
 *
 * @param table how the operators are come by: the engine's, but in a test of what a chain does with them
 */
export function buildChain(
  sub: ProcessingSubTopology,
  appId: string,
  context: ProcessorContext,
  table: OperatorTable,
): Chain {
  return new ChainBuilder(sub, appId, context, table).build()
}

/** An operator, and what takes the last change of each key from it at a cut. */
interface Built {
  readonly owner: WorkOwner
  readonly operator: Operator
  readonly changes: Emit | null
}

class ChainBuilder {
  private readonly sub: ProcessingSubTopology
  private readonly appId: string
  private readonly context: ProcessorContext
  private readonly table: OperatorTable
  private readonly owners: ReadonlyMap<NodeId, WorkOwner>
  private readonly nodes: ReadonlyMap<NodeId, TopologyNode>
  /** Edges by the node that they come from, in order of the nodes that they lead to. */
  private readonly leaving: ReadonlyMap<NodeId, readonly Edge[]>
  /** The ways into nodes that are built, one a port. */
  private readonly entries = new Map<NodeId, readonly Emit[]>()
  /** Last first. */
  private readonly built: Built[] = []
  private readonly streamTimes = new DueTimes<WorkOwner>()
  private readonly wallTimes = new DueTimes<WorkOwner>()

  constructor(sub: ProcessingSubTopology, appId: string, context: ProcessorContext, table: OperatorTable) {
    this.sub = sub
    this.appId = appId
    this.context = context
    this.table = table
    this.owners = ownersOf(sub)
    this.nodes = new Map(sub.nodes.map((node) => [node.id, node]))
    const leaving = new Map<NodeId, Edge[]>()
    for (const edge of sub.edges) leaving.set(edge.from, [...(leaving.get(edge.from) ?? []), edge])
    this.leaving = leaving
  }

  build(): Chain {
    const fusedNodes = new Set(this.sub.nodes.map((node) => this.nextInRun(node)?.id))
    for (const node of this.sub.nodes.toReversed()) {
      if (!fusedNodes.has(node.id)) this.entries.set(node.id, this.entriesOf(node))
    }
    const inputs = new Map(this.sub.inputs.map((input) => [input, this.inputEntry(input)]))
    const operators = this.built.toReversed()
    const { streamTimes, wallTimes } = this
    // Most tasks have one input, and all take many records of one before the next.
    let entered: InputSpec | null = null
    let entry: Emit = endOfChain
    return {
      push(input, record) {
        if (input !== entered) {
          entered = input
          entry = inputs.get(input) ?? endOfChain
        }
        entry(record)
      },
      get dueMs() {
        return streamTimes.next
      },
      get nextWakeMs() {
        return wallTimes.next
      },
      advance: (streamTime) => unitOf('stream time', streamTimes.first(streamTime)),
      punctuate: (now) => unitOf('wall clock', wallTimes.first(now)),
      flush() {
        for (const { owner, operator } of operators) {
          const work = operator.flush?.() ?? null
          if (work !== null) return { clock: 'end of input', owner, work }
        }
        return null
      },
      cut() {
        const cuts = new Map<string, RowChanges>()
        for (const { operator, changes } of operators) {
          for (const { store, rows } of operator.cut?.(changes) ?? []) cuts.set(store, rows)
        }
        return cuts
      },
    }
  }

  private inputEntry({ edges, sources }: InputSpec): Emit {
    return fanOut([...edges.map((edge) => this.entry(edge)), ...sources.flatMap((source) => this.outputsOf(source))])
  }

  /** Builds a node in front of what is built already. @returns its ways in */
  private entriesOf(node: TopologyNode): readonly Emit[] {
    const entry = operatorEntry(this.table, node)
    const ports = factsOf(node).ports.length
    if (entry === 'through') return Array.from({ length: ports }, () => this.behind(node.id))
    if ('step' in entry) {
      const run = this.runFrom(node)
      return connect(fused(run.map((one) => this.stepOf(one))), ports, this.behind((run.at(-1) ?? node).id))
    }
    return this.operatorOf(node, entry.build, ports)
  }

  /** A table hands each change to who takes every one, and to everything else the last per key at the commit. */
  private operatorOf(
    node: TopologyNode,
    build: (node: TopologyNode, context: ProcessorContext, link: ChainLink) => Operator,
    ports: number,
  ): readonly Emit[] {
    const isTable = factsOf(node).yields === 'row change'
    const readers = this.leaving.get(node.id) ?? []
    const takesEvery = ({ to }: Edge): boolean => factsOf(this.nodes.get(to) as TopologyNode).takesEveryChange
    const every = readers.filter((edge) => !isTable || takesEvery(edge)).map((edge) => this.entry(edge))
    const last = readers.filter((edge) => isTable && !takesEvery(edge)).map((edge) => this.entry(edge))
    const outputs = this.outputsOf(node.id)
    const changes = isTable ? [...last, ...outputs] : []
    const owner = this.owners.get(node.id) as WorkOwner
    const streamTime = this.streamTimes.place(owner)
    const wallTime = this.wallTimes.place(owner)
    const operator = build(node, this.context, {
      wantsEveryChange: isTable && every.length > 0,
      dueAt: streamTime.dueAt,
      wakeAt: wallTime.dueAt,
    })
    streamTime.asks(operator.advance?.bind(operator))
    wallTime.asks(operator.punctuate?.bind(operator))
    this.built.push({ owner, operator, changes: changes.length === 0 ? null : fanOut(changes) })
    return connect(operator, ports, fanOut(isTable ? every : [...every, ...outputs]))
  }

  /** What takes the records that leave a node: its readers, then the internal topics that it writes. */
  private behind(id: NodeId): Emit {
    return fanOut([...(this.leaving.get(id) ?? []).map((edge) => this.entry(edge)), ...this.outputsOf(id)])
  }

  private outputsOf(from: NodeId): readonly Emit[] {
    return this.sub.outputs
      .filter((output) => output.from === from)
      .flatMap(({ topic, key, value }) => {
        const isRepartition = topic.role === 'repartition'
        const output = { topic: topicName(this.appId, topic), key, value, isRepartition }
        return connect(sink(output, this.context), 1, endOfChain)
      })
  }

  /** The node and the steps behind it that are one operator with it. */
  private runFrom(first: TopologyNode): readonly TopologyNode[] {
    const run: TopologyNode[] = []
    for (let node: TopologyNode | undefined = first; node; node = this.nextInRun(node)) run.push(node)
    return run
  }

  /** The step that has a node's records to itself, if there is one: a step has one way in. */
  private nextInRun(node: TopologyNode): TopologyNode | undefined {
    const [edge, ...others] = this.leaving.get(node.id) ?? []
    if (edge === undefined || others.length > 0 || !this.isStep(node)) return undefined
    const next = this.nodes.get(edge.to)
    const isAlone = !this.sub.outputs.some((output) => output.from === node.id)
    return next !== undefined && isAlone && this.isStep(next) ? next : undefined
  }

  private entry({ to, port }: Edge): Emit {
    const entry = this.entries.get(to)?.[port]
    if (!entry) throw new Error(`unreachable: node ${to} is not in sub-topology ${this.sub.id}, or not built yet`)
    return entry
  }

  private isStep(node: TopologyNode): boolean {
    const entry = operatorEntry(this.table, node)
    return entry !== 'through' && 'step' in entry
  }

  private stepOf(node: TopologyNode): (next: Emit) => Emit {
    const entry = operatorEntry(this.table, node)
    if (entry === 'through' || !('step' in entry)) throw new Error(`unreachable: a ${node.kind} is not a step`)
    return (next) => entry.step(node, next, this.context)
  }
}

function unitOf(clock: WorkClock, due: DueWork<WorkOwner> | null): OwnUnit | null {
  return due && { clock, ...due }
}
