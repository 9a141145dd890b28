import { spawn } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import type { Killer, PlantedBug } from './planted-bug.ts'

/** What the project is made of, as far as tests go. */
const parts = [
  'src',
  'connectors',
  'pipelines',
  'test',
  'package.json',
  'tsconfig.json',
  'vitest.config.ts',
  'biome.json',
]

/** Longer than any killer takes by far; one that the bug lets hang is found by its own timeout before. */
const runMsMax = 240_000

/** How a test ended on a tree: `failed` means by an assertion, an error or its timeout. */
export type Outcome = 'passed' | 'failed' | 'not found' | 'not loaded' | 'hung'

interface Report {
  readonly testResults: readonly {
    readonly name: string
    readonly status: string
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[]
  }[]
}

/** A copy of the project in which bugs are planted, one at a time. */
export class ScratchCopy {
  private readonly root: string

  private constructor(root: string) {
    this.root = root
  }

  static async make(project: string): Promise<ScratchCopy> {
    const root = await mkdtemp(join(tmpdir(), 'millrace-planted-'))
    for (const part of parts) await cp(join(project, part), join(root, part), { recursive: true })
    await symlink(join(project, 'node_modules'), join(root, 'node_modules'))
    return new ScratchCopy(root)
  }

  async remove(): Promise<void> {
    await rm(this.root, { recursive: true, force: true })
  }

  /** Runs a bug's killer with the bug in its place. @returns null when the place is gone */
  async plant(bug: PlantedBug): Promise<Outcome | null> {
    const path = join(this.root, bug.file)
    const source = await readFile(path, 'utf8')
    if (source.split(bug.find).length !== 2) return null
    await writeFile(
      path,
      source.replace(bug.find, () => bug.replace),
    )
    try {
      return await this.run(bug.killer)
    } finally {
      await writeFile(path, source)
    }
  }

  /** Runs one test on the tree as it is. */
  async run({ project, file, test }: Killer): Promise<Outcome> {
    const report = join(this.root, 'report.json')
    await rm(report, { force: true })
    const args = [
      join(this.root, 'node_modules/vitest/vitest.mjs'),
      'run',
      '--project',
      project,
      join('test', project, file),
      '--testNamePattern',
      `^${test.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}`,
      '--bail',
      '1',
      '--reporter',
      'json',
      '--outputFile',
      report,
    ]
    const child = spawn(process.execPath, args, { cwd: this.root, stdio: 'ignore', detached: true })
    const isOver = await new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
        resolve(false)
      }, runMsMax)
      child.once('close', () => {
        clearTimeout(timer)
        resolve(true)
      })
    })
    return isOver ? this.outcome(report, join('test', project, file), test) : 'hung'
  }

  private async outcome(path: string, file: string, test: string): Promise<Outcome> {
    const report = JSON.parse(await readFile(path, 'utf8').catch(() => '{"testResults":[]}')) as Report
    const result = report.testResults.find(({ name }) => relative(this.root, name) === file)
    if (!result) return 'not found'
    const run = result.assertionResults.filter(({ fullName }) => fullName.startsWith(test))
    if (run.some(({ status }) => status === 'failed')) return 'failed'
    if (run.some(({ status }) => status === 'passed')) return 'passed'
    return result.status === 'failed' && result.assertionResults.length === 0 ? 'not loaded' : 'not found'
  }
}
