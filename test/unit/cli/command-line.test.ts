import { describe, expect, it } from 'vitest'
import { parseCommandLine, type RunOptions } from '../../../src/cli/command-line.ts'

type Environment = Readonly<Record<string, string | undefined>>

const parse = (line: string, environment: Environment = {}) =>
  parseCommandLine(line === '' ? [] : line.split(' '), environment, '1.2.3')

function run(line: string, environment: Environment = {}): RunOptions {
  const parsed = parse(line, environment)
  if (parsed.kind !== 'run') throw new Error(`not a run: ${JSON.stringify(parsed)}`)
  return parsed
}

/** What is printed of a command line that is wrong. */
function refused(line: string, environment: Environment = {}): string {
  const parsed = parse(line, environment)
  expect(parsed).toMatchObject({ kind: 'text', exitCode: 2 })
  return parsed.kind === 'text' ? parsed.text : ''
}

describe('run', () => {
  it('needs only a file', () => {
    expect(run('run p.ts')).toEqual({
      kind: 'run',
      file: 'p.ts',
      brokers: null,
      dataDirectory: '.millrace',
      appId: null,
      instanceId: null,
      listen: null,
      parameters: {},
      show: null,
      top: 20,
      json: false,
      follow: false,
      leave: false,
      freshStores: [],
      passOver: [],
      drain: false,
    })
  })

  it('takes every option', () => {
    const line =
      'run p.ts --data-dir d --app-id a --instance-id i --listen 9092 --set x=1 --show s --top 3 --json --follow --leave --fresh-store s --fresh-store t --pass-over r --drain'
    expect(run(line)).toMatchObject({
      dataDirectory: 'd',
      appId: 'a',
      instanceId: 'i',
      listen: { host: '127.0.0.1', port: 9092 },
      parameters: { x: '1' },
      show: 's',
      top: 3,
      json: true,
      follow: true,
      leave: true,
      freshStores: ['s', 't'],
      passOver: ['r'],
      drain: true,
    })
  })

  it('takes options before the file, too', () => {
    expect(run('run --follow --top 2 p.ts')).toMatchObject({ file: 'p.ts', follow: true, top: 2 })
  })

  it('counts the last of an option that is given twice', () => {
    const line =
      'run p.ts --top 3 --app-id a --brokers a:1 --data-dir d --top 5 --app-id b --brokers b:2,c:3 --data-dir e'
    expect(run(line)).toMatchObject({ top: 5, appId: 'b', brokers: ['b:2', 'c:3'], dataDirectory: 'e' })
  })

  it('counts the last --set of each name and keeps the others', () => {
    expect(run('run p.ts --set a=1 --set b=2 --set a=3').parameters).toEqual({ a: '3', b: '2' })
  })

  it('takes a value with = in it, an empty one, and names that objects have by birth', () => {
    const { parameters } = run('run p.ts --set q=a=b --set empty= --set __proto__=x --set toString=y')
    expect(Object.entries(parameters)).toEqual([
      ['q', 'a=b'],
      ['empty', ''],
      ['__proto__', 'x'],
      ['toString', 'y'],
    ])
  })

  it('remembers nothing of the command line before', () => {
    run('run p.ts --set a=1 --top 7')
    expect(run('run p.ts')).toMatchObject({ parameters: {}, top: 20 })
  })
})

describe('the brokers', () => {
  it('are those of the environment where no option names them', () => {
    expect(run('run p.ts', { MILLRACE_BROKERS: ' a:1,b:2 ' }).brokers).toEqual(['a:1', 'b:2'])
    expect(run('run p.ts --brokers c:3', { MILLRACE_BROKERS: 'a:1' }).brokers).toEqual(['c:3'])
  })

  it('are the embedded one where the environment has nothing in it', () => {
    expect(run('run p.ts', { MILLRACE_BROKERS: ' ' }).brokers).toBeNull()
  })

  it('of the environment are only looked at where they are needed', () => {
    expect(refused('run p.ts', { MILLRACE_BROKERS: 'nonsense' })).toContain("MILLRACE_BROKERS is 'nonsense'")
    expect(run('run p.ts --brokers c:3', { MILLRACE_BROKERS: 'nonsense' }).brokers).toEqual(['c:3'])
    expect(parse('describe p.ts', { MILLRACE_BROKERS: 'nonsense' }).kind).toBe('describe')
  })

  it('cannot be others while the embedded one is opened', () => {
    expect(refused('run p.ts --brokers a:1 --listen 9092')).toContain('the brokers of --brokers: a:1')
    expect(refused('run p.ts --listen 9092', { MILLRACE_BROKERS: 'a:1' })).toContain('the brokers of MILLRACE_BROKERS')
  })
})

describe('describe and broker', () => {
  it('take what is theirs', () => {
    expect(parse('describe p.ts --app-id a --set x=1 --set x=2')).toEqual({
      kind: 'describe',
      file: 'p.ts',
      appId: 'a',
      parameters: { x: '2' },
    })
    expect(parse('broker --data-dir d --listen [::1]:9093 --listen :9094')).toEqual({
      kind: 'broker',
      dataDirectory: 'd',
      listen: { host: '127.0.0.1', port: 9094 },
    })
  })

  it('listen on this machine alone unless told otherwise', () => {
    expect(parse('broker')).toMatchObject({ dataDirectory: '.millrace', listen: { host: '127.0.0.1', port: 9092 } })
  })
})

describe('a command line that is wrong', () => {
  it.each([
    ['run', "missing required argument 'file'"],
    ['run p.ts q.ts', 'too many arguments'],
    ['run p.ts --colour', "unknown option '--colour'"],
    ['run p.ts --top 0', 'Expected a whole number from 1 on.'],
    ['run p.ts --top 1.5', 'Expected a whole number from 1 on.'],
    ['run p.ts --top 99999999999999999999', 'Expected a whole number from 1 on.'],
    ['run p.ts --brokers kafka', 'Expected host:port'],
    ['run p.ts --listen here', 'Expected host:port'],
    ['run p.ts --app-id a/b', 'Expected 1 to 200 letters'],
    ['run p.ts --app-id ..', 'Expected 1 to 200 letters'],
    ['run p.ts --set x', 'Expected NAME=VALUE.'],
    ['run p.ts --set =x', 'Expected NAME=VALUE.'],
    ['run p.ts --show', 'argument missing'],
    ['describe', "missing required argument 'file'"],
    ['walk p.ts', "unknown command 'walk'"],
  ])('%s is told what is wrong and ends with 2', (line, what) => {
    expect(refused(line)).toContain(what)
  })

  it('is told where to read more', () => {
    expect(refused('run p.ts --colour')).toContain('millrace run --help')
  })

  it('of nothing at all prints the help', () => {
    expect(refused('')).toContain('Usage: millrace')
  })
})

describe('what is only printed', () => {
  it('is the version', () => {
    expect(parse('--version')).toEqual({ kind: 'text', text: '1.2.3', exitCode: 0 })
  })

  it('is the help, with environment and exit codes', () => {
    const help = parse('--help')
    expect(help).toMatchObject({ kind: 'text', exitCode: 0 })
    expect(help.kind === 'text' && help.text).toMatch(/MILLRACE_BROKERS[\s\S]*Exit codes: 0 done/)
  })

  it('is the help of one command', () => {
    const help = parse('run --help')
    expect(help).toMatchObject({ kind: 'text', exitCode: 0 })
    expect(help.kind === 'text' && help.text).toContain('--instance-id')
  })
})
