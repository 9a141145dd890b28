import { Command, CommanderError, InvalidArgumentError } from 'commander'
import type { ListenAddress } from '../job/job-config.ts'
import { parseBrokers, parseListenAddress } from './address.ts'
import { exitCode } from './exit-code.ts'

/** `millrace run`. */
export interface RunOptions {
  readonly kind: 'run'
  readonly file: string
  /** Null: the embedded broker. */
  readonly brokers: readonly string[] | null
  readonly dataDirectory: string
  readonly appId: string | null
  readonly instanceId: string | null
  readonly listen: ListenAddress | null
  readonly parameters: Readonly<Record<string, string>>
  readonly show: string | null
  /** Rows of the table. */
  readonly top: number
  readonly json: boolean
  readonly follow: boolean
  readonly leave: boolean
  /** Stores that begin anew where what they had is incomplete. */
  readonly freshStores: readonly string[]
  /** Topics in which records without a value that is needed are passed over. */
  readonly passOver: readonly string[]
  readonly drain: boolean
}

/** `millrace describe`. */
export interface DescribeOptions {
  readonly kind: 'describe'
  readonly file: string
  readonly appId: string | null
  readonly parameters: Readonly<Record<string, string>>
}

/** `millrace broker`. */
export interface BrokerCommandOptions {
  readonly kind: 'broker'
  readonly dataDirectory: string
  readonly listen: ListenAddress
}

/** Help, the version, or what is wrong with the command line: to be printed, and that is all. */
export interface PrintText {
  readonly kind: 'text'
  readonly text: string
  readonly exitCode: 0 | 2
}

/** What a command line asks for. */
export type CommandLine = RunOptions | DescribeOptions | BrokerCommandOptions | PrintText

const defaultDataDirectory = '.millrace'
const defaultTop = 20

const environmentHelp = `
Environment:
  MILLRACE_BROKERS  Kafka brokers for run, where --brokers is not given
  MILLRACE_DEBUG    1: say more, and print stacks of errors

Exit codes: 0 done, 1 failed, 2 wrong command line, pipeline or place, 3 state or topics of another
pipeline, 4 replaced by another process, 5 broker unreachable.`

/**
 * Reads a command line. Of an option given twice the last counts, of `--set` the last of each name.
 *
 * @param args without the program
 * @param environment for `MILLRACE_BROKERS`
 */
export function parseCommandLine(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  version: string,
): CommandLine {
  let parsed: CommandLine | null = null
  let text = ''
  const write = (part: string): void => {
    text += part
  }
  const program = new Command('millrace')
    .description('Runs pipelines over Kafka topics, exactly once, on a Kafka cluster or on its own embedded broker.')
    .version(version, '--version', 'print the version')
    .helpOption('--help', 'print this')
    .helpCommand(false)
    .exitOverride()
    .configureOutput({ writeOut: write, writeErr: write })
    .addHelpText('after', environmentHelp)
  addRun(program, environment, (options) => {
    parsed = options
  })
  addDescribe(program, (options) => {
    parsed = options
  })
  addBroker(program, (options) => {
    parsed = options
  })
  try {
    program.parse(args, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    return { kind: 'text', text: text.trimEnd(), exitCode: error.exitCode === 0 ? exitCode.ok : exitCode.usage }
  }
  return parsed ?? { kind: 'text', text: program.helpInformation().trimEnd(), exitCode: exitCode.usage }
}

function addRun(
  program: Command,
  environment: Readonly<Record<string, string | undefined>>,
  take: (options: RunOptions) => void,
): void {
  const command = program
    .command('run')
    .description('Run a pipeline until its inputs end, or until it is stopped')
    .argument('<file>', 'TypeScript or JavaScript file with a pipeline as its default export')
    .option('--brokers <list>', 'Kafka brokers, host:port with commas; default: the embedded broker', brokersOf)
    .option('--data-dir <dir>', 'where state and the embedded broker are kept', directoryOf, defaultDataDirectory)
    .option('--app-id <id>', "consumer group and prefix of internal topics; default: the pipeline's name", nameOf)
    .option('--instance-id <id>', 'name of this process in the group; default: one kept in the data directory', nameOf)
    .option('--listen <address>', 'open the embedded broker to Kafka clients of this machine', listenOf)
    .option('--set <name=value>', 'a parameter of the pipeline; may be repeated', collectParameter)
    .option('--show <store>', 'print a store when the job has ended or was stopped')
    .option('--top <n>', 'rows to print of it', countOf, defaultTop)
    .option('--json', 'print all of it, a JSON object a line', false)
    .option('--follow', 'go on at the end of the inputs', false)
    .option('--leave', 'leave the group when stopped, instead of keeping its tasks for a restart', false)
    .option('--drain', 'take nothing more from outside, work off what is there, and end', false)
    .option(
      '--pass-over <topic>',
      'a topic whose records without a needed value are passed over; may be repeated',
      collectName,
    )
    .option('--fresh-store <name>', 'a store that begins anew if its state is incomplete; may be repeated', collectName)
  finish(command).action((file: string, given) => {
    const brokers = given.brokers ?? brokersFrom(environment, command)
    if (brokers !== null && given.listen) {
      command.error(
        `error: --listen opens the embedded broker, but this job runs on the brokers of ${given.brokers ? '--brokers' : 'MILLRACE_BROKERS'}: ${brokers.join(',')}; leave one of the two out`,
      )
    }
    take({
      kind: 'run',
      file,
      brokers,
      dataDirectory: given.dataDir,
      appId: given.appId ?? null,
      instanceId: given.instanceId ?? null,
      listen: given.listen ?? null,
      parameters: given.set ?? {},
      show: given.show ?? null,
      top: given.top,
      json: given.json,
      follow: given.follow,
      leave: given.leave,
      freshStores: given.freshStore ?? [],
      passOver: given.passOver ?? [],
      drain: given.drain,
    })
  })
}

function addDescribe(program: Command, take: (options: DescribeOptions) => void): void {
  const command = program
    .command('describe')
    .description('Print the plan of a pipeline: what it reads, keeps and writes. Nothing runs')
    .argument('<file>', 'TypeScript or JavaScript file with a pipeline as its default export')
    .option('--app-id <id>', "prefix of internal topics; default: the pipeline's name", nameOf)
    .option('--set <name=value>', 'a parameter of the pipeline; may be repeated', collectParameter)
  finish(command).action((file: string, given) =>
    take({ kind: 'describe', file, appId: given.appId ?? null, parameters: given.set ?? {} }),
  )
}

function addBroker(program: Command, take: (options: BrokerCommandOptions) => void): void {
  const command = program
    .command('broker')
    .description('Serve the embedded Kafka broker of a data directory to Kafka clients of this machine')
    .option('--data-dir <dir>', 'where its log is kept', directoryOf, defaultDataDirectory)
    .option('--listen <address>', 'where it listens', listenOf, { host: '127.0.0.1', port: 9092 })
  finish(command).action((given) => take({ kind: 'broker', dataDirectory: given.dataDir, listen: given.listen }))
}

function finish(command: Command): Command {
  return command.helpOption('--help', 'print this').showHelpAfterError(`(see: millrace ${command.name()} --help)`)
}

function brokersOf(text: string): readonly string[] {
  const brokers = parseBrokers(text)
  if (brokers === null) throw new InvalidArgumentError('Expected host:port, or several with commas between them.')
  return brokers
}

function brokersFrom(environment: Readonly<Record<string, string | undefined>>, command: Command) {
  const text = environment['MILLRACE_BROKERS']?.trim()
  if (!text) return null
  const brokers = parseBrokers(text)
  if (brokers === null) {
    command.error(
      `error: MILLRACE_BROKERS is '${text}'; expected host:port, or several with commas between them; correct or unset it`,
    )
  }
  return brokers
}

/** An empty one is an unset variable, not this directory. */
function directoryOf(text: string): string {
  if (text === '') throw new InvalidArgumentError('Expected a directory.')
  return text
}

function listenOf(text: string): ListenAddress {
  const address = parseListenAddress(text)
  if (address === null) throw new InvalidArgumentError('Expected host:port, such as 127.0.0.1:9092.')
  return address
}

function countOf(text: string): number {
  const count = Number(text)
  if (!/^\d+$/.test(text) || count < 1 || !Number.isSafeInteger(count)) {
    throw new InvalidArgumentError('Expected a whole number from 1 on.')
  }
  return count
}

/** Names become part of topics, groups and paths. */
function nameOf(text: string): string {
  if (!/^[A-Za-z0-9._-]{1,200}$/.test(text) || text === '.' || text === '..') {
    throw new InvalidArgumentError("Expected 1 to 200 letters, digits, '.', '_' or '-'.")
  }
  return text
}

function collectName(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, nameOf(text)]
}

function collectParameter(text: string, before: Readonly<Record<string, string>> = {}): Record<string, string> {
  const at = text.indexOf('=')
  if (at < 1) throw new InvalidArgumentError('Expected NAME=VALUE.')
  // By entries: a parameter may be called __proto__.
  return Object.fromEntries([...Object.entries(before), [text.slice(0, at), text.slice(at + 1)]])
}
