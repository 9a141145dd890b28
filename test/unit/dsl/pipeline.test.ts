import {
  int32,
  int64,
  json,
  nullable,
  type PipelineBuilder,
  pipeline,
  structured,
  type Topic,
  text,
  topic,
} from 'millrace'
import { filter, map } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { isPipeline } from '../../../src/dsl/pipeline.ts'
import type { AggregateNode, TopologyNode } from '../../../src/topology/node.ts'
import { emptySource, forgetfulSink } from '../../support/connectors.ts'

interface Order {
  readonly user: string
  readonly cents: number
}
const orders = topic('orders', { key: text, value: json<Order>() })
const counts = topic('counts', { key: text, value: int64 })

const failure = (promise: Promise<unknown>): Promise<{ code: string; message: string }> =>
  promise.then(
    () => ({ code: 'none', message: 'it was accepted' }),
    (error: { code: string; message: string }) => ({ code: error.code, message: error.message }),
  )

describe('a pipeline', () => {
  it('does nothing before it is built, and the same each time it is', async () => {
    let builds = 0
    const shop = pipeline('shop', ({ stream }) => {
      builds++
      stream(orders).count('orders').to(counts)
    })
    expect(builds).toBe(0)
    const first = await shop.describe()
    expect(await shop.describe()).toBe(first)
    expect(builds).toBe(2)
  })

  it('is known by its brand, also to another copy of the package', () => {
    const shop = pipeline('shop', ({ stream }) => stream(orders).to(orders))
    expect(isPipeline(shop)).toBe(true)
    expect(isPipeline({ [Symbol.for('millrace.pipeline')]: true })).toBe(true)
    for (const other of [null, undefined, 'shop', {}, { name: 'shop', build: () => {} }])
      expect(isPipeline(other)).toBe(false)
  })

  it('hands out the tables that its build function returns, under these names', async () => {
    const shop = pipeline('shop', ({ stream }) => {
      const n = stream(orders).count('orders-per-user')
      return { perUser: n, again: n }
    })
    const { queryables } = await shop.build()
    expect([...queryables].map(([name, { name: store, key, value }]) => [name, store, key, value])).toEqual([
      ['perUser', 'orders-per-user', text, int64],
      ['again', 'orders-per-user', text, int64],
    ])
  })

  it.each([
    ['a stream', ({ stream }: never) => ({ s: (stream as Function)(orders).map(String) }), 's, which has no store'],
    [
      'a nameless table',
      ({ stream }: never) => (stream as Function)(orders).count('n'),
      'a stream or table without a name',
    ],
    ['a promise', async () => {}, 'a promise (is it async?)'],
    ['a text', () => 'done', 'a string'],
  ])('refuses a build function that returns %s', async (_what, build, found) => {
    const { code, message } = await failure(pipeline('shop', build as never).build())
    expect([code, message]).toEqual([
      'PIPELINE_INVALID',
      `pipeline shop: expected its build function to return tables by name, found ${found}; return { name: table }, or nothing`,
    ])
  })

  it('says what its build function threw', async () => {
    const thrown = new TypeError('x is not a function')
    const shop = pipeline('shop', () => {
      throw thrown
    })
    await expect(shop.build()).rejects.toMatchObject({
      code: 'PIPELINE_INVALID',
      message:
        'pipeline shop: expected its build function to return, found that it throws: x is not a function; mend it',
      cause: thrown,
    })
  })
})

describe('a call that the compiler would have refused', () => {
  // Pipeline files run without a type check.
  // biome-ignore lint/suspicious/noExplicitAny: these programs are wrong on purpose
  type Untyped = any
  const wrong: readonly (readonly [(stream: Untyped) => unknown, string])[] = [
    [(stream) => stream(), 'stream: expected a topic or source-connector, found undefined'],
    [(stream) => stream('orders'), 'stream: expected a topic or source-connector, found "orders"'],
    [(stream) => stream(forgetfulSink('x')), 'stream: expected a topic or source-connector, found "sink-connector"'],
    [(stream) => stream(orders, { timestamp: 5 }), 'stream(orders): timestamp: expected a function, found number'],
    [(stream) => stream(orders).map(), 'map: expected a function, found undefined'],
    [(stream) => stream(orders).filter('x'), 'filter: expected a function, found "x"'],
    [(stream) => stream(orders).flatMap(null), 'flatMap: expected a function, found null'],
    [(stream) => stream(orders).tap({}), 'tap: expected a function, found object'],
    [(stream) => stream(orders).pipe(filter(Boolean), 5), 'pipe: expected a function, found number'],
    [(stream) => stream(orders).keyBy('user'), 'keyBy(user): expected a function, found undefined'],
    [
      (stream) => stream(orders).keyBy('user', String, {}),
      'keyBy(user): key: expected a serde such as text or json(), found undefined',
    ],
    [
      (stream) => stream(orders).keyBy('user', String, { key: text, value: 'x' }),
      'keyBy(user): value: expected a serde',
    ],
    [(stream) => stream(orders).reduce('r'), 'reduce(r): expected a function, found undefined'],
    [(stream) => stream(orders).aggregate('a', () => 0), 'aggregate(a): expected a function, found undefined'],
    [(stream) => stream(orders).aggregate('a', () => 0, String, 'int64'), 'aggregate(a): expected a serde'],
    [(stream) => stream(orders).aggregate('a', { n: 1 }), 'aggregate(a): n: expected a function, found undefined'],
    [(stream) => stream(orders).aggregate('a'), 'aggregate(a): expected a function, found undefined'],
    [(stream) => stream(orders).count(), 'store: expected a name'],
    [(stream) => stream(orders).to('x'), 'to: expected a topic or sink-connector, found "x"'],
    [
      (stream) => stream(orders).to(emptySource('x')),
      'to: expected a topic or sink-connector, found "source-connector"',
    ],
    [() => topic('t', {} as Untyped), 'topic(t): key: expected a serde'],
  ]

  it.each(wrong)('is refused where it is made: %s', async (call, message) => {
    const built = pipeline('p', ({ stream }) => void call(stream)).build()
    const failed = await failure(built)
    expect(failed.message).toContain(message)
    expect(failed.code).toMatch(/^(PIPELINE|PLAN)_INVALID$/)
  })
})

describe('parameters', () => {
  const parameters = z.object({
    files: z.string().default('*.md'),
    limit: z.coerce.number().int().optional(),
    at: z.coerce.date().optional(),
  })
  const seen: unknown[] = []
  const counted = pipeline('counted', { parameters }, ({ stream, parameters }) => {
    seen.push(parameters)
    stream(orders).count('n')
  })

  it('are what the schema makes of what is given', async () => {
    seen.length = 0
    await counted.build({ limit: '5' })
    await counted.build()
    expect(seen).toEqual([{ files: '*.md', limit: 5 }, { files: '*.md' }])
  })

  it('that the schema refuses are named, with the remedy', async () => {
    const { code, message } = await failure(counted.build({ limit: 'many' }))
    expect(code).toBe('PARAMETER_INVALID')
    expect(message).toMatch(
      /^pipeline counted: expected parameters that its schema accepts, found limit: .*; give them as --set/,
    )
  })

  it('that the schema does not know are refused, with those that it knows', async () => {
    expect(await failure(counted.build({ limt: '5' }))).toEqual({
      code: 'PARAMETER_INVALID',
      message:
        'pipeline counted: expected the parameters at, files, limit, found limt; correct the name or leave it out',
    })
  })

  it('that a JSON schema shows are known, too', async () => {
    const schema = z.object({ files: z.string() }).transform(({ files }) => files.split(','))
    const shown = pipeline('shown', { parameters: schema }, ({ stream, parameters }) => {
      expect(parameters).toEqual(['a', 'b'])
      stream(orders).count('n')
    })
    await shown.build({ files: 'a,b' })
    expect(await failure(shown.build({ files: 'a', more: '' }))).toMatchObject({ code: 'PARAMETER_INVALID' })
  })

  it('may be any where the schema takes any', async () => {
    const open = pipeline('open', { parameters: z.looseObject({ a: z.string() }) }, ({ stream, parameters }) => {
      expect(parameters).toEqual({ a: '1', b: '2' })
      stream(orders).count('n')
    })
    await open.build({ a: '1', b: '2' })
  })

  it('may be checked later', async () => {
    const later = z.object({ a: z.string().refine(async (value) => value === 'good') })
    const built = pipeline('later', { parameters: later }, ({ stream }) => void stream(orders).count('n'))
    await built.build({ a: 'good' })
    expect(await failure(built.build({ a: 'bad' }))).toMatchObject({ code: 'PARAMETER_INVALID' })
  })

  it('are refused where a pipeline takes none', async () => {
    const plain = pipeline('plain', ({ stream }) => void stream(orders).count('n'))
    expect((await failure(plain.build({ a: '1' }))).message).toBe(
      'pipeline plain: expected no parameters, found a; correct the name or leave it out',
    )
  })
})

describe('streams', () => {
  const nodesOf = async (build: (builder: PipelineBuilder) => void): Promise<readonly TopologyNode[]> =>
    (await pipeline('shop', build).build()).nodes

  it('keep the functions and operators that they are given', async () => {
    const fns = {
      map: (o: Order) => o.cents,
      filter: () => true,
      flat: () => [1],
      tap: () => {},
      key: (o: Order) => o.user,
    }
    const operators = [map((n: number) => n), filter((n: number) => n > 0)] as const
    const timestamp = (o: Order): number => o.cents
    const nodes = await nodesOf(({ stream }) => {
      stream(orders, { timestamp })
        .filter(fns.filter)
        .tap(fns.tap)
        .keyBy('user', fns.key)
        .map(fns.map)
        .flatMap(fns.flat)
        .pipe(...operators)
    })
    expect(nodes).toMatchObject([
      { kind: 'topic-source', timestamp },
      { kind: 'filter', fn: fns.filter },
      { kind: 'tap', fn: fns.tap },
      { kind: 'key-by', name: 'user', fn: fns.key },
      { kind: 'map', fn: fns.map },
      { kind: 'flat-map', fn: fns.flat },
      { kind: 'pipe', operators },
    ])
  })

  it('keep the serde of what nobody touches, and store the rest structured', async () => {
    const nodes = await nodesOf(({ stream }) => {
      const order = stream(orders)
        .filter(() => true)
        .keyBy('cents', (o) => o.cents, { key: int32 })
      order
        .reduce('last', (_, o) => o)
        .updates()
        .map(String)
        .keyBy('text', (s) => s, { key: text, value: text })
        .count('n')
    })
    expect(nodes.map(({ kind, key, value }) => [kind, key.id, value.id])).toEqual([
      ['topic-source', 'text', 'json'],
      ['filter', 'text', 'json'],
      ['key-by', 'int32', 'json'],
      ['aggregate', 'int32', 'json'],
      ['updates', 'int32', 'json'],
      ['map', 'int32', 'structured'],
      ['key-by', 'text', 'text'],
      ['aggregate', 'text', 'int64'],
    ])
  })

  it('merge values of two encodings as structured ones', async () => {
    const nodes = await nodesOf(({ stream }) => {
      stream(orders).merge(stream(counts)).count('n')
      stream(orders).merge(stream(orders)).count('m')
    })
    expect(nodes.filter(({ kind }) => kind === 'merge').map(({ value }) => value.id)).toEqual(['structured', 'json'])
  })

  it('are shown null behind a nullable serde and behind updates, up to where a function gives other values', async () => {
    const maybe = topic('maybe', { key: text, value: nullable(text) })
    const shows = async (build: (builder: PipelineBuilder) => void) =>
      (await nodesOf(build)).map((node) => [node.kind, (node as { showsNull?: true }).showsNull === true])
    expect(
      await shows(({ stream }) => {
        stream(maybe)
          .filter(() => true)
          .tap(() => {})
          .keyBy('new', () => 'x')
          .map((v) => v ?? '')
          .flatMap((v) => [v])
          .pipe(map((v) => v))
          .to(topic('out', { key: text, value: text }))
      }),
    ).toEqual([
      ['topic-source', false],
      ['filter', true],
      ['tap', true],
      ['key-by', true],
      ['map', true],
      ['flat-map', false],
      ['pipe', false],
      ['topic-sink', false],
    ])
    expect(
      await shows(({ stream }) => {
        stream(counts)
          .tap(() => {})
          .count('n')
          .updates()
          .tap(() => {})
          .pipe(map((v) => v))
          .to(topic('out', { key: text, value: structured<number | null>() }))
      }),
    ).toEqual([
      ['topic-source', false],
      ['tap', false],
      ['aggregate', false],
      ['updates', false],
      ['tap', true],
      ['pipe', true],
      ['topic-sink', false],
    ])
  })

  it('hold null behind a keyBy that gives them a serde, as before it', async () => {
    const nodes = await nodesOf(({ stream }) => {
      const maybe = topic('maybe', { key: text, value: nullable(text) })
      const value = structured<string | null>()
      stream(maybe)
        .keyBy('new', () => 'x', { key: text, value })
        .count('n')
      stream(orders).keyBy('other', () => 'x', { key: text, value: orders.value })
    })
    expect(nodes.filter(({ kind }) => kind === 'key-by').map(({ value }) => value.holdsNull === true)).toEqual([
      true,
      false,
    ])
  })

  it('are shown null behind a merge where one side holds it', async () => {
    const maybe = (name: string) => topic(name, { key: text, value: nullable(text) })
    const plain = (name: string) => topic(name, { key: text, value: text })
    const mergeOf = async (left: Topic<string, string | null>, right: Topic<string, string | null>) => {
      const nodes = await nodesOf(({ stream }) => {
        stream(left).merge(stream(right)).to(maybe('out'))
      })
      return nodes.find(({ kind }) => kind === 'merge')?.value.holdsNull === true
    }
    const asAny = (given: Topic<string, string>) => given as unknown as Topic<string, string | null>
    expect(await mergeOf(asAny(plain('a')), maybe('b'))).toBe(true)
    expect(await mergeOf(maybe('a'), asAny(plain('b')))).toBe(true)
    expect(await mergeOf(maybe('a'), asAny(counts as unknown as Topic<string, string>))).toBe(true)
    expect(await mergeOf(asAny(plain('a')), asAny(plain('b')))).toBe(false)
  })

  it('read a source connector with 4 partitions unless it says otherwise', async () => {
    const nodes = await nodesOf(({ stream }) => {
      stream(emptySource('a')).to(forgetfulSink('x'))
      stream(emptySource('b', 1)).to(forgetfulSink('y'))
    })
    expect(nodes.filter((node) => node.kind === 'connector-source').map(({ source }) => source.partitions)).toEqual([
      4, 1,
    ])
  })

  it('go to sink connectors as they are', async () => {
    const sink = forgetfulSink('x')
    const nodes = await nodesOf(({ stream }) => stream(orders).to(sink))
    expect(nodes[1]).toMatchObject({
      kind: 'connector-sink',
      sink: { name: 'x', guarantee: 'idempotent', connector: sink },
    })
  })
})

describe('aggregates', () => {
  const aggregateOf = async (build: (builder: PipelineBuilder) => void): Promise<AggregateNode> => {
    const { nodes } = await pipeline('shop', build).build()
    return nodes.find((node): node is AggregateNode => node.kind === 'aggregate') as AggregateNode
  }

  it('count from 0 in int64', async () => {
    const node = await aggregateOf(({ stream }) => void stream(orders).count('n'))
    expect(node).toMatchObject({ operation: 'count', store: { name: 'n', kind: 'key-value', key: text, value: int64 } })
    expect(node.fold(node.seed?.(), {}, 'k')).toBe(1)
  })

  it('reduce without a seed, in the encoding of their values', async () => {
    const fn = (a: Order, b: Order): Order => ({ ...b, cents: a.cents + b.cents })
    const node = await aggregateOf(({ stream }) => void stream(orders).reduce('total', fn))
    expect(node).toMatchObject({ operation: 'reduce', fold: fn, store: { value: orders.value } })
    expect('seed' in node).toBe(false)
  })

  it('aggregate from a seed, in the serde that is given, else structured', async () => {
    const seed = (): number => 0
    const fold = (state: number, order: Order): number => state + order.cents
    const given = await aggregateOf(({ stream }) => void stream(orders).aggregate('total', seed, fold, int64))
    expect(given).toMatchObject({ operation: 'aggregate', seed, fold, store: { value: int64 } })
    const not = await aggregateOf(({ stream }) => void stream(orders).aggregate('total', seed, fold))
    expect(not.store.value.id).toBe(structured().id)
  })
})
