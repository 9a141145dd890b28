// Sums what .ci/run did: the tests that the reporter wrote down (a test that ran in two commands counts once, and as
// failed if it failed in one of them), and the steps. A step that failed without a failed test counts as one failure,
// so that the closing line never says less than the exit code.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const folder = process.argv[2] ?? '.'
const lines = (name) => readFileSync(join(folder, name), 'utf8').split('\n').filter(Boolean)

const tests = new Map()
const order = { skipped: 0, passed: 1, failed: 2 }
for (const file of readdirSync(folder).filter((name) => name.endsWith('.jsonl'))) {
  for (const line of lines(file)) {
    const { id, name, state } = JSON.parse(line)
    const known = tests.get(id)
    if (!known || order[state] > order[known.state]) tests.set(id, { name, state })
  }
}

const count = (state) => [...tests.values()].filter((test) => test.state === state).length
const steps = readdirSync(folder).includes('steps') ? lines('steps') : []
const failedSteps = steps.filter((step) => step.startsWith('failed '))
const failedTests = [...tests.values()].filter((test) => test.state === 'failed')

for (const step of steps) console.log(step)
for (const { name } of failedTests) console.log(`failed test: ${name}`)
// Tests and the steps around them are not counted twice: a step that ran tests fails because of them.
const withoutTests = failedSteps.filter((step) => failedTests.length === 0 || !step.includes('(tests)'))
const failed = failedTests.length + withoutTests.length
console.log(`${count('passed')} passed, ${failed} failed, ${count('skipped')} skipped`)
process.exit(failed === 0 && count('passed') > 0 ? 0 : 1)
