// A vitest reporter that writes down each test as it ends, one JSON line a test, into the folder that MILLRACE_TALLY
// names: so that .ci/run can count over several runs, and still knows what was done when one is cut short.
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'

export default class Tally {
  #file = join(process.env.MILLRACE_TALLY ?? '.', `${process.pid}.jsonl`)

  #note(id, name, state) {
    appendFileSync(this.#file, `${JSON.stringify({ id, name, state })}\n`)
  }

  /** `passed`, `failed` or `skipped`; ids are the same in every run, so a test that runs twice counts once. */
  onTestCaseResult(test) {
    this.#note(test.id, `${test.module.relativeModuleId} > ${test.fullName}`, test.result().state)
  }

  /** A file that cannot be loaded has no tests: it counts as one that failed. */
  onTestModuleEnd(module) {
    if (module.errors().length > 0) this.#note(module.id, module.relativeModuleId, 'failed')
  }
}
