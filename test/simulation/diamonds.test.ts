import { describe, expect, it } from 'vitest'
import {
  int64,
  type Pipeline,
  pipeline,
  type Serde,
  type Stream,
  structured,
  sum,
  type Table,
  text,
  topic,
} from '../../src/index.ts'
import { reservedPrefix } from '../../src/state/row-format.ts'
import { simulationSeed } from '../support/seed.ts'
import { World } from '../support/world.ts'

/**
 * Records that come together in front of one table, from two topics or from two branches of one: the table is one, takes
 * each record as often as it comes, and what it keeps, logs and hands on are the same.
 */

type Words = Stream<string, string>
type Shape = (web: Words, shop: Words) => Words

const shapes: Readonly<Record<string, Shape>> = {
  'two topics': (web, shop) => web.merge(shop),
  'two topics, a map behind them': (web, shop) => web.merge(shop).map((value) => value),
  'two topics, a map on one side': (web, shop) => web.map((value) => value).merge(shop),
  'two topics, a filter on the other side': (web, shop) => web.merge(shop.filter((value) => value !== '')),
  'two topics, a new key on each side': (web, shop) =>
    web.keyBy('web', (_, key) => key).merge(shop.keyBy('shop', (_, key) => key)),
  'two topics, a new key behind them': (web, shop) => web.merge(shop).keyBy('both', (_, key) => key),
  'two branches that part the records': (web, shop) =>
    web
      .filter((value) => value === '1')
      .merge(web.filter((value) => value !== '1'))
      .merge(shop),
  'two branches with a new key each': (web, shop) =>
    web
      .filter((value) => value === '1')
      .keyBy('ones', (_, key) => key)
      .merge(web.filter((value) => value !== '1').keyBy('others', (_, key) => key))
      .merge(shop.keyBy('shop', (_, key) => key)),
  'three ways': (web, shop) => {
    const [a, b, c] = [(v: string) => v === '1', (v: string) => v === '2', (v: string) => v > '2']
    return web
      .filter((value) => a(value))
      .merge(web.filter((value) => b(value)).tap(() => undefined))
      .merge(web.filter((value) => c(value)).map((value) => value))
      .merge(shop)
  },
  'a diamond behind a diamond': (web, shop) => {
    const once = web.filter((value) => value < '2').merge(web.filter((value) => value >= '2'))
    return once
      .filter((value) => value !== '3')
      .merge(once.filter((value) => value === '3'))
      .merge(shop)
  },
}

const operations: Readonly<Record<string, (words: Words) => Table<string, unknown>>> = {
  count: (words) => words.map(() => '1').count('table'),
  reduce: (words) => words.map(() => '1').reduce('table', (a, b) => String(Number(a) + Number(b))),
  aggregate: (words) => words.map(() => '1').aggregate('table', { n: sum((value) => Number(value)) }),
}
/** A count, a sum as text, or a row with a sum. */
const row = structured<{}>() as Serde<unknown>
const amount = (row: unknown): number => Number((row as { readonly n?: number })?.n ?? row)

const web = [...'1231'].map((value, n) => ({ key: `k${n % 2}`, value, timestamp: 1000 + n }))
const shop = [...'2213'].map((value, n) => ({ key: `k${n % 3}`, value, timestamp: 1001 + n }))
const bytes = (records: typeof web) =>
  records.map(({ key, value, timestamp }) => ({ key: Buffer.from(key), value: Buffer.from(value), timestamp }))
const expected = new Map([
  ['k0', 4],
  ['k1', 3],
  ['k2', 1],
])
const doubled = new Map([...expected].map(([key, n]) => [key, 2 * n]))

const config = { dataDirectory: '/data', commitIntervalMs: 20, commitShareMax: 1, instanceId: 'one' }

function pipelineOf(shape: Shape, operation: (words: Words) => Table<string, unknown>): Pipeline {
  return pipeline('diamond', ({ stream }) => {
    const [left, right] = ['web', 'shop'].map((name) =>
      stream(topic(name, { key: text, value: text }), { until: 'end' }),
    ) as [Words, Words]
    const table = operation(shape(left, right))
    table.updates().to(topic('changes', { key: text, value: row }))
    table.to(topic('rows', { key: text, value: row }))
  }) as Pipeline
}

/** The last value of each key in a topic of the engine's or the user's, as a number. */
async function lastOf(world: World, name: string, decode: (value: Buffer) => unknown): Promise<Map<string, number>> {
  const { records, isSettled } = await world.run(world.read(name))
  expect(isSettled).toBe(true)
  const rows = records.filter(({ key }) => key[0] !== reservedPrefix)
  const isLog = name.endsWith('-changelog')
  return new Map(
    rows.map(({ key, value }) => [(isLog ? key.subarray(1) : key).toString(), amount(value && decode(value))]),
  )
}

const numbers = (held: ReadonlyMap<string, unknown>): Map<string, number> =>
  new Map([...held].map(([key, row]) => [key, amount(row)]))

describe.each(Object.entries(shapes))('%s in front of a table', (_, shape) => {
  it.each(Object.entries(operations))(
    '%s: store, changelog, outputs and a restart are right',
    async (name, operation) => {
      const world = new World(simulationSeed(31))
      await world.run(world.startBroker())
      for (const topicName of ['web', 'shop']) await world.run(world.outside.createTopic(topicName, 2))
      await world.run(world.outside.write('web', bytes(web)))
      await world.run(world.outside.write('shop', bytes(shop)))
      const made = pipelineOf(shape, operation)
      const stored = name === 'count' ? int64 : row
      const check = async (held: ReadonlyMap<string, unknown>, right: ReadonlyMap<string, number>): Promise<void> => {
        expect(numbers(held)).toEqual(right)
        expect(await lastOf(world, 'diamond-table-changelog', (value) => stored.deserialize(value))).toEqual(right)
        for (const output of ['changes', 'rows']) {
          expect(await lastOf(world, output, (value) => row.deserialize(value))).toEqual(right)
        }
      }
      await check(await world.run(world.runToEnd(made, 'table', config)), expected)
      await world.run(world.outside.write('web', bytes(web)))
      await world.run(world.outside.write('shop', bytes(shop)))
      // On an empty directory: what the changelog holds is all there is.
      await check(await world.run(world.runToEnd(made, 'table', { ...config, dataDirectory: '/empty' })), doubled)
      const { records } = await world.run(world.read('changes'))
      expect(records).toHaveLength(2 * (web.length + shop.length))
    },
  )
})
