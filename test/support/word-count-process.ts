import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { wordCounts } from './job-runner.ts'

/** How a run of the command ended. */
export interface CommandEnd {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** The command in a process of its own, as a user starts it. */
export class CommandProcess {
  readonly child: ChildProcess
  stdout = ''
  stderr = ''
  private readonly ended: Promise<unknown[]>

  constructor(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
    this.child = spawn(process.execPath, ['dist/src/cli/main.js', ...args], {
      env: { ...process.env, MILLRACE_BROKERS: '', ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.child.stdout?.on('data', (data: Buffer) => {
      this.stdout += data.toString()
    })
    this.child.stderr?.on('data', (data: Buffer) => {
      this.stderr += data.toString()
    })
    this.ended = once(this.child, 'close')
  }

  async end(): Promise<CommandEnd> {
    const [code, signal] = (await this.ended) as [number | null, NodeJS.Signals | null]
    return { code, signal, stdout: this.stdout, stderr: this.stderr }
  }

  /** Resolves when stderr has the pattern, or the process has ended. */
  async says(pattern: RegExp): Promise<boolean> {
    while (!pattern.test(this.stderr)) if (!(await this.hears())) return pattern.test(this.stderr)
    return true
  }

  /** Resolves when something more comes on stderr. @returns false when the process has ended */
  async hears(): Promise<boolean> {
    const news = this.child.stderr ? once(this.child.stderr, 'data') : Promise.reject(new Error('no stderr'))
    return Promise.race([news.then(() => true), this.ended.then(() => false)])
  }
}

/** Runs the command to its end. */
export function command(args: readonly string[], environment?: Readonly<Record<string, string>>): Promise<CommandEnd> {
  return new CommandProcess(args, environment).end()
}

/** The entries that `--json` printed. */
export function entriesOf(stdout: string): Map<string, number> {
  const lines = stdout.split('\n').filter((line) => line !== '')
  return new Map(
    lines.map((line) => JSON.parse(line) as { key: string; value: number }).map(({ key, value }) => [key, value]),
  )
}

/** Text with many words, each body another. @returns the bodies by file name, and their counts */
export function corpus(files: number, lines: number): { bodies: Record<string, string>; counts: Map<string, number> } {
  const word = (n: number): string => {
    let text = ''
    for (let rest = n + 40; rest > 0; rest = Math.floor(rest / 24)) text += 'etaoinshrdlucmfwypvbgkjq'[rest % 24]
    return `${text}x`
  }
  const bodies: Record<string, string> = {}
  for (let file = 0; file < files; file++) {
    let body = ''
    for (let line = 0; line < lines; line++) {
      const at = line * 31 + file * 17
      body += `${word(at % 4001)} ${word((at * 7) % 977)} ${word((at * at) % 211)} the ${word(line % 13)}\n`
    }
    bodies[`part-${file}.txt`] = body
  }
  return { bodies, counts: wordCounts(Object.values(bodies)) }
}
