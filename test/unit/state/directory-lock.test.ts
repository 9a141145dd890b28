import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../../src/core/random.ts'
import { lockDirectory } from '../../../src/state/directory-lock.ts'
import { corruptStore } from '../../../src/state/level-error.ts'
import { MemoryDisk } from '../../../src/state/memory-disk.ts'

describe('directory lock', () => {
  it('refuses a second holder, naming the directory and the pid of the first', async () => {
    const disk = new MemoryDisk(seededRandom(1))
    await lockDirectory('/data/app', { pid: 41, backends: disk.backends(41) })
    const second = lockDirectory('/data/app', { pid: 42, backends: disk.backends(42) })
    await expect(second).rejects.toMatchObject({
      code: 'DATA_DIRECTORY_LOCKED',
      context: { path: '/data/app', pid: 41 },
      message: expect.stringMatching(/\/data\/app is in use by process 41;.*--data-dir/),
    })
  })

  it('lets the next holder in after release, and releases twice', async () => {
    const disk = new MemoryDisk(seededRandom(1))
    const first = await lockDirectory('/data', { pid: 1, backends: disk.backends(1) })
    await first.release()
    await first.release()
    const second = await lockDirectory('/data', { pid: 2, backends: disk.backends(2) })
    await first.release()
    await expect(lockDirectory('/data', { pid: 3, backends: disk.backends(3) })).rejects.toMatchObject({
      context: { pid: 2 },
    })
    await second.release()
  })

  it('does not keep everybody out when its database is damaged', async () => {
    const disk = new MemoryDisk(seededRandom(1))
    disk.failNext({ call: 'open', error: corruptStore('/data/lock', 'bad magic number', null) })
    const lock = await lockDirectory('/data', { pid: 1, backends: disk.backends(1) })
    expect(disk.paths).toEqual(['/data/lock'])
    await lock.release()
  })
})
