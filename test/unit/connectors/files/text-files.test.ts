import { beforeEach, describe, expect, it } from 'vitest'
import { textFiles } from '../../../../connectors/files/index.ts'
import type { ConnectorContext } from '../../../../src/connector/index.ts'
import { newAbort } from '../../../../src/core/abort.ts'
import { silentLogger } from '../../../../src/core/logger.ts'
import { seededRandom } from '../../../../src/core/random.ts'
import { MemoryFileSystem } from '../../../../src/testing/memory-file-system.ts'
import { SteppedClock } from '../../../support/stepped-clock.ts'

describe('text files', () => {
  let files: MemoryFileSystem
  beforeEach(() => {
    files = new MemoryFileSystem('/work')
  })
  const signal = newAbort().signal
  const contextOf = (follow: boolean): ConnectorContext => ({
    files,
    clock: new SteppedClock(),
    random: seededRandom(1),
    logger: silentLogger,
    signal,
    follow,
  })

  it('deals files by absolute path, with their sizes, whether named in a list or between commas', async () => {
    files.put('b.txt', 'two\n')
    files.put('a.txt', 'one')
    const expected = [
      { id: '/work/a.txt', sizeBytes: 3 },
      { id: '/work/b.txt', sizeBytes: 4 },
    ]
    for (const named of ['*.txt', 'b.txt, a.txt', ['a.txt', 'b.txt']]) {
      expect(await textFiles('texts', { files: named }).splits(contextOf(false))).toEqual(expected)
    }
  })

  it.each([
    [400, true, 64 * 1024],
    [1, true, 64 * 1024],
    [400, false, 512 * 1024],
  ])(
    'of which there are %i, followed: %s, hold a chunk of %i bytes, and one read ahead where they are read one after the other',
    async (count, follow, bytesMax) => {
      const lines = 25_000
      for (let n = 0; n < count; n++) files.put(`${n}.txt`, 'a line of some length\n'.repeat(lines))
      let [held, taken] = [0, 0]
      let most = 0
      const job = { ...contextOf(follow), files: Object.create(files) as MemoryFileSystem }
      job.files.open = async (path) => {
        const file = await files.open(path)
        const read: typeof file.read = async (target, length, position) => {
          const found = await file.read(target, length, position)
          held += found
          most = Math.max(most, held)
          return found
        }
        return { ...file, read, size: () => file.size() }
      }
      const source = textFiles('texts', { files: '*.txt' })
      const splits = await source.splits(job)
      // Bounded, a job reads one file at a time; followed, all of them.
      const readers = await Promise.all(
        (follow ? splits : splits.slice(0, 1)).map((split) => source.open(split, null, job)),
      )
      const drain = async (reader: (typeof readers)[number]): Promise<void> => {
        for (let given = -1; given !== 0; ) {
          const { records, bytesRead } = await reader.read(1000, signal)
          given = records.length
          taken += given
          held -= bytesRead ?? 0
        }
      }
      await Promise.all(readers.map(drain))
      expect(taken).toBe(lines * readers.length)
      // What a chunk leaves of a line is held beside the others' chunks.
      expect(most).toBeLessThanOrEqual((follow ? 1 : 2) * bytesMax + 22 * readers.length)
      expect(most).toBeGreaterThanOrEqual(bytesMax)
      for (const reader of readers) await reader.close()
    },
  )

  it('lets the next file read where the one whose turn it is is closed, and ends the wait of one that is told to stop', async () => {
    for (const name of ['a', 'b', 'c']) files.put(`${name}.txt`, 'line\n'.repeat(3))
    const job = contextOf(true)
    const source = textFiles('texts', { files: '*.txt' })
    const [a, b, c] = await Promise.all((await source.splits(job)).map((split) => source.open(split, null, job)))
    if (!a || !b || !c) expect.unreachable()
    expect((await a.read(2, signal)).records).toHaveLength(2)
    const stop = new AbortController()
    const stopped = b.read(9, stop.signal)
    const waiting = c.read(9, signal)
    stop.abort()
    expect((await stopped).records).toEqual([])
    await a.close()
    expect((await waiting).records).toHaveLength(3)
    for (const reader of [b, c]) await reader.close()
  })

  it('has one of many open at a time, and none that waits for its turn', async () => {
    for (let n = 0; n < 50; n++) files.put(`${n}.txt`, 'line\n'.repeat(3))
    const job = { ...contextOf(true), files: Object.create(files) as MemoryFileSystem }
    let most = 0
    job.files.open = async (path) => {
      const file = await files.open(path)
      most = Math.max(most, files.openFiles)
      return file
    }
    const source = textFiles('texts', { files: '*.txt' })
    const readers = await Promise.all((await source.splits(job)).map((split) => source.open(split, null, job)))
    const all = readers.map(async (reader) => {
      let lines = 0
      for (let given = -1; given !== 0; lines += given) given = (await reader.read(100, signal)).records.length
      return lines
    })
    expect(await Promise.all(all)).toEqual(readers.map(() => 3))
    expect(most).toBe(1)
    for (const reader of readers) await reader.close()
    expect(files.openFiles).toBe(0)
  })

  it('is judged when its turn has come, not when it began to wait: one that was rewritten meanwhile is refused', async () => {
    files.put('a.txt', 'x\n')
    files.put('b.txt', 'old1\n')
    const job = contextOf(true)
    const source = textFiles('texts', { files: '*.txt' })
    const [first, second] = await source.splits(job)
    if (!first || !second) expect.unreachable()
    const before = await source.open(second, null, job)
    const { next } = await before.read(9, signal)
    await before.close()
    files.put('b.txt', 'old1\nold2\n')
    const a = await source.open(first, null, job)
    const b = await source.open(second, next, job)
    expect((await a.read(9, signal)).records).toHaveLength(1)
    const waiting = b.read(9, signal)
    await new Promise((resolve) => setImmediate(resolve))
    files.put('b.txt', 'a new file that is longer\n')
    void a.read(9, signal)
    await expect(waiting).rejects.toMatchObject({ code: 'FILE_REPLACED' })
    for (const reader of [a, b]) await reader.close()
  })

  it('that is deleted while another has the turn is read to its end: it is open, and nobody can take it from us', async () => {
    const lines = 400_000
    files.put('a.txt', 'a line\n'.repeat(lines))
    files.put('b.txt', 'short\n')
    const job = contextOf(true)
    const source = textFiles('texts', { files: '*.txt' })
    const [a, b] = await Promise.all((await source.splits(job)).map((split) => source.open(split, null, job)))
    if (!a || !b) expect.unreachable()
    let found = (await a.read(4096, signal)).records.length
    // Its result is taken when the next is asked for.
    const short = b.read(9, signal).then(() => b.read(9, signal))
    for (let given = -1; given !== 0; found += given) {
      given = (await a.read(4096, signal)).records.length
      if (found > lines / 2) await files.remove('/work/a.txt')
    }
    await short
    expect(found).toBe(lines)
    for (const reader of [a, b]) await reader.close()
  })

  it('that does not answer keeps the others waiting for a second, and goes on when it does', async () => {
    files.put('a.txt', 'slow\n')
    files.put('b.txt', 'quick\n')
    const clock = new SteppedClock()
    const job = { ...contextOf(true), clock, files: Object.create(files) as MemoryFileSystem }
    let answer = (): void => {}
    const answered = new Promise<void>((resolve) => {
      answer = resolve
    })
    job.files.open = async (path) => {
      const file = await files.open(path)
      if (!path.endsWith('a.txt')) return file
      const read: typeof file.read = async (target, length, position) => {
        await answered
        return file.read(target, length, position)
      }
      return { ...file, read, size: () => file.size(), close: () => file.close() }
    }
    const source = textFiles('texts', { files: '*.txt' })
    const [a, b] = await Promise.all((await source.splits(job)).map((split) => source.open(split, null, job)))
    if (!a || !b) expect.unreachable()
    const slow = a.read(9, signal)
    const quick = b.read(9, signal)
    await clock.slept()
    clock.advance(1000)
    expect((await quick).records).toHaveLength(1)
    await b.read(9, signal)
    answer()
    expect((await slow).records).toHaveLength(1)
    for (const reader of [a, b]) await reader.close()
  })

  it('of a hundred chunks gives each other file its turn in between, and every line once, in order', async () => {
    const lines = Array.from({ length: 400_000 }, (_, n) => `${n}`)
    files.put('a.txt', `${lines.join('\n')}\n`)
    files.put('b.txt', 'short\n')
    const job = contextOf(true)
    const source = textFiles('texts', { files: '*.txt' })
    const [a, b] = await Promise.all((await source.splits(job)).map((split) => source.open(split, null, job)))
    if (!a || !b) expect.unreachable()
    const found: string[] = []
    let foundBefore = -1
    const long = (async () => {
      for (let given = -1; given !== 0; ) {
        const { records } = await a.read(4096, signal)
        given = records.length
        for (const { value } of records) found.push(Buffer.from(value ?? []).toString())
      }
    })()
    const short = b.read(9, signal).then(async ({ records }) => {
      foundBefore = found.length
      await b.read(9, signal)
      return records
    })
    await long
    expect(await short).toHaveLength(1)
    expect(foundBefore).toBeLessThan(lines.length / 2)
    expect(found.length).toBe(lines.length)
    expect(found.every((line, n) => line === lines[n])).toBe(true)
    for (const reader of [a, b]) await reader.close()
  })

  it('hands over lines as text without a key', async () => {
    files.put('a.txt', 'größe\n')
    const source = textFiles('texts', { files: 'a.txt', partitions: 2 })
    expect(source).toMatchObject({ kind: 'source-connector', name: 'texts', replay: 'exact', partitions: 2 })
    const reader = await source.open({ id: '/work/a.txt' }, null, contextOf(false))
    const { records, done, bytesRead } = await reader.read(10, signal)
    expect(records.map(({ key, value }) => [key, value && source.value.deserialize(value)])).toEqual([[null, 'größe']])
    expect({ done, bytesRead }).toEqual({ done: true, bytesRead: 8 })
    await reader.close()
  })

  it('fails when a pattern matches nothing, even when another does', async () => {
    files.put('a.txt', '')
    await expect(textFiles('texts', { files: 'a.txt,*.md' }).splits(contextOf(false))).rejects.toMatchObject({
      code: 'FILE_NOT_FOUND',
      context: { path: '*.md' },
    })
  })

  it('finds files that come while it follows, and lets them go', async () => {
    const source = textFiles('texts', { files: '*.txt' })
    const job = contextOf(true)
    await expect(source.splits(job)).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' })
    files.put('a.txt', '')
    expect(await source.splits(job)).toHaveLength(1)
    files.put('b.txt', '')
    expect((await source.splits(job)).map(({ id }) => id)).toEqual(['/work/a.txt', '/work/b.txt'])
    await files.remove('a.txt')
    await files.remove('b.txt')
    expect(await source.splits(job)).toEqual([])
    await expect(source.splits(contextOf(true))).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' })
  })

  it('takes lines of up to 1 MB by default, in chunks smaller than that', async () => {
    const fits = 'x'.repeat(1_047_552)
    files.put('a.txt', `short\n${fits}\nbetween\n${fits}x\nafter\n`)
    const read = async (invalid: 'fail' | 'skip') => {
      const reader = await textFiles('texts', { files: 'a.txt', invalid }).open(
        { id: '/work/a.txt' },
        null,
        contextOf(false),
      )
      const sizes: number[] = []
      let skipped = 0
      for (let isDone = false; !isDone; ) {
        const batch = await reader.read(1000, signal)
        sizes.push(...batch.records.map(({ value }) => value?.length ?? -1))
        skipped += batch.skipped ?? 0
        isDone = batch.done === true
      }
      return { sizes, skipped }
    }
    expect(await read('skip')).toEqual({ sizes: [5, fits.length, 7, 5], skipped: 1 })
    await expect(read('fail')).rejects.toMatchObject({ code: 'FILE_LINE_TOO_LONG', context: { offset: 1_047_567 } })
  })

  it.each([
    ['no files', { files: [] }],
    ['blank files', { files: ' , ' }],
    ['a line of no length', { files: 'a.txt', lineBytesMax: 0 }],
  ])('refuses %s at once', (_what, options) => {
    expect(() => textFiles('texts', options)).toThrowError(expect.objectContaining({ code: 'CONFIG_INVALID' }))
  })
})
