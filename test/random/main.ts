// npm run test:random -- --cases 10000 --seed 1: many random pipelines, on all processors, and what they covered.
import { spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { judge } from './check.ts'
import { failureOf } from './failure.ts'
import { generateCase } from './generator.ts'
import { Tally } from './tally.ts'

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    /** Set by the parent: this process runs every `of`th case, beginning with `part`. */
    part: { type: 'string' },
    of: { type: 'string', default: String(availableParallelism()) },
  },
})
const [cases, seed, of] = [Number(values.cases), Number(values.seed), Number(values.of)]
const failuresShown = 3

async function runPart(part: number): Promise<Tally> {
  const tally = new Tally()
  for (let n = part; n < cases; n += of) {
    const given = generateCase(seed + n)
    const verdict = await judge(given)
    tally.add(given, verdict)
    if (verdict.sort === '') continue
    console.error(`seed ${seed + n} fails: ${verdict.wrongs[0]}`)
    if (tally.failed <= failuresShown) console.error(await failureOf(given, verdict))
  }
  return tally
}

function runChild(part: number): Promise<Tally> {
  const own = ['--cases', String(cases), '--seed', String(seed), '--of', String(of), '--part', String(part)]
  const child = spawn(process.execPath, [...process.execArgv, fileURLToPath(import.meta.url), ...own], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  child.stdout.on('data', (data: Buffer) => {
    said += data
  })
  return new Promise((resolve, reject) => {
    child.once('close', (code) => {
      if (code === 0) resolve(JSON.parse(said) as Tally)
      else reject(new Error(`part ${part} ended with ${code}`))
    })
  })
}

if (values.part !== undefined) console.log(JSON.stringify(await runPart(Number(values.part))))
else {
  const beganMs = performance.now()
  const total = new Tally()
  for (const part of await Promise.all(Array.from({ length: of }, (_, n) => runChild(n)))) total.merge(part)
  for (const line of total.lines()) console.log(line)
  const seconds = (performance.now() - beganMs) / 1000
  console.log(`seeds from ${seed} on, ${seconds.toFixed(0)} s on ${of} processors`)
  process.exitCode = total.failed === 0 ? 0 : 1
}
