import { type ChildProcessByStdio, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { loadavg } from 'node:os'
import { join, resolve } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { promisify } from 'node:util'
import { kafkaJars } from '../../support/real-kafka.ts'
import { nodeFlags } from '../node-flags.ts'
import type { Table } from '../results.ts'

const execute = promisify(execFile)
const cache = resolve('node_modules/.cache/millrace-kafka/streams-4.1.1')

/** Records a second, and how many times Kafka Streams' figures ours may be. */
const rates = [
  { perSecond: 1000, most: 1 },
  { perSecond: 10_000, most: 0.5 },
  { perSecond: 50_000, most: 1 },
] as const
/** Both sides compile while they run. */
const warmUpSeconds = 5
const seconds = 15

interface Latency {
  readonly p50: number
  readonly p99: number
}

/**
 * Latency of a pass-through with a `map`, default settings, beside Kafka Streams with `exactly_once_v2` and a commit every
 * 100 ms: one Kafka, one run of ours and one of theirs for each rate. A Java producer and a Java consumer under
 * read_committed judge both.
 */
export async function latencyTable(folder: string, brokers: string, say: (text: string) => void): Promise<Table> {
  const jars = join(await kafkaJars('test/bench/pom.xml', cache), '*')
  const classes = join(folder, 'latency-classes')
  await mkdir(classes, { recursive: true })
  const sources = ['LatencyJudge', 'LatencyPeer'].map((name) => `test/bench/latency/${name}.java`)
  await execute('javac', ['-d', classes, '-cp', jars, ...sources])
  const java = ['-Xmx1g', '-cp', `${jars}:${classes}`]
  const judge = async (...args: string[]): Promise<string> =>
    (await execute('java', [...java, 'LatencyJudge', brokers, ...args], { maxBuffer: 64 * 1024 * 1024 })).stdout

  const measured = async (name: string, perSecond: number, side: (input: string, output: string) => Side) => {
    const [input, output] = [`${name}-${perSecond}-in`, `${name}-${perSecond}-out`]
    await judge('create', input, output)
    const running = side(input, output)
    try {
      await ready(running)
      const judged = await judge('judge', input, output, ...[perSecond, warmUpSeconds, seconds].map(String))
      const found = /RESULT ([\d.]+) ([\d.]+) (\d+) (\d+)/.exec(judged)
      if (found === null || found[3] !== found[4]) throw new Error(`${name} lost records, or too late: ${judged}`)
      return { p50: Number(found[1]), p99: Number(found[2]) }
    } finally {
      running.stdin.end()
      if (running.exitCode === null) await once(running, 'exit')
    }
  }

  const rows: string[][] = []
  for (const { perSecond, most } of rates) {
    const ours = await measured('millrace', perSecond, (input, output) =>
      start(process.execPath, [
        ...nodeFlags,
        '--import',
        'tsx',
        'test/bench/latency/own-side.ts',
        brokers,
        input,
        output,
        folder,
      ]),
    )
    const theirs = await measured('streams', perSecond, (input, output) =>
      start('java', [...java, 'LatencyPeer', brokers, input, output]),
    )
    const holds = ours.p50 <= most * theirs.p50 && ours.p99 <= most * theirs.p99
    rows.push([
      `at ${perSecond.toLocaleString('en')}/s (load ${loadavg()[0]?.toFixed(1)})`,
      shown(ours),
      shown(theirs),
      `${most} times`,
      holds ? 'yes' : 'no',
    ])
    say(rows.at(-1)?.join('  ') ?? '')
  }
  return { head: ['latency, p50 and p99', 'Millrace', 'Kafka Streams', 'demanded', 'holds'], rows }
}

const shown = ({ p50, p99 }: Latency): string => `${p50.toFixed(1)} and ${p99.toFixed(1)} ms`

type Side = ChildProcessByStdio<Writable, Readable, null>

const start = (command: string, args: readonly string[]): Side =>
  spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })

/** Resolves when a side says that it runs. */
async function ready(side: Side): Promise<void> {
  let said = ''
  for await (const chunk of side.stdout.iterator({ destroyOnReturn: false })) {
    said += String(chunk)
    if (said.includes('READY')) break
  }
  if (!said.includes('READY')) throw new Error(`it ended before it ran: ${said}`)
  side.stdout.resume()
}
