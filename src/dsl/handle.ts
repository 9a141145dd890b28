import type { OperatorFunction } from 'rxjs'
import { StreamError } from '../core/errors.ts'
import { nullable } from '../serde/nullable.ts'
import { int64 } from '../serde/number.ts'
import type { AnySerde } from '../serde/serde.ts'
import { structured } from '../serde/structured.ts'
import { text } from '../serde/text.ts'
import type { AggregateNode, ConnectorSinkSpec, StoreSpec, TopicSpec, TopologyNode } from '../topology/node.ts'
import type { TopologyBuilder } from '../topology/topology-builder.ts'
import type { Aggregators } from './aggregator.ts'
import { checkedFunction, checkedKind, checkedSerde } from './checked.ts'
import type { Stream } from './stream.ts'
import type { Table } from './table.ts'

/** The node behind a handle. A registered symbol, so that a second copy of the package knows it, too. */
const nodeOf = Symbol.for('millrace.node')

type Fn<R> = (value: unknown, key: unknown) => R
type Fold = AggregateNode['fold']
type AnySink = (TopicSpec & { readonly kind: 'topic' }) | (ConnectorSinkSpec & { readonly kind: 'sink-connector' })

/** The stream of what leaves a node. Types are the caller's to say: at run time there are none. */
export function streamOf<K, V>(builder: TopologyBuilder, node: TopologyNode): Stream<K, V> {
  return new StreamHandle(builder, node) as unknown as Stream<K, V>
}

/** Whether a value is a stream or a table of this package. */
export function isHandle(value: object): boolean {
  return nodeOf in value
}

class Handle {
  protected readonly builder: TopologyBuilder
  readonly [nodeOf]: TopologyNode

  constructor(builder: TopologyBuilder, node: TopologyNode) {
    this.builder = builder
    this[nodeOf] = node
  }

  /** What a new node that shows values to user code begins with. */
  protected get shown(): Pick<TopologyNode, 'inputs' | 'key' | 'value'> & { readonly showsNull?: true } {
    return { ...this.behind, ...(this.behind.value.holdsNull === true ? { showsNull: true } : {}) }
  }

  /** What a new node behind this one begins with: keys keep their serde, and so do values that nobody touches. */
  protected get behind(): Pick<TopologyNode, 'inputs' | 'key' | 'value'> {
    const { id, key, value } = this[nodeOf]
    return { inputs: [id], key, value }
  }

  to(sink: AnySink): void {
    const base = this.behind
    checkedKind('to', sink, ['topic', 'sink-connector'])
    if (sink.kind === 'topic') {
      this.builder.add({ kind: 'topic-sink', ...base, topic: sink })
    } else {
      const { name, guarantee } = sink
      this.builder.add({ kind: 'connector-sink', ...base, sink: { name, guarantee, connector: sink } })
    }
  }
}

/** An interface of the DSL without its types: a method that has no implementation does not compile. */
type Erased<T> = { readonly [Name in keyof T]: T[Name] extends Callable ? Callable : unknown }
type Callable = (...given: never[]) => unknown

class StreamHandle extends Handle implements Erased<Stream<unknown, unknown>> {
  map(fn: Fn<unknown>): StreamHandle {
    return this.#add({ kind: 'map', ...this.shown, value: structured(), fn: checkedFunction('map', fn) })
  }

  filter(fn: Fn<boolean>): StreamHandle {
    return this.#add({ kind: 'filter', ...this.shown, fn: checkedFunction('filter', fn) })
  }

  flatMap(fn: Fn<Iterable<unknown>>): StreamHandle {
    return this.#add({ kind: 'flat-map', ...this.shown, value: structured(), fn: checkedFunction('flatMap', fn) })
  }

  tap(fn: Fn<void>): StreamHandle {
    return this.#add({ kind: 'tap', ...this.shown, fn: checkedFunction('tap', fn) })
  }

  pipe(...operators: readonly OperatorFunction<unknown, unknown>[]): StreamHandle {
    for (const operator of operators) checkedFunction('pipe', operator)
    return this.#add({ kind: 'pipe', ...this.shown, value: structured(), operators: Object.freeze(operators) })
  }

  keyBy(name: string, fn: Fn<unknown>, serdes?: { readonly key: AnySerde; readonly value?: AnySerde }): StreamHandle {
    const key = serdes === undefined ? text : checkedSerde(`keyBy(${name}): key`, serdes.key)
    const given = serdes?.value === undefined ? this.behind.value : checkedSerde(`keyBy(${name}): value`, serdes.value)
    const value = this.behind.value.holdsNull === true ? nullable(given) : given
    return this.#add({ kind: 'key-by', ...this.shown, key, value, name, fn: checkedFunction(`keyBy(${name})`, fn) })
  }

  merge(other: StreamHandle): StreamHandle {
    const left = this[nodeOf]
    const right = other[nodeOf]
    if (!this.builder.owns(right) || right === left) {
      const found = right === left ? 'itself' : 'a stream of another pipeline'
      throw new StreamError(
        'PLAN_INVALID',
        `merge: expected another stream of the same pipeline, found ${found}; merge streams of one build function`,
      )
    }
    const both = left.value.id === right.value.id ? left.value : structured()
    // A null of one side is shown behind the merge, and then so are those of the other: nobody can tell them apart there.
    const value = left.value.holdsNull || right.value.holdsNull ? nullable(both) : both
    return this.#add({ kind: 'merge', ...this.behind, inputs: [left.id, right.id], value })
  }

  count(store: string): TableHandle {
    return this.#aggregate(
      'count',
      store,
      int64,
      (state) => (state as number) + 1,
      () => 0,
    )
  }

  reduce(store: string, fn: Fold): TableHandle {
    return this.#aggregate('reduce', store, this.behind.value, checkedFunction(`reduce(${store})`, fn))
  }

  aggregate(store: string, seed: (() => unknown) | Aggregators<unknown>, fn?: Fold, serde?: AnySerde): TableHandle {
    const what = `aggregate(${store})`
    const value = serde === undefined ? structured() : checkedSerde(what, serde)
    return typeof seed === 'function'
      ? this.#aggregate('aggregate', store, value, checkedFunction(what, fn as Fold), seed)
      : this.#aggregate('aggregate', store, value, foldFields(what, seed), () => ({}))
  }

  #add(node: Parameters<TopologyBuilder['add']>[0]): StreamHandle {
    return new StreamHandle(this.builder, this.builder.add(node))
  }

  #aggregate(
    operation: AggregateNode['operation'],
    name: string,
    value: AnySerde,
    fold: Fold,
    seed?: () => unknown,
  ): TableHandle {
    const store: StoreSpec = Object.freeze({ name, kind: 'key-value', key: this.behind.key, value })
    const begin = seed === undefined ? {} : { seed }
    const base = { ...this.behind, value }
    const node = this.builder.add({ kind: 'aggregate', ...base, operation, store, ...begin, fold })
    return new TableHandle(this.builder, node, store)
  }
}

class TableHandle extends Handle implements Erased<Table<unknown, unknown>> {
  readonly '~store': { readonly spec: StoreSpec }

  constructor(builder: TopologyBuilder, node: TopologyNode, store: StoreSpec) {
    super(builder, node)
    this['~store'] = { spec: store }
  }

  updates(): StreamHandle {
    return new StreamHandle(
      this.builder,
      this.builder.add({ kind: 'updates', ...this.behind, value: nullable(this.behind.value) }),
    )
  }
}

/** One new state a value, so that what was handed on earlier stays as it was. */
function foldFields(what: string, aggregators: Aggregators<unknown>): Fold {
  const fields = Object.entries(aggregators ?? {})
  for (const [field, aggregator] of fields) checkedFunction(`${what}: ${field}`, aggregator?.fold)
  if (fields.length === 0) checkedFunction(what, aggregators)
  return (state, value) => {
    const next: Record<string, unknown> = {}
    for (const [field, { fold }] of fields) next[field] = fold((state as Record<string, unknown>)[field], value)
    return next
  }
}
