import { spawnSync } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { scratch, writeTexts } from '../support/job-runner.ts'
import { mayMount } from '../support/tmpfs.ts'
import { command, corpus, entriesOf } from '../support/word-count-process.ts'

/** A folder on a disk of its own size, gone after the test. */
async function smallDisk(path: string, size: string): Promise<AsyncDisposable & { resize(size: string): void }> {
  await mkdir(path, { recursive: true })
  expect(spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', path]).status).toBe(0)
  return {
    resize: (to) => expect(spawnSync('mount', ['-o', `remount,size=${to}`, path]).status).toBe(0),
    [Symbol.asyncDispose]: async () => void spawnSync('umount', ['-l', path]),
  }
}

describe.skipIf(!mayMount())('a full disk (needs to mount a tmpfs)', () => {
  for (const [what, folder] of [
    ['the embedded broker', 'data/broker'],
    ['the stores of a job', 'data/word-count'],
  ] as const) {
    it(`under ${what} ends the job with one message and a code of its own; with room it goes on, and counts exactly`, async () => {
      await using base = await scratch()
      const { bodies, counts } = corpus(3, 60_000)
      const files = await writeTexts(base.path, bodies)
      const args = [
        'run',
        'pipelines/word-count.ts',
        ...['--data-dir', join(base.path, 'data'), '--set', `files=${files}`, '--show', 'word-counts', '--json'],
      ]
      await using disk = await smallDisk(join(base.path, folder), folder.endsWith('broker') ? '12m' : '200k')
      const end = await command(args)
      const said = end.stderr.split('\n').filter((line) => line.startsWith('error:'))
      expect(said).toHaveLength(1)
      expect(said[0]).toMatch(/^error: .*disk.* full.*free (some )?space/)
      expect(said[0]).toContain(`${base.path}/${folder}`)
      expect(end.stderr).not.toMatch(/^\s+at /m)
      expect(end.stdout).toBe('')
      expect(end.code).toBe(1)
      disk.resize('200m')
      const again = await command(args)
      expect(again, again.stderr).toMatchObject({ code: 0 })
      expect(entriesOf(again.stdout)).toEqual(counts)
    })
  }
})
