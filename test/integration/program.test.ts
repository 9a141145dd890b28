import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { scratch, writeTexts } from '../support/job-runner.ts'

const program = fileURLToPath(new URL('../support/program.ts', import.meta.url))

describe('a program that runs a job', () => {
  it.each([
    ['has ended', 'one\ntwo\none\n', 'ended'],
    ['has failed', 'one\nfail\n', 'failed'],
  ])('is left alone by a job that %s, so that it ends by itself', async (_what, text, end) => {
    await using folder = await scratch()
    await writeTexts(folder.path, { 'lines.txt': text })
    const child = spawn(process.execPath, ['--conditions=millrace-source', '--import', 'tsx', program, folder.path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let printed = ''
    child.stdout.on('data', (part) => {
      printed += part
    })
    const [code] = await once(child, 'close')
    expect({ code, printed: JSON.parse(printed) }).toEqual({ code: 0, printed: { end, timers: 0 } })
  })
})
