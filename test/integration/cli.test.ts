import { spawn } from 'node:child_process'
import { appendFile, chmod, mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { scratch, writeTexts } from '../support/job-runner.ts'
import { CommandProcess, command, entriesOf } from '../support/word-count-process.ts'

const wordCount = 'pipelines/word-count.ts'

/** One clear message on stderr: it names the thing, and it is no stack. */
async function refused(args: readonly string[], code: number, names: RegExp, environment = {}): Promise<void> {
  const end = await command(args, environment)
  expect(end.stderr).toMatch(names)
  expect(end.stderr).not.toMatch(/^\s+at /m)
  expect(end.stdout).toBe('')
  expect(end.code).toBe(code)
}

describe.concurrent('bad input', () => {
  it('is a missing file, named', async () => {
    await using folder = await scratch()
    await refused(
      ['run', wordCount, '--data-dir', folder.path, '--set', 'files=/no/such-file.txt'],
      2,
      /such-file\.txt/,
    )
  })

  it('is a pipeline file that is not there, does not compile, or exports no pipeline', async () => {
    await using folder = await scratch()
    await writeFile(join(folder.path, 'broken.ts'), 'export default pipeline(((\n')
    await writeFile(join(folder.path, 'empty.ts'), 'export const nothing = 1\n')
    await refused(['run', join(folder.path, 'gone.ts')], 2, /gone\.ts/)
    await refused(['run', join(folder.path, 'broken.ts')], 2, /broken\.ts/)
    await refused(['describe', join(folder.path, 'empty.ts')], 2, /empty\.ts has .*default export/)
    await refused(['run', folder.path], 2, /is no pipeline file; give the path of a \.ts or \.js file/)
    await refused(['run', 'README.md'], 2, /README\.md is no pipeline file/)
  })

  it('is an unknown option, an unknown parameter, or an unknown store', async () => {
    await using folder = await scratch()
    await refused(['run', wordCount, '--colour', 'red'], 2, /--colour/)
    await refused(['run', wordCount, '--data-dir', folder.path, '--set', 'colour=red'], 2, /colour/)
    await refused(['run', wordCount, '--data-dir', ''], 2, /--data-dir.*Expected a directory/)
    await refused(['run', wordCount, '--data-dir', folder.path, '--show', 'nowhere'], 2, /nowhere.*word-counts/)
  })

  it('is a broker that is not there, and one that is none', async () => {
    await using folder = await scratch()
    const start = Date.now()
    const server = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')).listen(0, '127.0.0.1')
    await new Promise((listening) => server.once('listening', listening))
    const { port } = server.address() as { port: number }
    await Promise.all(
      [9, port].map((at) =>
        refused(
          ['run', wordCount, '--data-dir', join(folder.path, String(at)), '--brokers', `127.0.0.1:${at}`],
          5,
          new RegExp(`127\\.0\\.0\\.1:${at}`),
        ),
      ),
    )
    server.close()
    expect(Date.now() - start).toBeLessThan(60_000)
  }, 120_000)

  it('is a data directory that another process uses', async () => {
    await using folder = await scratch()
    const files = await writeTexts(folder.path, { 'a.txt': 'one two\n' })
    const args = ['run', wordCount, '--data-dir', join(folder.path, 'data'), '--set', `files=${files}`]
    const holder = new CommandProcess([...args, '--follow'])
    await holder.says(/^committed [1-9]/m)
    await refused(args, 2, new RegExp(`in use.*${holder.child.pid}`))
    holder.child.kill('SIGTERM')
    expect((await holder.end()).code).toBe(0)
  })

  it('is a damaged LevelDB of the embedded broker', async () => {
    await using folder = await scratch()
    const files = await writeTexts(folder.path, { 'a.txt': 'one two\n' })
    const args = ['run', wordCount, '--data-dir', join(folder.path, 'data'), '--set', `files=${files}`]
    expect((await command(args)).code).toBe(0)
    await writeFile(join(folder.path, 'data/broker/facts/CURRENT'), 'MANIFEST-999999\n')
    await refused(args, 3, /data\/broker/)
  })

  it.skipIf(process.getuid?.() !== 0)('is a data directory without permission (needs root to give it up)', async () => {
    await using folder = await scratch()
    await chmod(folder.path, 0o755)
    const closed = join(folder.path, 'closed')
    await mkdir(closed, { mode: 0o555 })
    const child = spawn(
      process.execPath,
      ['dist/src/cli/main.js', 'run', wordCount, '--data-dir', join(closed, 'data')],
      {
        uid: 65534,
        gid: 65534,
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    )
    let said = ''
    child.stderr.on('data', (data: Buffer) => {
      said += data.toString()
    })
    const code = await new Promise((ended) => child.once('close', ended))
    expect(said).toMatch(/closed\/data/)
    expect(code).toBe(2)
  })
})

describe('the command', () => {
  it('stops at once, with nothing begun, while it looks for a broker or loads a pipeline that never comes', async () => {
    await using folder = await scratch()
    const silent = createServer(() => undefined).listen(0, '127.0.0.1')
    await new Promise((listening) => silent.once('listening', listening))
    const { port } = silent.address() as { port: number }
    const waiting = join(folder.path, 'waiting.mts')
    await writeFile(waiting, "console.error('loading')\nsetInterval(() => {}, 1000)\nawait new Promise(() => {})\n")
    const cases = [
      [['run', wordCount, '--brokers', '127.0.0.1:9'], /no Kafka broker answers at 127\.0\.0\.1:9 yet/],
      [['run', wordCount, '--brokers', `127.0.0.1:${port}`], /no Kafka broker answers at .* yet/],
      [['run', waiting], /loading/],
    ] as const
    await Promise.all(
      cases.map(async ([args, said], at) => {
        const running = new CommandProcess([...args, '--data-dir', join(folder.path, String(at))])
        expect(await running.says(said)).toBe(true)
        running.child.kill('SIGINT')
        const end = await running.end()
        expect([end.code, end.stdout]).toEqual([0, ''])
        expect(end.stderr).toMatch(/stopped before the job had started; nothing was begun\n$/)
      }),
    )
    silent.close()
  })

  it('never ends well because of a pipeline file that ends the process, or awaits what never comes', async () => {
    await using folder = await scratch()
    const bodies = { 'exits.mts': 'process.exit(0)\n', 'awaits.mts': 'await new Promise(() => {})\n' }
    await Promise.all(
      Object.entries(bodies).map(async ([name, body]) => {
        await writeFile(join(folder.path, name), body)
        const data = join(folder.path, 'data')
        await refused(['run', join(folder.path, name), '--data-dir', data], 1, /ended before its work did/)
      }),
    )
  })

  it('names the place in the pipeline file as it was written where user code throws', async () => {
    await using folder = await scratch()
    await writeTexts(folder.path, { 'a.txt': 'one two\n' })
    const throwing = join(folder.path, 'throws.mts')
    const index = join(process.cwd(), 'dist/src/index.js')
    const body = [
      `import { pipeline } from '${index}'`,
      `import { textFiles } from '${join(process.cwd(), 'dist/connectors/files/index.js')}'`,
      'interface Nothing { readonly at: number }',
      "export default pipeline('throws', ({ stream }) => {",
      `  stream(textFiles('texts', { files: '${folder.path}/*.txt' }))`,
      '    .map((line): Nothing => {',
      "      throw new Error('as written')",
      '    })',
      "    .keyBy('key', () => 'k').count('counts')",
      '})',
    ]
    await writeFile(throwing, `${body.join('\n')}\n`)
    await refused(['run', throwing, '--data-dir', join(folder.path, 'data')], 1, /as written.*throws\.mts:7:\d+\)/)
  })

  it('shows a store by its own name, or by the one that the pipeline returned it under', async () => {
    await using folder = await scratch()
    const files = await writeTexts(folder.path, { 'a.txt': 'one two\n' })
    const given = ['run', wordCount, '--data-dir', join(folder.path, 'data'), '--set', `files=${files}`, '--json']
    expect(entriesOf((await command([...given, '--show', 'counts'])).stdout).get('one')).toBe(1)
    expect(entriesOf((await command([...given, '--show', 'word-counts'])).stdout).get('one')).toBe(1)
  })

  it('prints a table, then resumes and prints it again, reading only what grew', async () => {
    await using folder = await scratch()
    const files = await writeTexts(folder.path, { 'a.txt': 'alpha beta\nalpha\n' })
    const args = [
      'run',
      wordCount,
      '--data-dir',
      join(folder.path, 'data'),
      '--set',
      `files=${files}`,
      '--show',
      'word-counts',
    ]
    const first = await command(args)
    expect(first.stdout).toBe('word-counts: 2 entries\n\nkey    value\n─────  ─────\nalpha      2\nbeta       1\n')
    expect(first.stderr).not.toMatch(/resumed/)
    await appendFile(join(folder.path, 'a.txt'), 'beta gamma\n')
    const second = await command([...args, '--json'])
    expect(entriesOf(second.stdout)).toEqual(
      new Map([
        ['alpha', 2],
        ['beta', 2],
        ['gamma', 1],
      ]),
    )
    expect(second.stderr).toMatch(/^resumed word-count from /m)
    const records = Number(/committed (\d+) records\n$/.exec(second.stderr)?.[1])
    expect(records, 'one line, in ingest and its two words in the repartition').toBe(4)
  })

  it('follows files that grow, and stops with all committed when it is told to', async () => {
    await using folder = await scratch()
    const files = await writeTexts(folder.path, { 'a.txt': 'alpha\n' })
    const job = new CommandProcess([
      'run',
      wordCount,
      '--data-dir',
      join(folder.path, 'data'),
      '--set',
      `files=${files}`,
      '--show',
      'word-counts',
      '--json',
      '--follow',
    ])
    await job.says(/^committed 3 records/m)
    await appendFile(join(folder.path, 'a.txt'), 'alpha beta\n')
    // A line, the same in the ingest topic, and each of its words in the repartition topic.
    await job.says(/^committed 7 records/m)
    job.child.kill('SIGINT')
    const end = await job.end()
    expect(end.code).toBe(0)
    expect(entriesOf(end.stdout)).toEqual(
      new Map([
        ['alpha', 2],
        ['beta', 1],
      ]),
    )
  })

  it('describes a pipeline without running it', async () => {
    const end = await command(['describe', wordCount, '--app-id', 'mine'])
    expect(end).toMatchObject({ code: 0, stderr: '' })
    expect(end.stdout).toContain('mine-word-repartition')
  })

  it('says its version, and how it is used', async () => {
    expect((await command(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
    expect((await command(['run', '--help'])).stdout).toContain('--follow')
  })
})
