import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { whyNotKafka } from '../support/real-kafka.ts'
import { temporaryDirectory } from '../support/temp-dir.ts'
import { alone } from './alone.ts'
import { beside, type Work } from './beside.ts'
import { writeCorpus } from './corpus.ts'
import { KafkaWorld } from './kafka-world.ts'
import { latencyTable } from './latency/latency.ts'
import { memoryTable } from './memory.ts'
import { type Options, parseOptions } from './options.ts'
import { recovery } from './recovery.ts'
import { comparisonTable, markdown, type Table } from './results.ts'

/**
 * `npm run bench`: Millrace by itself, and beside Kafka Streams on one Kafka. Prints tables in markdown; figures of different
 * runs are not to be compared, their ratios are.
 *
 * Options: `--only NAME[,NAME]` of the scenarios below, `--records N` (default 6,000,000), `--rounds N` that count (3),
 * `--megabytes N` of text (60), `--no-kafka`.
 */

/** What a scenario needs: a folder of its run, and a Kafka with its judge; null where there is none. */
interface Setting extends Options {
  readonly folder: string
  readonly world: KafkaWorld | null
  readonly say: (text: string) => void
}

type Scenario = (setting: Setting) => Promise<readonly Table[]>

/** Beside Kafka Streams: left out without Kafka. */
const onKafka =
  (run: (world: KafkaWorld, setting: Setting) => Promise<readonly Table[]>): Scenario =>
  async (setting) =>
    setting.world === null ? [] : run(setting.world, setting)

const compared = (work: Work): Scenario =>
  onKafka(async (world, setting) => [comparisonTable(await beside(world, work, setting))])

const embedded = async (setting: Setting): Promise<Table[]> => {
  const { folder } = setting
  const common = { ...setting, unit: 'records/s', brokers: null, least: null } as const
  return [
    comparisonTable(await alone(folder, { ...common, name: 'pass', what: 'pass-through, embedded' })),
    comparisonTable(await alone(folder, { ...common, name: 'count', what: 'count over 10,000 keys, embedded' })),
  ]
}

const words = async (setting: Setting): Promise<Table[]> => {
  const { folder, megabytes, world, say } = setting
  const corpus = await writeCorpus(join(folder, 'texts'), megabytes, 5)
  await writeFile(join(folder, 'corpus.json'), JSON.stringify(corpus))
  say(`corpus: seed ${corpus.seed}, ${corpus.bytes} bytes`)
  const common = { ...setting, name: 'words', unit: 'MB/s', least: 7 } as const
  const tables = [comparisonTable(await alone(folder, { ...common, what: 'word count, embedded', brokers: null }))]
  if (world === null) return tables
  const { brokers } = world
  return [...tables, comparisonTable(await alone(folder, { ...common, what: 'word count, Kafka', brokers }))]
}

/** Every scenario, by the name that `--only` takes, in the order in which they run. */
const scenarios: Readonly<Record<string, Scenario>> = {
  pass: compared({ what: 'pass-through with a map', work: 'pass', keys: 10_000, digest: 'pairs', least: 2.5 }),
  count: compared({ what: 'count over 10,000 keys', work: 'count', keys: 10_000, digest: 'keys', least: 4.5 }),
  rekey: compared({ what: 're-key, then count', work: 'rekey', keys: 10_000, digest: 'others', least: 3 }),
  'many-keys': compared({
    what: 'count over 2 million keys',
    work: 'count',
    keys: 2_000_000,
    digest: 'keys',
    least: 2.5,
  }),
  latency: onKafka(async ({ brokers }, { folder, say }) => [await latencyTable(folder, brokers, say)]),
  recovery: onKafka(async (world, setting) => (await recovery(world, setting)).map(comparisonTable)),
  words,
  embedded,
  memory: async ({ folder, say }) => [await memoryTable(folder, say)],
}

/** Those that need no Kafka. */
const withoutKafka: readonly string[] = ['embedded', 'memory']

const options = parseOptions(process.argv.slice(2), Object.keys(scenarios))
const say = (text: string): void => void process.stderr.write(`${text}\n`)
await using directory = await temporaryDirectory('bench')
const needsKafka = options.only.some((name) => !withoutKafka.includes(name))
const why = !options.kafka ? '--no-kafka' : needsKafka ? whyNotKafka() : 'none of these needs it'
const world = why === null ? await KafkaWorld.open(directory.path) : null
if (world === null) say(`without Kafka and Kafka Streams: ${why}`)
const tables: Table[] = []
try {
  for (const name of options.only) {
    tables.push(...((await scenarios[name]?.({ ...options, folder: directory.path, world, say })) ?? []))
  }
} finally {
  // What was measured before a failure is not lost with it.
  process.stdout.write(markdown(tables))
  await world?.close()
}
