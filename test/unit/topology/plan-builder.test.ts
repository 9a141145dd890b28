import { int64, json, type PipelineBuilder, pipeline, structured, text, topic } from 'millrace'
import { describe, expect, it } from 'vitest'
import { presence } from '../../../src/serde/presence.ts'
import type { ClusterFacts } from '../../../src/topology/graph.ts'
import type { Plan, ProcessingSubTopology, SubTopology } from '../../../src/topology/plan.ts'
import { buildPlan } from '../../../src/topology/plan-builder.ts'
import { topicName } from '../../../src/topology/topic-ref.ts'
import { emptySource, forgetfulSink, keyedSource } from '../../support/connectors.ts'

const orders = topic('orders', { key: text, value: json<{ user: string; sku: string; cents: number }>() })
const lines = topic('lines', { key: text, value: text })
const counts = topic('counts', { key: text, value: int64 })
const copy = topic('copy', { key: text, value: text })

function planOf(build: (builder: PipelineBuilder) => void): Promise<Plan> {
  return pipeline('app', (builder) => {
    build(builder)
  }).build()
}

/** What each sub-topology reads, does and writes, in one line. */
function shape(plan: Plan): readonly string[] {
  return plan.subtopologies.map((sub) => {
    const after = sub.upstream.length === 0 ? '' : ` behind ${sub.upstream.join(',')}`
    return `${sub.kind}${after}: ${[...parts(sub)].join(' | ')}`
  })
}

function* parts(sub: SubTopology): Iterable<string> {
  if (sub.kind === 'source') yield sub.source.name
  if (sub.kind === 'sink') yield topicName('app', sub.input.topic)
  if (sub.kind !== 'processing') return
  yield sub.inputs
    .map(({ topic, edges }) => `${topicName('app', topic)}>${edges.map(({ to }) => to).join(',')}`)
    .join(' ')
  yield sub.nodes.map(({ id, kind }) => `${id}:${kind}`).join(' ')
  if (sub.outputs.length > 0) yield sub.outputs.map(({ from, topic }) => `${from}>${topicName('app', topic)}`).join(' ')
}

/** Partitions by topic, and the names of repartition topics that are there. */
function cluster(partitions: Readonly<Record<string, number>>, repartitions: readonly string[] = []): ClusterFacts {
  return { partitionsOf: (topic) => partitions[topic], hasRepartition: (name) => repartitions.includes(name) }
}

function processing(plan: Plan, id: number): ProcessingSubTopology {
  return plan.subtopologies[id] as ProcessingSubTopology
}

describe('a plan', () => {
  it('is one sub-topology where no key changes', async () => {
    const plan = await planOf(({ stream }) => stream(lines).filter(Boolean).count('n').to(counts))
    expect(shape(plan)).toEqual(['processing: lines>1 | 1:filter 2:aggregate 3:topic-sink'])
    expect(plan.subtopologies[0]).toMatchObject({ stores: [{ name: 'n', key: text, value: int64 }] })
  })

  it('repartitions only where the key changed before a keyed operator', async () => {
    const plan = await planOf(({ stream }) => {
      stream(orders)
        .keyBy('user', (o) => o.user)
        .count('per-user')
        .to(counts)
    })
    expect(shape(plan)).toEqual([
      'processing: orders>1 | 1:key-by | 1>app-user-repartition',
      'processing behind 0: app-user-repartition>2 | 2:aggregate 3:topic-sink',
    ])
  })

  it('carries untouched values through a repartition in the encoding of their topic', async () => {
    const plan = await planOf(({ stream }) => {
      stream(orders)
        .keyBy('user', (o) => o.user)
        .reduce('last', (_, order) => order)
    })
    expect(processing(plan, 1).inputs[0]).toMatchObject({ key: text, value: orders.value })
  })

  it('carries no values through a repartition behind which all is counted', async () => {
    const plan = await planOf(({ stream }) => {
      stream(orders)
        .keyBy('user', (o) => o.user)
        .count('per-user')
    })
    expect(processing(plan, 1).inputs[0]?.value.id).toBe('presence')
    expect(processing(plan, 0).outputs[0]?.value.id).toBe('presence')
  })

  it('writes records with a new key straight to a topic', async () => {
    const plan = await planOf(({ stream }) => {
      stream(lines)
        .keyBy('word', (line) => line)
        .filter(Boolean)
        .to(copy)
    })
    expect(shape(plan)).toEqual(['processing: lines>1 | 1:key-by 2:filter 3:topic-sink'])
  })

  it('lets keyed operators behind one keyBy share its repartition topic, and leaves others before it', async () => {
    const plan = await planOf(({ stream }) => {
      const perUser = stream(orders).keyBy('user', (o) => o.user)
      perUser.count('orders')
      perUser.to(orders2)
      perUser.map((o) => o.cents).reduce('cents', (a, b) => a + b)
    })
    expect(shape(plan)).toEqual([
      'processing: orders>1 | 1:key-by 3:topic-sink | 1>app-user-repartition',
      'processing behind 0: app-user-repartition>2,4 | 2:aggregate 4:map 5:aggregate',
    ])
  })

  it('repartitions once where a key changes twice before it is needed', async () => {
    const plan = await planOf(({ stream }) => {
      stream(orders)
        .keyBy('user', (o) => o.user)
        .filter((o) => o.cents > 0)
        .keyBy('sku', (o) => o.sku)
        .count('per-sku')
    })
    expect(shape(plan)).toEqual([
      'processing: orders>1 | 1:key-by 2:filter 3:key-by | 3>app-sku-repartition',
      'processing behind 0: app-sku-repartition>4 | 4:aggregate',
    ])
  })

  it('does not repartition the changes of a table, whose key is what it was', async () => {
    const plan = await planOf(({ stream }) => {
      stream(orders)
        .keyBy('user', (o) => o.user)
        .count('per-user')
        .updates()
        .map((n) => n ?? 0)
        .reduce('most', (a, b) => Math.max(a, b))
    })
    expect(shape(plan)).toEqual([
      'processing: orders>1 | 1:key-by | 1>app-user-repartition',
      'processing behind 0: app-user-repartition>2 | 2:aggregate 3:updates 4:map 5:aggregate',
    ])
  })

  it('reads a topic in one sub-topology, however often it is streamed', async () => {
    const plan = await planOf(({ stream }) => {
      stream(lines).count('a')
      stream(lines)
        .keyBy('word', (w) => w)
        .count('b')
      stream(lines).to(copy)
    })
    expect(shape(plan)).toEqual([
      'processing: lines>1,3,6 | 1:aggregate 3:key-by 6:topic-sink | 3>app-word-repartition',
      'processing behind 0: app-word-repartition>4 | 4:aggregate',
    ])
  })

  it('keeps pipelines over different topics apart, and those that merge together', async () => {
    const apart = await planOf(({ stream }) => {
      stream(lines).count('a')
      stream(copy).count('b')
    })
    expect(shape(apart)).toEqual(['processing: lines>1 | 1:aggregate', 'processing: copy>3 | 3:aggregate'])
    const merged = await planOf(({ stream }) => stream(lines).merge(stream(copy)).count('a'))
    expect(shape(merged)).toEqual(['processing: copy>2 lines>2 | 2:merge 3:aggregate'])
  })

  it('merges a side with a new key behind its repartition topic', async () => {
    const plan = await planOf(({ stream }) => {
      const words = stream(lines).keyBy('word', (w) => w)
      stream(copy).merge(words).count('n')
    })
    expect(shape(plan)).toEqual([
      'processing: lines>1 | 1:key-by | 1>app-word-repartition',
      'processing behind 0: copy>3 app-word-repartition>3 | 3:merge 4:aggregate',
    ])
  })

  it('hands each record twice to a merge of two streams of one topic', async () => {
    const plan = await planOf(({ stream }) => stream(lines).merge(stream(lines)).count('n'))
    expect(shape(plan)).toEqual(['processing: lines>2,2 | 2:merge 3:aggregate'])
  })

  it('reads source connectors first, each into its ingest topic', async () => {
    const second = emptySource('second', 7)
    const plan = await planOf(({ stream }) => {
      stream(lines).to(copy)
      stream(emptySource('first'))
        .keyBy('a', (l) => l)
        .count('a')
      stream(second)
        .keyBy('b', (l) => l)
        .count('b')
      stream(second).to(topic('kept', { key: structured<null>(), value: text }))
    })
    expect(shape(plan)).toEqual([
      'source: first',
      'source: second',
      'processing: lines>1 | 1:topic-sink',
      'processing behind 0: app-first-ingest>3 | 3:key-by | 3>app-a-repartition',
      'processing behind 3: app-a-repartition>4 | 4:aggregate',
      'processing behind 1: app-second-ingest>6,9 | 6:key-by 9:topic-sink | 6>app-b-repartition',
      'processing behind 5: app-b-repartition>7 | 7:aggregate',
    ])
    expect(plan.subtopologies.slice(0, 2)).toMatchObject([{ source: { partitions: 4 } }, { source: { partitions: 7 } }])
  })

  it('puts each sink connector into a sub-topology of its own behind an egress topic', async () => {
    const plan = await planOf(({ stream }) => {
      const table = stream(lines).count('n')
      table.to(forgetfulSink('table'))
      table.updates().to(forgetfulSink('updates'))
      table.to(counts)
    })
    expect(shape(plan)).toEqual([
      'processing: lines>1 | 1:aggregate 3:updates 5:topic-sink | 1>app-table-egress 3>app-updates-egress',
      'sink behind 0: app-table-egress',
      'sink behind 0: app-updates-egress',
    ])
  })

  it('writes to a sink connector through its egress topic also what has a new key', async () => {
    const plan = await planOf(({ stream }) => {
      const words = stream(lines).keyBy('word', (w) => w)
      words.to(forgetfulSink('words'))
      words.count('n')
    })
    expect(shape(plan)).toEqual([
      'processing: lines>1 | 1:key-by | 1>app-words-egress 1>app-word-repartition',
      'sink behind 0: app-words-egress',
      'processing behind 0: app-word-repartition>3 | 3:aggregate',
    ])
  })

  it('lets a sink connector read an untouched topic directly, if nothing else does', async () => {
    const direct = await planOf(({ stream }) => {
      stream(lines).to(forgetfulSink('lines'))
      stream(emptySource('source')).to(forgetfulSink('ingest'))
    })
    expect(shape(direct)).toEqual(['source: source', 'sink: lines', 'sink behind 0: app-source-ingest'])
    const shared = await planOf(({ stream }) => {
      stream(lines).to(forgetfulSink('lines'))
      stream(lines).count('n')
    })
    // The output is from a source node: the input says which ones it stands for.
    expect(processing(shared, 0).inputs[0]).toMatchObject({
      sources: [0, 2],
      edges: [{ from: 2, to: 3, port: 0, through: null }],
    })
    expect(shape(shared)).toEqual([
      'processing: lines>3 | 3:aggregate | 0>app-lines-egress',
      'sink behind 0: app-lines-egress',
    ])
  })

  it('leads what a connector gives through a topic before each keyed operator, and before nothing else', async () => {
    const plan = await planOf(({ stream }) => {
      const entries = stream(keyedSource('entries', text))
      const wanted = entries.filter(Boolean)
      wanted.count('n').to(counts)
      wanted.to(copy)
    })
    expect(shape(plan)).toEqual([
      'source: entries',
      'processing behind 0: app-entries-ingest>1 | 1:filter 4:topic-sink | 1>app-n-repartition',
      'processing behind 1: app-n-repartition>2 | 2:aggregate 3:topic-sink',
    ])
    expect(processing(plan, 1).outputs).toMatchObject([{ reason: 'by split', value: presence }])
  })

  it('leads through no second topic what is where its key is already: behind a keyBy, behind a table', async () => {
    const plan = await planOf(({ stream }) => {
      const table = stream(keyedSource('entries', text))
        .keyBy('again', (v) => v)
        .reduce('last', (_, v) => v)
      table
        .updates()
        .filter((v) => v !== null)
        .count('changes')
    })
    expect(shape(plan)).toEqual([
      'source: entries',
      'processing behind 0: app-entries-ingest>1 | 1:key-by | 1>app-again-repartition',
      'processing behind 1: app-again-repartition>2 | 2:aggregate 3:updates 4:filter 5:aggregate',
    ])
  })

  it('keeps topics that differ apart from what has state: their records go there by key', async () => {
    const build = ({ stream }: PipelineBuilder): void => {
      const both = stream(lines).merge(stream(copy))
      both.count('n').to(counts)
      both.to(topic('all', { key: text, value: text }))
    }
    const even = await planOf(build)
    expect(shape(even)).toEqual(['processing: copy>2 lines>2 | 2:merge 3:aggregate 4:topic-sink 5:topic-sink'])
    const uneven = buildPlan(even, cluster({ lines: 2, copy: 3 }))
    expect(shape(uneven)).toEqual([
      'processing: copy>2 lines>2 | 2:merge 5:topic-sink | 2>app-n-repartition',
      'processing behind 0: app-n-repartition>3 | 3:aggregate 4:topic-sink',
    ])
    expect(processing(uneven, 0).outputs).toMatchObject([{ reason: 'uneven inputs' }])
    // Even again, they go on through the topic that is there: it may hold what nobody has read yet.
    const after = buildPlan(uneven, cluster({ lines: 3, copy: 3 }, ['n']))
    expect(shape(after)).toEqual(shape(uneven))
    expect(processing(after, 0).outputs).toMatchObject([{ reason: 'as before' }])
    expect(shape(buildPlan(uneven, cluster({ lines: 3, copy: 3 })))).toEqual(shape(even))
  })

  it('lets topics that differ be read together where nothing has state', async () => {
    const plan = await planOf(({ stream }) => {
      stream(lines)
        .merge(stream(copy))
        .keyBy('word', (v) => v)
        .count('n')
    })
    expect(shape(buildPlan(plan, cluster({ lines: 2, copy: 3 })))).toEqual(shape(plan))
  })

  it('takes the topic of a keyBy for nobody else, whatever a store is called', async () => {
    const plan = await planOf(({ stream }) => {
      const words = stream(lines)
      words.keyBy('n', (v) => v).count('m')
      words.count('n')
    })
    expect(shape(buildPlan(plan, cluster({ lines: 2 }, ['n', 'm'])))).toEqual([
      'processing: lines>1,3 | 1:key-by 3:aggregate | 1>app-n-repartition',
      'processing behind 0: app-n-repartition>2 | 2:aggregate',
    ])
  })

  it('refuses a keyBy and a store of one name where both need a topic', async () => {
    const build = planOf(({ stream }) => {
      const entries = stream(keyedSource('entries', text))
      entries.count('n')
      entries.keyBy('n', (v) => v).count('m')
    })
    await expect(build).rejects.toMatchObject({
      code: 'PLAN_INVALID',
      message:
        'repartition n: expected a name of its own, found a keyBy and a store of that name, before which records go through a topic, too; rename one of the two',
    })
  })

  it('orders what reads a topic behind what writes it', async () => {
    const plan = await planOf(({ stream }) => {
      stream(copy).count('n')
      stream(lines).to(copy)
    })
    expect(shape(plan)).toEqual(['processing: lines>3 | 3:topic-sink', 'processing behind 0: copy>1 | 1:aggregate'])
    expect(plan.written).toEqual([])
  })

  it('names the topics that it only writes, with what they are created with', async () => {
    const made = topic('made', { key: text, value: text, partitions: 3, config: { 'cleanup.policy': 'compact' } })
    const plan = await planOf(({ stream }) => {
      stream(lines).to(made)
      stream(lines).count('n').to(counts)
    })
    expect(plan.written.map(({ name, partitions, config }) => ({ name, partitions, config }))).toEqual([
      { name: 'counts', partitions: undefined, config: undefined },
      { name: 'made', partitions: 3, config: { 'cleanup.policy': 'compact' } },
    ])
  })

  it('takes the error policies of a source behind a repartition, where its own bytes never fail to decode', async () => {
    const plan = await planOf(({ stream }) => {
      stream(lines, { onDecodeError: 'skip', onProcessError: 'skip' })
        .keyBy('word', (w) => w)
        .count('n')
    })
    expect(processing(plan, 0).inputs[0]?.errors).toEqual({ decode: 'skip', process: 'skip' })
    expect(processing(plan, 1).inputs[0]?.errors).toEqual({ decode: 'fail', process: 'skip' })
  })

  it('reads a topic until its end where a stream says so, and for ever where none does', async () => {
    const plan = await planOf(({ stream }) => {
      stream(lines, { until: 'end' }).count('n')
      stream(copy).count('m')
    })
    expect(plan.subtopologies.map((_, id) => processing(plan, id).inputs[0]?.until)).toEqual(['end', undefined])
  })

  it('fails on a record of merged streams where one of them says so', async () => {
    const plan = await planOf(({ stream }) => {
      const merged = stream(lines, { onProcessError: 'skip' }).merge(stream(copy))
      merged.keyBy('word', (w) => w).count('n')
    })
    expect(processing(plan, 1).inputs[0]?.errors).toEqual({ decode: 'fail', process: 'fail' })
  })

  it('is frozen', async () => {
    const plan = await planOf(({ stream }) =>
      stream(orders)
        .keyBy('u', (o) => o.user)
        .count('n')
        .to(counts),
    )
    const unfrozen: string[] = []
    const visit = (value: unknown, path: string): void => {
      if (typeof value !== 'object' || value === null || value instanceof Map) return
      if (!Object.isFrozen(value)) unfrozen.push(path)
      for (const [name, inner] of Object.entries(value)) visit(inner, `${path}.${name}`)
    }
    visit(plan, 'plan')
    expect(unfrozen).toEqual([])
  })

  it('leaves values out of a repartition only where everybody behind it counts', async () => {
    const plan = await planOf(({ stream }) => {
      const counted = stream(lines).keyBy('counted', (line) => line)
      counted.count('a')
      counted.count('b')
      const both = stream(copy).keyBy('both', (line) => line)
      both.count('c')
      both.reduce('longest', (a, b) => (a.length > b.length ? a : b))
    })
    const encodingIn = (name: string) =>
      plan.subtopologies
        .flatMap((sub) => (sub.kind === 'processing' ? sub.inputs : []))
        .find(({ topic: { name: n } }) => n === name)?.value.id
    expect([encodingIn('counted'), encodingIn('both')]).toEqual(['presence', 'text'])
  })

  it('is made in no time however many ways lead through it: 60 diamonds in a row', async () => {
    const plan = await planOf(({ stream }) => {
      let words = stream(lines, { onProcessError: 'skip' })
      for (let n = 0; n < 60; n++) words = words.filter(Boolean).merge(words.map((word) => word))
      words
        .keyBy('word', (word) => word)
        .count('n')
        .to(counts)
    })
    expect(processing(plan, 1).inputs[0]?.errors.process).toBe('skip')
    expect(processing(plan, 0).nodes).toHaveLength(60 * 3 + 1)
  })
})

const orders2 = topic('orders-2', { key: text, value: json<{ user: string; sku: string; cents: number }>() })
