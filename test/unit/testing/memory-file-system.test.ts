import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../../src/core/random.ts'
import { MemoryFileSystem } from '../../../src/testing/memory-file-system.ts'

describe('memory file system', () => {
  it('fails the calls it was told to, as often as told, and no others', async () => {
    const files = new MemoryFileSystem()
    files.put('a', 'text')
    files.put('b', 'text')
    files.fail({ call: 'open', path: 'a', code: 'EACCES', times: 2 })
    for (let attempt = 0; attempt < 2; attempt++) {
      await expect(files.open('/work/a')).rejects.toMatchObject({ code: 'EACCES', path: '/work/a' })
    }
    await (await files.open('b')).close()
    await (await files.open('a')).close()
    files.fail({ call: 'writeText', code: 'ENOSPC' })
    await expect(files.writeText('a', 'other')).rejects.toMatchObject({ code: 'ENOSPC' })
    expect(await files.readText('a')).toBe('text')
    files.mend()
    await files.writeText('a', 'other')
    expect(await files.readText('a')).toBe('other')
  })

  it('counts what is open, and refuses reads of what is closed', async () => {
    const files = new MemoryFileSystem()
    files.put('a', 'text')
    const file = await files.open('a')
    expect(files.openFiles).toBe(1)
    await file.close()
    await file.close()
    expect(files.openFiles).toBe(0)
    await expect(file.read(new Uint8Array(1), 1, 0)).rejects.toMatchObject({ code: 'EBADF' })
  })

  it('reads less than asked for, but something, when reads are short', async () => {
    const files = new MemoryFileSystem()
    files.put('a', 'x'.repeat(100))
    files.shortReads(seededRandom(5))
    const file = await files.open('a')
    const counts = new Set<number>()
    for (let n = 0; n < 50; n++) counts.add(await file.read(new Uint8Array(100), 100, 0))
    expect(counts.size).toBeGreaterThan(10)
    expect(Math.min(...counts)).toBeGreaterThan(0)
    expect(await file.read(new Uint8Array(1), 1, 100)).toBe(0)
  })

  it('changes a file in place under who has it open', async () => {
    const files = new MemoryFileSystem()
    files.put('a', 'hello')
    const file = await files.open('a')
    files.overwrite('a', 1, 'u')
    files.append('a', '!')
    const target = new Uint8Array(6)
    await file.read(target, 6, 0)
    expect(Buffer.from(target).toString()).toBe('hullo!')
    files.truncate('a', 2)
    expect(await file.size()).toBe(2)
    await file.close()
  })
})
