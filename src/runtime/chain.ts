import { aggregate } from '../operators/aggregate.ts'
import { FlowRecord } from '../operators/flow-record.ts'
import { pipe } from '../operators/pipe.ts'
import type { ProcessorContext } from '../operators/processor-context.ts'
import { sink } from '../operators/sink.ts'
import { fusedStateless, type StatelessNode } from '../operators/stateless.ts'
import { connect, type Emit, endOfChain, fanOut } from '../operators/step-subscriber.ts'
import type { RowChanges } from '../state/row-changes.ts'
import type { AggregateNode, NodeId, TopologyNode } from '../topology/node.ts'
import { type InputSpec, type Plan, type ProcessingSubTopology, topicName } from '../topology/plan.ts'

/** The operators of one task, connected. */
export interface Chain {
  /** Pushes a record of an input through everything behind it. Throws what user code throws. */
  push(input: InputSpec, record: FlowRecord): void
  /**
   * Cuts every store and hands on the last value of each key that its table changed since the last commit, in the order of
   * first change. A table comes before what it feeds, so nothing is changed behind its cut.
   */
  cutStores(): ReadonlyMap<string, RowChanges>
}

/**
 * Builds a task's chain from its sub-topology: one RxJS operator a node, neighbouring stateless verbs fused into one.
 *
 * Every node is built once, from the ends backwards, so that what it hands its records to is there. Where records come
 * together, several call its one way in; where they part, they go to the readers in order of id, each with all that is
 * behind it before the next. A `keyBy` whose keyed children read through a repartition topic writes to that topic here,
 * and its children stand in the chain of the task that reads it.
 */
export function buildChain(plan: Plan, sub: ProcessingSubTopology, appId: string, context: ProcessorContext): Chain {
  return new ChainBuilder(plan, sub, appId, context).build()
}

interface CutTable {
  readonly node: AggregateNode
  /** What takes the last value of each key; null when nobody does. */
  readonly changes: Emit | null
}

class ChainBuilder {
  private readonly sub: ProcessingSubTopology
  private readonly appId: string
  private readonly context: ProcessorContext
  /** Who takes a node's records in this chain, in order of id. */
  private readonly readers: ReadonlyMap<NodeId, readonly TopologyNode[]>
  /** The ways into nodes that are built. */
  private readonly entries = new Map<NodeId, Emit>()
  /** Last first. */
  private readonly tables: CutTable[] = []

  constructor(plan: Plan, sub: ProcessingSubTopology, appId: string, context: ProcessorContext) {
    this.sub = sub
    this.appId = appId
    this.context = context
    this.readers = readersOf(plan, sub)
  }

  build(): Chain {
    const fused = new Set<TopologyNode | undefined>(this.sub.nodes.map((node) => this.nextInRun(node)))
    for (const node of this.sub.nodes.toReversed()) {
      if (!fused.has(node)) this.entries.set(node.id, this.entryOf(node))
    }
    const inputs = new Map(this.sub.inputs.map((input) => [input, this.inputEntry(input)]))
    const { context } = this
    const tables = this.tables.toReversed()
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
      cutStores() {
        const cuts = new Map<string, RowChanges>()
        for (const { node, changes } of tables) {
          const { store } = node
          const rows = context.store(store.name).cut()
          cuts.set(store.name, rows)
          if (changes === null) continue
          rows.forEach((bytes, keyAt, keyLength, valueAt, valueLength, timestamp) => {
            changes(FlowRecord.row(bytes, keyAt, keyLength, store.key, valueAt, valueLength, store.value, timestamp))
          })
        }
        return cuts
      },
    }
  }

  private inputEntry(input: InputSpec): Emit {
    const targets = input.targets.map((id) => this.entry(id))
    return fanOut([...targets, ...input.sources.flatMap((source) => this.outputsOf(source))])
  }

  /** Builds a node in front of what is built already. */
  private entryOf(node: TopologyNode): Emit {
    switch (node.kind) {
      case 'topic-source':
      case 'connector-source':
      case 'connector-sink':
        throw new Error(`unreachable: a ${node.kind} is not part of a chain`)
      case 'map':
      case 'filter':
      case 'flat-map':
      case 'tap':
      case 'key-by': {
        const run = this.runFrom(node)
        return connect(fusedStateless(run), this.behind(run.at(-1) ?? node))
      }
      case 'pipe':
        return connect(pipe(node, this.context), this.behind(node))
      case 'aggregate':
        return this.tableEntry(node)
      case 'merge':
      case 'updates':
        return this.behind(node)
      case 'topic-sink': {
        const { name, key, value } = node.topic
        return connect(sink({ topic: name, key, value }, this.context), endOfChain)
      }
    }
  }

  /** A table hands each change to `updates`, and to everything else the last per key at the commit. */
  private tableEntry(node: AggregateNode): Emit {
    const readers = this.readersOf(node.id)
    const updates = readers.filter(({ kind }) => kind === 'updates')
    const others = readers.filter(({ kind }) => kind !== 'updates')
    const atCut = [...others.map(({ id }) => this.entry(id)), ...this.outputsOf(node.id)]
    this.tables.push({ node, changes: atCut.length === 0 ? null : fanOut(atCut) })
    const emit = fanOut(updates.map(({ id }) => this.entry(id)))
    return connect(aggregate(node, this.context, updates.length > 0), emit)
  }

  /** What takes the records that leave a node: its readers, then the internal topics that it writes. */
  private behind({ id }: TopologyNode): Emit {
    return fanOut([...this.readersOf(id).map((reader) => this.entry(reader.id)), ...this.outputsOf(id)])
  }

  private outputsOf(from: NodeId): readonly Emit[] {
    return this.sub.outputs
      .filter((output) => output.from === from)
      .map(({ topic, key, value }) =>
        connect(sink({ topic: topicName(this.appId, topic), key, value }, this.context), endOfChain),
      )
  }

  /** The node and the stateless verbs behind it that are one operator with it. */
  private runFrom(first: StatelessNode): StatelessNode[] {
    const run: StatelessNode[] = []
    for (let node: StatelessNode | undefined = first; node; node = this.nextInRun(node)) run.push(node)
    return run
  }

  /** The stateless verb that has a node's records to itself, if there is one. */
  private nextInRun(node: TopologyNode): StatelessNode | undefined {
    const readers = this.readersOf(node.id)
    const [next] = readers
    const isAlone = readers.length === 1 && !this.sub.outputs.some((output) => output.from === node.id)
    return isStateless(node) && isAlone && next && isStateless(next) ? next : undefined
  }

  private readersOf(id: NodeId): readonly TopologyNode[] {
    return this.readers.get(id) ?? []
  }

  private entry(id: NodeId): Emit {
    const entry = this.entries.get(id)
    if (!entry) throw new Error(`unreachable: node ${id} is not in sub-topology ${this.sub.id}, or not built yet`)
    return entry
  }
}

const isStateless = (node: TopologyNode): node is StatelessNode =>
  node.kind === 'map' ||
  node.kind === 'filter' ||
  node.kind === 'flat-map' ||
  node.kind === 'tap' ||
  node.kind === 'key-by'

/** Who takes each node's records directly, in order of id: not those who read them from an internal topic. */
function readersOf(plan: Plan, sub: ProcessingSubTopology): ReadonlyMap<NodeId, readonly TopologyNode[]> {
  const throughTopics = edgesThroughTopics(plan)
  const readers = new Map<NodeId, TopologyNode[]>(sub.nodes.map(({ id }) => [id, []]))
  for (const node of sub.nodes) {
    for (const from of node.inputs) if (!throughTopics.has(`${from}>${node.id}`)) readers.get(from)?.push(node)
  }
  return readers
}

/** Edges that the plan leads through an internal topic, as `from>to`. */
function edgesThroughTopics(plan: Plan): ReadonlySet<string> {
  const edges = new Set<string>()
  const processing = plan.subtopologies.filter((sub) => sub.kind === 'processing')
  const writers = processing.flatMap(({ outputs }) => outputs)
  for (const { topic, targets } of processing.flatMap(({ inputs }) => inputs)) {
    for (const writer of writers) {
      if (writer.topic.role !== topic.role || writer.topic.name !== topic.name) continue
      for (const target of targets) edges.add(`${writer.from}>${target}`)
    }
  }
  return edges
}
