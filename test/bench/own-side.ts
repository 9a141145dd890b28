import { createInterface } from 'node:readline'
import { int64, type Job, type Pipeline, pipeline, run, type Serde, text, topic } from 'millrace'

/**
 * Millrace on the work of the benchmark: `own-side.ts BROKERS`. Takes a command a line: `start WORK INPUT OUTPUT APP FOLDER`
 * or `stop`; answers `RESULT name=value ...` or `ERROR text`. Peer.java is the same for Kafka Streams.
 */

const partitions = 4
let firstMs = 0
let job: Job | null = null

/** Text, noting when the first is taken. A `tap` would have keys and values decoded that a count never looks at. */
const noting: Serde<string> = {
  ...text,
  validate: (bytes, start, end) => {
    if (firstMs === 0) firstMs = Date.now()
    return isText(bytes, start, end)
  },
}
const isText = text.validate as NonNullable<typeof text.validate>

function pipelineOf(work: string, input: string, output: string): Pipeline {
  return pipeline(`bench-${work}`, ({ stream }) => {
    const lines = stream(topic(input, { key: noting, value: noting }))
    const counts = topic(output, { key: text, value: int64, partitions })
    if (work === 'pass') lines.map((value) => value).to(topic(output, { key: text, value: text, partitions }))
    else if (work === 'count') lines.count('counts').to(counts)
    else if (work === 'rekey') {
      lines
        .keyBy('other', (value, key) => value.slice(6, 9) + key)
        .count('counts')
        .to(counts)
    } else throw new Error(`work ${work}`)
  })
}

async function start([work, input, output, appId, dataDirectory]: readonly string[]): Promise<string> {
  firstMs = 0
  const startMs = Date.now()
  const brokers = [process.argv[2] as string]
  // Commits every 100 ms, whatever they cost, as Kafka Streams does.
  const config = { brokers, appId: appId as string, dataDirectory: dataDirectory as string, commitShareMax: 1 }
  job = await run(pipelineOf(work as string, input as string, output as string), config)
  return `startMs=${startMs}`
}

async function stop(): Promise<string> {
  const stopping = job?.stop()
  await job?.done
  await stopping
  return `firstMs=${firstMs}`
}

for await (const line of createInterface({ input: process.stdin })) {
  const [command, ...words] = line.split(' ')
  const answer = command === 'start' ? start(words) : stop()
  process.stdout.write(
    `${await answer.then(
      (result) => `RESULT ${result}`,
      (error: unknown) => `ERROR ${String(error).replaceAll('\n', ' ')}`,
    )}\n`,
  )
}
process.exit(0)
