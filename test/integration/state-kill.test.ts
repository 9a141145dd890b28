import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { lockDirectory } from '../../src/state/directory-lock.ts'
import { levelBackends } from '../../src/state/level-backend.ts'
import { mayMount } from '../support/tmpfs.ts'

const writer = fileURLToPath(new URL('../support/state-writer.ts', import.meta.url))
const backends = levelBackends()

describe('state on disk', () => {
  let directory: string
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'state-kill-'))
  })
  afterEach(() => rm(directory, { recursive: true, force: true }))

  /** Starts the writer. `acknowledged(n)` resolves when batch `n` or a later one is. */
  function startWriter(): { child: ChildProcess; last: () => number; acknowledged: (n: number) => Promise<void> } {
    const child = spawn(process.execPath, ['--import', 'tsx', writer, directory], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let last = 0
    let waiting: { n: number; resolve: () => void } | null = null
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      last = Number(line)
      if (waiting && last >= waiting.n) waiting.resolve()
    })
    return {
      child,
      last: () => last,
      acknowledged: (n) => (last >= n ? Promise.resolve() : new Promise((resolve) => (waiting = { n, resolve }))),
    }
  }

  async function kill(child: ChildProcess): Promise<void> {
    const closed = once(child, 'close')
    child.kill('SIGKILL')
    await closed
  }

  it('is free at once after kill -9 of its holder, with every acknowledged batch in it and none in part', async () => {
    let before = 0
    for (const batches of [3, 60, 200]) {
      const { child, last, acknowledged } = startWriter()
      await acknowledged(batches)
      await kill(child)
      const store = await backends.open(join(directory, 'store'))
      const found = Array.from({ length: 20 }, (_, key) =>
        Buffer.from(store.getSync(Uint8Array.of(key)) ?? []).readUInt32BE(),
      )
      await store.close()
      expect(new Set(found).size).toBe(1)
      expect(found[0]).toBeGreaterThanOrEqual(last())
      expect(found[0]).not.toBe(before)
      before = found[0] as number
    }
  })

  it('tells a second process who holds the directory, until the holder is killed', async () => {
    const { child, acknowledged } = startWriter()
    await acknowledged(1)
    const refusal = { code: 'DATA_DIRECTORY_LOCKED', message: expect.stringContaining(`process ${child.pid}`) }
    await expect(lockDirectory(directory, { pid: process.pid })).rejects.toMatchObject(refusal)
    await expect(backends.open(join(directory, 'store'))).rejects.toMatchObject(refusal)
    await kill(child)
    const lock = await lockDirectory(directory, { pid: process.pid })
    await lock.release()
  })

  it.skipIf(process.getuid?.() !== 0)(
    'answers DATA_DIRECTORY_UNUSABLE without permission (needs root to give it up)',
    async () => {
      await mkdir(join(directory, 'closed', 'store'), { recursive: true })
      for (const path of ['closed/store', 'closed', '.']) await chmod(join(directory, path), 0o555)
      for (const path of ['closed/store', 'closed/new']) {
        expect(openElsewhere(join(directory, path), 65534)).toMatchObject({ code: 'DATA_DIRECTORY_UNUSABLE' })
      }
      await chmod(directory, 0o755)
    },
  )

  const tmpfs = mayMount()
  it.skipIf(!tmpfs)(
    'answers DISK_FULL when the disk is, and loses nothing acknowledged (needs to mount a tmpfs)',
    async () => {
      const mounted = join(directory, 'small')
      await mkdir(mounted)
      expect(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', mounted]).status).toBe(0)
      try {
        const store = await backends.open(join(mounted, 'store'))
        let acknowledged = 0
        const fill = async () => {
          for (;;) {
            // Random enough not to be compressed.
            const value = Uint8Array.from(
              { length: 60_000 },
              (_, i) => (Math.imul(i + acknowledged, 2654435761) >>> 13) & 255,
            )
            await store.batch([{ key: Uint8Array.of(acknowledged), value }])
            acknowledged++
          }
        }
        await expect(fill()).rejects.toMatchObject({ code: 'DISK_FULL', context: { path: join(mounted, 'store') } })
        await expect(store.batch([{ key: Uint8Array.of(255), value: Uint8Array.of(1) }])).rejects.toMatchObject({
          code: 'DISK_FULL',
        })
        await store.close()
        expect(spawnSync('mount', ['-o', 'remount,size=8m', mounted]).status).toBe(0)
        const again = await backends.open(join(mounted, 'store'))
        for (let n = 0; n < acknowledged; n++) expect(again.getSync(Uint8Array.of(n))).toHaveLength(60_000)
        expect(again.getSync(Uint8Array.of(255))).toBeUndefined()
        await again.close()
      } finally {
        spawnSync('umount', [mounted])
      }
    },
  )
})

/** Opens a store in a child that has another user's rights. @returns what it threw */
function openElsewhere(path: string, uid: number): unknown {
  const code = `
    const { levelBackends } = await import(${JSON.stringify(new URL('../../src/state/level-backend.ts', import.meta.url).href)})
    process.setuid(${uid})
    const error = await levelBackends().open(${JSON.stringify(path)}).then(() => null, (e) => e)
    console.log(JSON.stringify({ code: error?.code, message: error?.message }))`
  const child = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', code], {
    encoding: 'utf8',
  })
  return JSON.parse(child.stdout || JSON.stringify({ failed: child.stderr }))
}
