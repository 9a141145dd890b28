/**
 * A program of a user who thinks better of it: starts a job and aborts it, and does nothing else. It must end by itself.
 * `argv[2]` is its folder, `argv[3]` more of its configuration as JSON, `argv[4]` after how many milliseconds it aborts, or
 * `first` for before the start, or `asked` for as soon as it is told so on its standard input. Prints how the start, or
 * the job, ended, and how long after the abort.
 */
import { once } from 'node:events'
import { textFiles } from '../../connectors/files/index.ts'
import { pipeline, run } from '../../src/index.ts'

const [folder, config, when] = process.argv.slice(2) as [string, string, string]
const lines = pipeline('lines', ({ stream }) => {
  stream(textFiles('texts', { files: `${folder}/*.txt` }))
    .keyBy('line', (line) => line)
    .count('counts')
})

const abort = new AbortController()
let abortedMs = performance.now()
const stop = (): void => {
  abortedMs = performance.now()
  abort.abort()
}
if (when === 'first') stop()
else if (when === 'asked') void once(process.stdin, 'data').then(stop)
else setTimeout(stop, Number(when))
const { signal } = abort
const started = run(lines, { dataDirectory: `${folder}/data`, follow: true, signal, ...JSON.parse(config) })
const end = await started.then(
  (job) => job.done,
  (error: { code?: string }) => error.code ?? String(error),
)
process.stdin.destroy()
console.log(JSON.stringify({ end, ms: Math.round(performance.now() - abortedMs) }))
