import { count, type Pipeline, pipeline, type Serde, structured, sum, text, topic } from '../../src/index.ts'
import { keysOf, type Scenario } from './scenario.ts'
import { Tally } from './tally.ts'

interface Row {
  readonly n: number
  readonly total: number
}

const row: Serde<Row> = structured<Row>()

/** A row is right only if both of its fields are: each record adds 2 to the one and 1 to the other. */
const countOf = (value: unknown): number => {
  const { n, total } = value as Row
  return total === 2 * n ? n : Number.NaN
}

const merged = pipeline('merged', ({ stream }) => {
  const [left, right] = ['left', 'right'].map((name) =>
    stream(topic(name, { key: text, value: text }), { until: 'end' }),
  ) as [ReturnType<typeof stream<string, string>>, ReturnType<typeof stream<string, string>>]
  const table = left
    .tap(() => undefined)
    .merge(right.map((value) => value))
    .aggregate('table', { n: count(), total: sum((value) => value.length) })
  table.to(topic('rows', { key: text, value: row }))
  table.updates().to(topic('changes', { key: text, value: structured<Row | null>() }))
}) as Pipeline

/** Two topics with the same keys merged in front of one table: a task with two inputs and a store. */
export const mergedTable: Scenario = {
  name: 'table behind a merge of two topics',
  async begin(world) {
    await world.outside.createTopic('left', 2)
    await world.outside.createTopic('right', 2)
    const tally = new Tally()
    return {
      pipeline: merged,
      store: 'table',
      async feed(portion) {
        const records = keysOf(portion, 30).map((key, n) => ({
          key: Buffer.from(key),
          value: Buffer.from('xx'),
          timestamp: 1_700_000_000_000 + 100 * portion + ((n * 7) % 13),
        }))
        for (const { key } of records) tally.add(key.toString())
        await world.outside.write('left', records.slice(0, 12))
        await world.outside.write('right', records.slice(12))
      },
      async check(held) {
        tally.checkStore(held, countOf)
        const decoded = (value: Buffer): number => countOf(row.deserialize(value))
        await tally.checkChangelog(world, 'merged-table-changelog', decoded)
        await tally.checkLast(world, 'rows', decoded)
        await tally.checkUpdates(world, 'changes', decoded)
      },
    }
  },
}
