import type { Observable } from 'rxjs'
import { aggregate } from '../operators/aggregate.ts'
import { FlowRecord } from '../operators/flow-record.ts'
import { pipe } from '../operators/pipe.ts'
import type { ProcessorContext } from '../operators/processor-context.ts'
import { sink } from '../operators/sink.ts'
import { fusedStateless, type StatelessNode } from '../operators/stateless.ts'
import { endOfChain, RecordHub, type RecordOperator } from '../operators/step-subscriber.ts'
import type { RowChange } from '../state/key-value-store.ts'
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
  cutStores(): ReadonlyMap<string, readonly RowChange[]>
}

/**
 * Builds a task's chain from its sub-topology: one RxJS operator a node, neighbouring stateless verbs fused into one, a
 * `RecordHub` where records fan out.
 *
 * Between the nodes runs what the plan says; a `keyBy` whose keyed children read through a repartition topic writes to
 * that topic here, and its children stand in the chain of the task that reads it.
 */
export function buildChain(plan: Plan, sub: ProcessingSubTopology, appId: string, context: ProcessorContext): Chain {
  return new ChainBuilder(plan, sub, appId, context).build()
}

class ChainBuilder {
  private readonly sub: ProcessingSubTopology
  private readonly appId: string
  private readonly context: ProcessorContext
  private readonly nodes: ReadonlyMap<NodeId, TopologyNode>
  private readonly behindRepartition: ReadonlySet<string>
  private readonly tables: { readonly node: AggregateNode; readonly hub: RecordHub | null }[] = []

  constructor(plan: Plan, sub: ProcessingSubTopology, appId: string, context: ProcessorContext) {
    this.sub = sub
    this.appId = appId
    this.context = context
    this.nodes = new Map(sub.nodes.map((node) => [node.id, node]))
    this.behindRepartition = edgesThroughTopics(plan)
  }

  build(): Chain {
    const entries = new Map<InputSpec, RecordHub>()
    for (const input of this.sub.inputs) {
      const hub = new RecordHub()
      entries.set(input, hub)
      for (const target of input.targets) this.attach(hub.records, this.node(target))
      for (const source of input.sources) this.attachOutputs(hub.records, source)
    }
    const { context } = this
    const tables = [...this.tables].sort((a, b) => a.node.id - b.node.id)
    // Most tasks have one input, and all take many records of one before the next.
    let entered: InputSpec | null = null
    let entry: RecordHub | undefined
    return {
      push(input, record) {
        if (input !== entered) {
          entered = input
          entry = entries.get(input)
        }
        entry?.next(record)
      },
      cutStores() {
        const cuts = new Map<string, readonly RowChange[]>()
        for (const { node, hub } of tables) {
          const { store } = node
          const changes = context.store(store.name).cut()
          cuts.set(store.name, changes)
          if (hub === null) continue
          for (const { key, value, timestamp } of changes) {
            hub.next(FlowRecord.row(key, store.key, value, store.value, timestamp))
          }
        }
        return cuts
      },
    }
  }

  /** Connects a node, and all behind it, to what feeds it. */
  private attach(source: Observable<FlowRecord>, node: TopologyNode): void {
    const run = this.statelessRun(node)
    if (run.length > 0) {
      this.fanOut(source, fusedStateless(run), run.at(-1) as TopologyNode)
      return
    }
    switch (node.kind) {
      case 'topic-source':
      case 'connector-source':
      case 'connector-sink':
        return
      case 'map':
      case 'filter':
      case 'flat-map':
      case 'tap':
      case 'key-by':
        throw new Error(`unreachable: ${node.kind} is part of a run`)
      case 'pipe':
        this.fanOut(source, pipe(node, this.context), node)
        return
      case 'aggregate':
        this.attachTable(source, node)
        return
      case 'merge':
      case 'updates':
        this.fanOut(source, (records) => records, node)
        return
      case 'topic-sink':
        source
          .pipe(sink({ topic: node.topic.name, key: node.topic.key, value: node.topic.value }, this.context))
          .subscribe(endOfChain())
        return
    }
  }

  /** A table hands each change to `updates`, and to everything else the last per key at the commit. */
  private attachTable(source: Observable<FlowRecord>, node: AggregateNode): void {
    const children = this.childrenOf(node)
    const updates = children.filter((child) => child.kind === 'updates')
    const others = children.filter((child) => child.kind !== 'updates')
    const operated = source.pipe(aggregate(node, this.context, updates.length > 0))
    this.split(operated, updates)
    if (others.length === 0 && !this.sub.outputs.some((output) => output.from === node.id)) {
      this.tables.push({ node, hub: null })
      return
    }
    const hub = new RecordHub()
    this.tables.push({ node, hub })
    for (const child of others) this.attach(hub.records, child)
    this.attachOutputs(hub.records, node.id)
  }

  private fanOut(source: Observable<FlowRecord>, operator: RecordOperator, last: TopologyNode): void {
    const operated = source.pipe(operator)
    const outputs = this.sub.outputs.filter((output) => output.from === last.id)
    const children = this.childrenOf(last)
    if (outputs.length + children.length === 1) {
      for (const child of children) this.attach(operated, child)
      this.attachOutputs(operated, last.id)
      return
    }
    const hub = new RecordHub()
    for (const child of children) this.attach(hub.records, child)
    this.attachOutputs(hub.records, last.id)
    hub.feedFrom(operated)
  }

  private split(operated: Observable<FlowRecord>, children: readonly TopologyNode[]): void {
    const only = children.length === 1 ? children[0] : undefined
    if (only) {
      this.attach(operated, only)
      return
    }
    const hub = new RecordHub()
    for (const child of children) this.attach(hub.records, child)
    hub.feedFrom(operated)
  }

  private attachOutputs(source: Observable<FlowRecord>, from: NodeId): void {
    for (const output of this.sub.outputs) {
      if (output.from !== from) continue
      const topic = { topic: topicName(this.appId, output.topic), key: output.key, value: output.value }
      source.pipe(sink(topic, this.context)).subscribe(endOfChain())
    }
  }

  /** The node and the stateless verbs behind it, as long as each has one reader only. */
  private statelessRun(first: TopologyNode): StatelessNode[] {
    const run: StatelessNode[] = []
    for (let node: TopologyNode | undefined = first; node && isStateless(node); ) {
      run.push(node)
      const children = this.childrenOf(node)
      const written = this.sub.outputs.some((output) => output.from === node?.id)
      node = children.length === 1 && !written ? children[0] : undefined
    }
    return run
  }

  private childrenOf(node: TopologyNode): TopologyNode[] {
    return this.sub.nodes.filter(
      (child) => child.inputs.includes(node.id) && !this.behindRepartition.has(`${node.id}>${child.id}`),
    )
  }

  private node(id: NodeId): TopologyNode {
    const node = this.nodes.get(id)
    if (!node) throw new Error(`unreachable: node ${id} is not in sub-topology ${this.sub.id}`)
    return node
  }
}

const isStateless = (node: TopologyNode): node is StatelessNode =>
  node.kind === 'map' ||
  node.kind === 'filter' ||
  node.kind === 'flat-map' ||
  node.kind === 'tap' ||
  node.kind === 'key-by'

/** Edges that the plan leads through an internal topic, as `from>to`. */
function edgesThroughTopics(plan: Plan): ReadonlySet<string> {
  const edges = new Set<string>()
  for (const writer of plan.subtopologies) {
    if (writer.kind !== 'processing') continue
    for (const output of writer.outputs) {
      for (const reader of plan.subtopologies) {
        if (reader.kind !== 'processing') continue
        for (const input of reader.inputs) {
          if (input.topic.role !== output.topic.role || input.topic.name !== output.topic.name) continue
          for (const target of input.targets) edges.add(`${output.from}>${target}`)
        }
      }
    }
  }
  return edges
}
