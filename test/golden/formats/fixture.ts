import type { PositionsRow } from '../../../src/checkpoint/positions-row.ts'
import { type Pipeline, pipeline, structured, text, topic } from '../../../src/index.ts'
import type { AnySerde } from '../../../src/serde/serde.ts'

/** The formats of this version: the folder that the script writes. Later versions write one of their own, and open all. */
export const thisFormats = '1'

/** The store of rows that no job writes yet: with expiries, and with reserved rows of an operator. */
export const rowsStore = 'rows'
export const rowsValue: AnySerde = text

/** What it holds, and its changelog as well: key, value, time, expiry. */
export const userRows: readonly (readonly [string, string, number, number | null])[] = [
  ['', 'an empty key', 0, null],
  ['\0\u0001', 'bytes that are prefixes', 1_700_000_000_000, null],
  ['early', 'before 1970', -5, null],
  ['expires', 'a session', 1_700_000_000_001, 1_800_000_000_000],
  ['long', 'x'.repeat(40_000), 1_700_000_000_002, null],
  ['nothing', '', 1_700_000_000_003, 0],
]
export const reservedRows: readonly (readonly [string, string])[] = [
  ['clock', 'as an operator writes it'],
  ['timer 1', 'due'],
]
/** In the changelog behind the others: a delete, of a row that was there before. */
export const deletedKey = 'deleted'

export const rowsPositions: PositionsRow = {
  v: 1,
  commitId: 12,
  plan: 3,
  stores: [rowsStore, 'beside'],
  positions: { 'in-0': 345 },
  partitionTimes: { 'in-0': 1_700_000_000_000 },
  topicIds: { in: 'id of in' },
}
export const rowsIdentity = { app: 'golden', store: rowsStore, partition: 0, clusterId: 'cluster', topicId: 'topic', beganAt: 0 }

/** Lines by their first word, in the topic that the job has read. */
export const appId = 'golden'
export const lines: readonly (readonly [string, number])[] = [
  ['alpha one', 1_700_000_000_000],
  ['beta two', 1_700_000_000_100],
  ['alpha three', 1_700_000_000_050],
]
export const counted: ReadonlyMap<string, number> = new Map([
  ['alpha', 2],
  ['beta', 1],
])

/** A topic, a repartition, a store of numbers and one of structures. */
export const golden: Pipeline = pipeline(appId, ({ stream }) => {
  const words = stream(topic('lines', { key: text, value: text }), { until: 'end' }).keyBy('word', (line) =>
    String(line.split(' ')[0]),
  )
  words.count('counts')
  words.aggregate(
    'seen',
    () => ({ lines: [] as string[] }),
    (state, line) => ({ lines: [...state.lines, line] }),
    structured<{ lines: string[] }>(),
  )
  words.to(topic('words', { key: text, value: text, partitions: 1 }))
  return {}
}) as Pipeline
