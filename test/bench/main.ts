import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startRealKafka, whyNotKafka } from '../support/real-kafka.ts'
import { writeCorpus } from './corpus.ts'
import { runKafkaStreams } from './kafka-streams.ts'
import { latencyRows } from './latency/latency.ts'
import { memoryRows } from './memory.ts'
import { nodeFlags } from './node-flags.ts'

/**
 * `npm run bench`: each scenario of Millrace in a process of its own, and Kafka Streams beside it on the same Kafka in the
 * same run. Prints a table; figures of different runs are not to be compared, their ratios are.
 *
 * Options: `--records N` (default 6,000,000), `--megabytes N` (default 60), `--no-kafka`, `--only speed|memory|latency`.
 */

interface Figures {
  readonly perSecond: number
  readonly residentMb: number
}

const option = (name: string, fallback: number): number => {
  const at = process.argv.indexOf(`--${name}`)
  return at < 0 ? fallback : Number(process.argv[at + 1])
}
const records = option('records', 6_000_000)
const megabytes = option('megabytes', 60)

/**
 * One scenario in a child: its figures are the last line that it prints, as JSON. Its `millrace` is the built one, as it is
 * shipped: the sources as tsx transforms them are up to a fifth slower.
 */
function scenario(name: string, folder: string, brokers: string | null): Promise<Figures> {
  return new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      [...nodeFlags, '--import', 'tsx', 'test/bench/scenario.ts', name, folder, String(records), brokers ?? ''],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    let output = ''
    child.stdout.on('data', (data: Buffer) => {
      output += data.toString()
    })
    child.once('close', (code) => {
      const last = output.trim().split('\n').at(-1) ?? ''
      if (code === 0) resolve(JSON.parse(last) as Figures)
      else reject(new Error(`${name} ended with ${code}: ${output}`))
    })
  })
}

const rows: string[][] = [['scenario', 'figure', 'to Kafka Streams', 'demanded', 'peak MB', 'holds']]
const say = (text: string): void => void process.stderr.write(`${text}\n`)

function row(
  name: string,
  figures: Figures,
  unit: string,
  peer: number | null,
  ratio: number | null,
  least: number | null,
): void {
  const found = peer === null ? null : figures.perSecond / peer
  const holds =
    (ratio === null || (found ?? 0) >= ratio) &&
    (least === null || figures.perSecond >= least) &&
    figures.residentMb < 512
  const figure = unit === 'MB/s' ? figures.perSecond.toFixed(2) : Math.round(figures.perSecond).toLocaleString('en')
  const demanded = ratio !== null ? `${ratio} times` : least !== null ? `${least} ${unit}` : ''
  rows.push([
    name,
    `${figure} ${unit}`,
    found === null ? '' : found.toFixed(1),
    demanded,
    String(figures.residentMb),
    holds ? 'yes' : 'no',
  ])
  say(rows.at(-1)?.join('  ') ?? '')
}

const only = process.argv.includes('--only') ? process.argv[process.argv.indexOf('--only') + 1] : null

const folder = await mkdtemp(join(tmpdir(), 'millrace-bench-'))
const why = process.argv.includes('--no-kafka') || only === 'memory' ? 'not asked for' : whyNotKafka()
const kafka = why === null ? await startRealKafka() : null
/** Scenarios of throughput, beside Kafka Streams where there is a Kafka. */
async function speed(): Promise<void> {
  const corpus = await writeCorpus(join(folder, 'texts'), megabytes, 5)
  await writeFile(join(folder, 'corpus.json'), JSON.stringify(corpus))
  say(`corpus: seed ${corpus.seed}, ${corpus.bytes} bytes`)
  const peers = kafka ? await runKafkaStreams(folder, kafka.brokers, records) : null
  if (kafka === null) say(`without Kafka and Kafka Streams: ${why}`)
  for (const [place, brokers] of [
    ['embedded', null],
    ['Kafka', kafka?.brokers ?? null],
  ] as const) {
    if (place === 'Kafka' && brokers === null) continue
    row(
      `pass-through, ${place}`,
      await scenario('pass', join(folder, place), brokers),
      'records/s',
      peers?.pass ?? null,
      peers ? 1.4 : null,
      null,
    )
    row(
      `count, ${place}`,
      await scenario('count', join(folder, place), brokers),
      'records/s',
      peers?.count ?? null,
      peers ? 2.8 : null,
      null,
    )
    row(`word count, ${place}`, await scenario('words', join(folder, place), brokers), 'MB/s', null, null, 4)
  }
  if (peers) say(`Kafka Streams, 2 threads: pass-through ${peers.pass}, count ${peers.count} records/s`)
}

try {
  if (only === null || only === 'speed') await speed()
  if (kafka && (only === null || only === 'latency')) {
    rows.push(...(await latencyRows(folder, kafka.brokers, (cells) => say(cells.join('  ')))))
  }
  if (only === null || only === 'memory') rows.push(...(await memoryRows(folder, (cells) => say(cells.join('  ')))))
} finally {
  await kafka?.stop()
  await rm(folder, { recursive: true, force: true })
}
process.stdout.write(`${rows.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n`)
