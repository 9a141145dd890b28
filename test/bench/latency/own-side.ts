import { join } from 'node:path'
import { type Pipeline, pipeline, run, text, topic } from 'millrace'

/** The pass-through whose latency is judged, as it is shipped: brokers, in, out, folder. Prints READY; ends with its input. */

const [brokers, input, output, folder] = process.argv.slice(2) as [string, string, string, string]
const job = await run(
  pipeline(output, ({ stream }) => {
    stream(topic(input, { key: text, value: text }))
      .map((value) => value.toUpperCase())
      .to(topic(output, { key: text, value: text }))
  }) as Pipeline,
  { brokers: [brokers], dataDirectory: join(folder, output), follow: true },
)
job.status$.subscribe((status) => {
  if (status === 'running') process.stdout.write('READY\n')
})
process.stdin.resume()
process.stdin.once('end', async () => {
  await job.stop()
  process.exit(0)
})
