import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { int64, type Pipeline, pipeline, run, text, topic } from 'millrace'
import wordCount from '../../pipelines/word-count.ts'
import type { Corpus } from './corpus.ts'
import { type Load, loadEmbedded } from './loaded.ts'

/**
 * One scenario of the benchmark, in a process of its own: `pass`, `count` or `words`. Prints its figures as JSON. What is
 * measured is the package `millrace`; the sources only load records.
 */

const [name, folder, recordsText, brokers] = process.argv.slice(2) as [string, string, string, string]
const records = Number(recordsText)
const input = 'bench-in'
const keys = 10_000
const partitions = 4

const start = Date.now()
const benchRecords: Load = {
  topic: input,
  partitions,
  records,
  key: (i) => Buffer.from(`k${String((i * 7919) % keys).padStart(7, '0')}`),
  value: (i) =>
    Buffer.from(
      `order-${String(i).padStart(7, '0')}-000000-the quick brown fox jumps over the lazy dog 0123456789 abcdef`,
    ),
  timestamp: (i) => start + Math.floor(i / 10),
}

function benchPipeline(output: string): Pipeline {
  return pipeline(`bench-${name}`, ({ stream }) => {
    const lines = stream(topic(input, { key: text, value: text }), { until: 'end' })
    if (name === 'pass') lines.to(topic(output, { key: text, value: text, partitions }))
    else lines.count('counts').to(topic(output, { key: text, value: int64, partitions }))
  })
}

const appId = `bench-${name}-${process.pid}`
const dataDirectory = join(folder, name)
let from = 0
let taken = 0
let expected = records
let amount = 0
const config = {
  dataDirectory,
  appId,
  // Commits every 100 ms, whatever they cost; word count runs as it is shipped.
  ...(name === 'words' ? {} : { commitShareMax: 1 }),
  ...(brokers === '' ? {} : { brokers: [brokers] }),
}
let job: Awaited<ReturnType<typeof run>>
if (name === 'words') {
  const corpus = JSON.parse(await readFile(join(folder, '..', 'corpus.json'), 'utf8')) as Corpus
  expected = corpus.words
  amount = corpus.bytes / 1e6
  from = performance.now()
  job = await run(wordCount as Pipeline, {
    ...config,
    parameters: { files: corpus.glob, output: appId },
    beforeClose: async () => {
      for await (const [, count] of job.storeNamed('word-counts')) taken += Number(count)
    },
  })
} else {
  // On Kafka the input was loaded for Kafka Streams; the embedded broker gets the same records from here.
  if (brokers === '') await loadEmbedded(dataDirectory, benchRecords)
  amount = records
  job = await run(benchPipeline(`${appId}-out`), {
    ...config,
    beforeClose: async () => {
      if (name === 'count') for await (const [, count] of job.storeNamed('counts')) taken += Number(count)
    },
  })
  from = performance.now()
}
let until = from
job.metrics$.subscribe((progress) => {
  if (name === 'pass') taken = progress.recordsCommitted
  if (progress.commits > 0) until = progress.lastCommitMs
})
await job.done
if (taken !== expected) throw new Error(`${name}: ${taken} counted, ${expected} expected`)
const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage()
const figures = {
  perSecond: amount / ((until - from) / 1000),
  processorSeconds: (userCPUTime + systemCPUTime) / 1e6,
  residentMb: Math.round((maxRSS * 1024) / 1e6),
}
process.stdout.write(`${JSON.stringify(figures)}\n`)
process.exit(0)
