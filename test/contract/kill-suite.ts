import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../src/core/random.ts'
import { scratch, writeTexts } from '../support/job-runner.ts'
import { CommandProcess, command, corpus, entriesOf } from '../support/word-count-process.ts'

/**
 * kill -9 of the job process, at random moments after it has committed something since its start, until it has been killed
 * often enough; then one run to the end, whose counts must be exact.
 */
export function killSuite(title: string, options: { readonly kills: number; readonly brokers: string | null }): void {
  const seed = Number(process.env['MILLRACE_TEST_SEED'] ?? Date.now() % 2 ** 31)
  describe(`word count on ${title}`, () => {
    it(`is exact after ${options.kills} times kill -9 (seed ${seed})`, async () => {
      await using folder = await scratch()
      const random = seededRandom(seed)
      const { bodies, counts } = corpus(5, 120_000)
      const files = await writeTexts(folder.path, bodies)
      const name = `killed-${process.pid}-${seed}`
      const args = [
        'run',
        'pipelines/word-count.ts',
        '--data-dir',
        `${folder.path}/data`,
        '--app-id',
        name,
        '--set',
        `files=${files}`,
        '--set',
        `output=${name}`,
        '--show',
        'word-counts',
        '--json',
      ]
      const environment = options.brokers === null ? {} : { MILLRACE_BROKERS: options.brokers }
      let kills = 0
      for (let starts = 0; kills < options.kills && starts < options.kills * 3; starts++) {
        const job = new CommandProcess(args, environment)
        if (!(await job.says(/^committed [1-9]/m))) {
          expect((await job.end()).stderr, 'a job that ends before it has committed anything').toBe('')
        }
        await new Promise((resolve) => setTimeout(resolve, random.integer(250)))
        if (job.child.exitCode === null && job.child.kill('SIGKILL')) kills++
        const { stderr } = await job.end()
        expect(stderr, 'a kill damages no store').not.toMatch(/put aside/)
        if (job.child.signalCode === null) break
      }
      expect(kills, 'kills that met a running, committing job').toBe(options.kills)
      const last = await command(args, environment)
      expect(last).toMatchObject({ code: 0 })
      expect(last.stderr).not.toMatch(/put aside/)
      expect(last.stderr).toMatch(new RegExp(`^resumed ${name}`, 'm'))
      expect(entriesOf(last.stdout)).toEqual(counts)
    })
  })
}
