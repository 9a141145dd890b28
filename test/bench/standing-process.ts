import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

/** What a command answered, by name. */
export type Answer = Readonly<Record<string, string>>

/** The last bytes of standard error that are shown when a process fails. */
const lastBytes = 2000

/** What a line says: an answer, a failure, or null where it is none of our lines. */
export function parseAnswer(line: string): Answer | Error | null {
  if (line.startsWith('ERROR ')) return new Error(line.slice('ERROR '.length))
  if (line !== 'RESULT' && !line.startsWith('RESULT ')) return null
  const pairs = line.split(' ').slice(1)
  return Object.fromEntries(
    pairs.filter((pair) => pair !== '').map((pair) => [pair.split('=', 1)[0], pair.slice(pair.indexOf('=') + 1)]),
  )
}

/**
 * A program that stays up and takes one command after another: a line of words without blanks in them. It answers each with
 * `RESULT name=value ...` or `ERROR text`; other lines are passed over. It ends when its standard input does.
 */
export class StandingProcess {
  readonly pid: number
  private readonly child: ChildProcess
  private readonly ended: Promise<unknown>
  private readonly errors: () => string
  private waiting: ((answer: Answer | Error) => void) | null = null

  constructor(command: string, args: readonly string[]) {
    this.child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] })
    this.pid = this.child.pid ?? 0
    let errors = ''
    this.child.stderr?.on('data', (data: Buffer) => {
      errors = (errors + data.toString()).slice(-lastBytes)
    })
    this.errors = () => errors
    const lines = createInterface({ input: this.child.stdout as NodeJS.ReadableStream })
    lines.on('line', (line) => {
      const answer = parseAnswer(line)
      if (answer !== null) this.settle(answer)
    })
    this.child.stdin?.on('error', () => undefined)
    this.child.on('error', (error) => this.settle(error))
    this.ended = once(this.child, 'close').then(
      ([code, signal]) => this.settle(new Error(`${command} ended with ${code ?? signal}: ${errors}`)),
      () => undefined,
    )
  }

  /** Gives a command and waits for its answer. @throws what the program answers with ERROR, or that it has ended */
  ask(...words: readonly (string | number)[]): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.waiting) throw new Error(`a command is under way: ${words.join(' ')} has to wait for its answer`)
      this.waiting = (answer) => (answer instanceof Error ? reject(answer) : resolve(answer))
      if (this.child.exitCode !== null || this.child.signalCode !== null) {
        this.settle(new Error(`the process has ended: ${this.errors()}`))
      } else this.child.stdin?.write(`${words.join(' ')}\n`)
    })
  }

  private settle(answer: Answer | Error): void {
    const waiting = this.waiting
    this.waiting = null
    waiting?.(answer)
  }

  /** Ends the process by the end of its input, and waits for it. */
  async end(): Promise<void> {
    this.child.stdin?.end()
    await this.ended
  }

  /** kill -9, and waits for the end. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL')
    await this.ended
  }
}
