import { appendFile, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type JobConfig, nothing, type Pipeline, pipeline, run, text, topic } from 'millrace'
import { textFiles } from 'millrace/connectors/files'
import { loadEmbedded } from './loaded.ts'

/**
 * One part of a scenario of the benchmark's memory, in a process of its own: `memory-scenario.ts NAME PART FOLDER`, where a
 * part is `load` or `measure`. What is measured prints its peaks as JSON. What runs is the package `millrace`; the sources
 * only load records.
 */

/** What one scenario does: what is there before, and what is measured. */
interface Scenario {
  readonly load: (folder: string) => Promise<void>
  readonly measure: (folder: string) => Promise<void>
}

const input = 'memory-in'
const partitions = 4
const lines = () => topic(input, { key: text, value: text })

function loading(records: number, keys: number, valueBytes: number): Scenario['load'] {
  const value = Buffer.alloc(valueBytes, 'v')
  return (folder) =>
    loadEmbedded(folder, {
      topic: input,
      partitions,
      records,
      key: (i) => Buffer.from(`k${String((i * 7919) % keys).padStart(7, '0')}`),
      value: () => value,
      timestamp: (i) => 1_700_000_000_000 + i,
    })
}

async function runToEnd(definition: Pipeline, folder: string, config: JobConfig = {}): Promise<void> {
  const job = await run(definition, { ...config, dataDirectory: folder })
  await job.done
}

const counting = pipeline('counting', ({ stream }) => {
  stream(lines(), { until: 'end' }).count('counts')
})

const newest = pipeline('newest', ({ stream }) => {
  stream(lines(), { until: 'end' }).reduce('newest', (_before, value) => value)
})

const rekeying = pipeline('rekeying', ({ stream }) => {
  stream(lines(), { until: 'end' })
    .keyBy('other', (_value, key) => `other ${key}`)
    .to(topic('memory-out', { key: text, value: text, partitions }))
})

/** Lines of all files of a scenario, however many files they are in. */
const linesOfFiles = 8_000_000

function followed(files: number): Scenario {
  const linesOfFile = linesOfFiles / files
  return {
    load: async (folder) => {
      await mkdir(join(folder, 'texts'), { recursive: true })
      for (let file = 0; file < files; file++) {
        const path = join(folder, 'texts', `${file}.txt`)
        for (let from = 0; from < linesOfFile; from += linesAtOnce) await appendFile(path, someLines)
      }
    },
    measure: async (folder) => {
      const texts = textFiles('texts', { files: join(folder, 'texts', '*.txt') })
      const following = pipeline('following', ({ stream }) => {
        stream(texts).to(topic('memory-out', { key: nothing, value: text, partitions }))
      })
      const job = await run(following, { dataDirectory: folder, follow: true })
      let committed = 0
      const arrived = (count: number): Promise<void> =>
        new Promise((resolve) => {
          const watching = job.metrics$.subscribe((progress) => {
            committed = progress.recordsCommitted
            if (committed >= count) setTimeout(() => watching.unsubscribe(), 0)
            if (committed >= count) resolve()
          })
        })
      // Each line is committed twice: into the log of the source, and out of it.
      await arrived(2 * linesOfFiles)
      for (let file = 0; file < files; file++) await appendFile(join(folder, 'texts', `${file}.txt`), 'another\n')
      await arrived(2 * (linesOfFiles + files))
      await job.stop()
    },
  }
}

const linesAtOnce = 20_000
const someLines = Array.from({ length: linesAtOnce }, (_, i) => `line ${i} of a file that is being followed\n`).join('')

const scenarios: Readonly<Record<string, Scenario>> = {
  restore: {
    load: async (folder) => {
      await loading(1_500_000, 1_500_000, 10)(folder)
      await runToEnd(counting, folder)
      await rm(join(folder, counting.name, 'stores'), { recursive: true })
    },
    measure: (folder) => runToEnd(counting, folder),
  },
  count: { load: loading(4_000_000, 2_000_000, 10), measure: (folder) => runToEnd(counting, folder) },
  rekey: { load: loading(4_000_000, 2_000_000, 100), measure: (folder) => runToEnd(rekeying, folder) },
  values: {
    load: loading(40_000, 40_000, 10_000),
    measure: (folder) => runToEnd(newest, folder, { memoryBytes: 16 * 1024 * 1024 }),
  },
  'few-files': followed(4),
  files: followed(400),
}

const [name, part, folder] = process.argv.slice(2) as [string, 'load' | 'measure', string]
let heapBytes = 0
const look = setInterval(() => {
  const { heapUsed, external } = process.memoryUsage()
  heapBytes = Math.max(heapBytes, heapUsed + external)
}, 50)
await scenarios[name]?.[part](folder)
clearInterval(look)
const figures = {
  heapMb: Math.round(heapBytes / 1e6),
  residentMb: Math.round(process.resourceUsage().maxRSS / 1024),
}
process.stdout.write(`${JSON.stringify(figures)}\n`)
process.exit(0)
