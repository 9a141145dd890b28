/**
 * A program of a user: counts the lines of `argv[2]/lines.txt` with its data in `argv[2]/data`, fails where a line says so, and does
 * nothing else. It must end by itself. Prints how the job ended, and what of this process would not let it end then.
 */
import { textFiles } from '../../connectors/files/index.ts'
import { hasCode } from '../../src/core/errors.ts'
import { pipeline, run } from '../../src/index.ts'

const folder = process.argv[2] as string
const lines = pipeline('lines', ({ stream }) => {
  const counts = stream(textFiles('texts', { files: `${folder}/lines.txt` }))
    .tap((line) => {
      if (line === 'fail') throw new Error('as the line says')
    })
    .keyBy('line', (line) => line)
    .count('counts')
  return { counts }
})

const job = await run(lines, { dataDirectory: `${folder}/data` })
const end = await job.done.catch((error: unknown) => (hasCode(error, 'RECORD_PROCESSING') ? 'failed' : error))
const timers = process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout')
console.log(JSON.stringify({ end, timers: timers.length }))
