// npm run test:random -- --cases 10000 --seed 1: many random pipelines, on all processors, and what they covered.
import { parseArgs } from 'node:util'
import { inParts, partOptions } from '../support/parts.ts'
import { judge } from './check.ts'
import { failureOf } from './failure.ts'
import { generateCase } from './generator.ts'
import { Tally } from './tally.ts'

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    ...partOptions,
  },
})
const [cases, seed] = [Number(values.cases), Number(values.seed)]
const failuresShown = 3

/** Every `of`th case, beginning with `part`. */
async function runPart(part: number, of: number): Promise<Tally> {
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

const beganMs = performance.now()
const parts = await inParts(values, ['--cases', values.cases, '--seed', values.seed], runPart)
if (parts !== null) {
  const total = new Tally()
  for (const part of parts) total.merge(part)
  for (const line of total.lines()) console.log(line)
  const seconds = (performance.now() - beganMs) / 1000
  console.log(`seeds from ${seed} on, ${seconds.toFixed(0)} s on ${parts.length} processors`)
  process.exitCode = total.failed === 0 ? 0 : 1
}
