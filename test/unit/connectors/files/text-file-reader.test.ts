import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { FilePosition } from '../../../../connectors/files/file-position.ts'
import { ReadTurns } from '../../../../connectors/files/read-turns.ts'
import { type TextFileOptions, TextFileReader } from '../../../../connectors/files/text-file-reader.ts'
import { hasCode } from '../../../../src/core/errors.ts'
import type { Logger } from '../../../../src/core/logger.ts'
import { silentLogger } from '../../../../src/core/logger.ts'
import { seededRandom } from '../../../../src/core/random.ts'
import { MemoryFileSystem } from '../../../../src/testing/memory-file-system.ts'
import { runs } from '../../../support/seed.ts'
import { SteppedClock } from '../../../support/stepped-clock.ts'

const path = '/work/file.txt'
const never = new AbortController().signal

/** A file, and readers over it with chunks so small that lines lie across them. */
class World {
  readonly files = new MemoryFileSystem()
  readonly clock = new SteppedClock()
  readonly warnings: string[] = []
  readonly options: TextFileOptions
  private readonly logger: Logger = { ...silentLogger, warn: (message) => this.warnings.push(message) }

  constructor(contents: string | Uint8Array, options: Partial<TextFileOptions> = {}) {
    this.files.put(path, contents)
    this.options = {
      replaced: 'fail',
      invalid: 'fail',
      lineBytesMax: 1000,
      chunkBytes: 7,
      pollMs: 200,
      turns: null,
      ...options,
    }
  }

  reader(from: FilePosition | null = null, follow = false): TextFileReader {
    // As `textFiles` does it: only those of a job that follows take turns.
    const options = follow ? { ...this.options, turns: new ReadTurns() } : this.options
    return new TextFileReader(path, from, options, {
      files: this.files,
      clock: this.clock,
      random: seededRandom(1),
      logger: this.logger,
      signal: never,
      follow,
    })
  }

  /** Reads to the end as a bounded job does. */
  async drain(from: FilePosition | null = null, recordsMax = 3): Promise<Drained> {
    const reader = this.reader(from)
    const drained: Drained = { lines: [], skipped: 0, position: from, reads: [] }
    try {
      for (;;) {
        const { records, next, skipped = 0, done } = await reader.read(recordsMax, never)
        drained.lines.push(...records.map(({ value }) => latin1(value)))
        drained.reads.push(next)
        drained.skipped += skipped
        drained.position = next
        if (done) return drained
      }
    } finally {
      await reader.close()
      expect(this.files.openFiles).toBe(0)
    }
  }

  /** Reads with a follower until it has nothing: it then stands at the clock. */
  async follow(reader: TextFileReader): Promise<string[]> {
    const lines: string[] = []
    for (;;) {
      const read = reader.read(3, never)
      if (await Promise.race([read.then(() => false), this.clock.slept().then(() => true)])) {
        this.clock.advance(200)
        const { records, done } = await read
        expect(done).toBeUndefined()
        if (records.length === 0) return lines
        lines.push(...records.map(({ value }) => latin1(value)))
      } else lines.push(...(await read).records.map(({ value }) => latin1(value)))
    }
  }
}

interface Drained {
  lines: string[]
  skipped: number
  position: FilePosition | null
  reads: FilePosition[]
}

const latin1 = (bytes: Uint8Array | null): string => Buffer.from(bytes ?? []).toString('latin1')

/** What a file's lines are, in the simplest words. */
function linesOf(contents: string): string[] {
  const lines = contents.split('\n')
  const last = lines.pop() ?? ''
  return [...lines, ...(last === '' ? [] : [last])].map((line) => line.replace(/\r$/, ''))
}

const isUtf8 = (line: string): boolean => Buffer.from(line, 'latin1').toString('utf8').includes('\ufffd') === false

describe('text file reader', () => {
  // Bytes as latin1: an `é` in two bytes, half of one, line ends and half line ends.
  const piece = fc.constantFrom('a', 'bcd', '\u00c3\u00a9', '\u00c3', '\r', '\n', '\r\n', '\n\n')
  const contents = fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join(''))
  const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')

  it('gives the lines of any bytes, passing over what is no text or too long', async () => {
    await fc.assert(
      fc.asyncProperty(
        contents,
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 6 }),
        fc.option(fc.nat()),
        async (text, chunkBytes, lineBytesMax, shortReads) => {
          const world = new World(bytes(text), { chunkBytes, lineBytesMax, invalid: 'skip' })
          if (shortReads !== null) world.files.shortReads(seededRandom(shortReads))
          const good = linesOf(text).filter((line) => line.length <= lineBytesMax && isUtf8(line))
          const drained = await world.drain()
          expect(drained.lines).toEqual(good)
          expect(drained.skipped).toBe(linesOf(text).length - good.length)
          for (const position of drained.reads) {
            const again = await world.drain(JSON.parse(JSON.stringify(position)))
            expect(good.join('|').endsWith(again.lines.join('|'))).toBe(true)
          }
        },
      ),
      runs(300),
    )
  })

  it('reads a file that grew between two jobs as if it had been whole, or refuses to', async () => {
    await fc.assert(
      fc.asyncProperty(
        contents.filter(isUtf8),
        fc.nat(),
        fc.integer({ min: 1, max: 9 }),
        async (text, cut, chunkBytes) => {
          const size = text.length === 0 ? 0 : cut % (text.length + 1)
          fc.pre(isUtf8(text.slice(0, size)))
          const world = new World(bytes(text.slice(0, size)), { chunkBytes })
          const before = await world.drain()
          world.files.append(path, bytes(text.slice(size)))
          const tail = text.slice(0, size).replace(/^.*\n/s, '')
          const growth = text.slice(before.position?.offset)
          const after = await world.drain(before.position).catch((error) => error)
          if (tail !== '' && growth !== '' && growth !== '\r' && !/^\r?\n/.test(growth)) {
            expect(hasCode(after, 'FILE_LINE_CONTINUED')).toBe(true)
          } else expect([...before.lines, ...after.lines]).toEqual(linesOf(text))
        },
      ),
      runs(300),
    )
  })

  it('follows a file that grows in any pieces, giving each line once it is whole', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(contents.filter(isUtf8), { maxLength: 5 }), async (pieces) => {
        const world = new World('')
        const reader = world.reader(null, true)
        const lines: string[] = []
        let written = ''
        for (const added of pieces) {
          world.files.append(path, bytes(added))
          written += added
          lines.push(...(await world.follow(reader)))
          expect(lines).toEqual(linesOf(written.slice(0, written.lastIndexOf('\n') + 1)))
          expect(world.files.openFiles).toBe(0)
        }
        await reader.close()
      }),
      runs(100),
    )
  })

  it('stops before a line that is no text, so that what stands before it is committed', async () => {
    const world = new World(bytes('one\ntwo\nth\u00ffree\nfour\n'), { chunkBytes: 100 })
    const reader = world.reader()
    const { records, next } = await reader.read(10, never)
    expect(records.map(({ value }) => latin1(value))).toEqual(['one', 'two'])
    expect(next.offset).toBe(8)
    for (let attempt = 0; attempt < 2; attempt++) {
      await expect(reader.read(10, never)).rejects.toMatchObject({
        code: 'RECORD_DESERIALIZATION',
        context: { path, offset: 8 },
        message: expect.stringContaining(`byte 8 of ${path}`),
      })
    }
    await reader.close()
    expect(world.files.openFiles).toBe(0)
  })

  it('passes over lines that are no text and counts them', async () => {
    const world = new World(bytes('\u00ff\none\n\u00c3\ntwo\n\u00a9'), { invalid: 'skip', chunkBytes: 100 })
    expect(await world.drain()).toMatchObject({
      lines: ['one', 'two'],
      skipped: 3,
      position: { offset: 13, unended: true },
    })
  })

  it.each([7, 100])('refuses a line that is too long, with its place (chunks of %d bytes)', async (chunkBytes) => {
    const world = new World(`ab\n${'x'.repeat(21)}\n`, { lineBytesMax: 20, chunkBytes })
    await expect(world.drain()).rejects.toMatchObject({ code: 'FILE_LINE_TOO_LONG', context: { path, offset: 3 } })
    world.files.put(path, `ab\n${'x'.repeat(20)}\r\n`)
    expect((await world.drain()).lines).toHaveLength(2)
  })

  it.each([7, 100])(
    'passes over a line that is too long without collecting it (chunks of %d bytes)',
    async (chunkBytes) => {
      const world = new World(`ab\n${'x'.repeat(5000)}\ncd\n${'y'.repeat(50)}`, {
        lineBytesMax: 20,
        chunkBytes,
        invalid: 'skip',
      })
      const whole = await world.drain()
      expect(whole).toMatchObject({ lines: ['ab', 'cd'], skipped: 2, position: { offset: 5057, unended: true } })
      for (const position of whole.reads)
        expect(['ab', 'cd']).toEqual(expect.arrayContaining((await world.drain(position)).lines))
      world.files.append(path, '\nef\n')
      expect((await world.drain(whole.position)).lines).toEqual(['ef'])
    },
  )

  it('does not look past the size that a bounded file had, but to the end of the line there', async () => {
    const world = new World('one\n12\ntw', { chunkBytes: 4 })
    const reader = world.reader()
    const lines = (await reader.read(1, never)).records.map(({ value }) => latin1(value))
    world.files.append(path, 'o\nthree\n')
    let rest = await reader.read(10, never)
    for (lines.push(...rest.records.map(({ value }) => latin1(value))); !rest.done; ) {
      rest = await reader.read(10, never)
      lines.push(...rest.records.map(({ value }) => latin1(value)))
    }
    expect(lines).toEqual(['one', '12', 'two'])
    expect(rest.next.offset).toBe(11)
    expect((await world.drain(rest.next)).lines).toEqual(['three'])
  })

  it('does not notice or read again bytes that changed behind the head', async () => {
    const text = 'a line of twenty byte\n'.repeat(400)
    const world = new World(text, { chunkBytes: 1000 })
    const { position } = await world.drain()
    world.files.overwrite(path, 5000, 'zzzzzz')
    world.files.append(path, 'growth\n')
    expect((await world.drain(position)).lines).toEqual(['growth'])
  })

  it('knows a file again by its contents, not by what holds them', async () => {
    const world = new World('one\ntwo\n')
    const { position } = await world.drain()
    world.files.put(path, 'one\ntwo\nthree\n')
    expect((await world.drain(position)).lines).toEqual(['three'])
  })

  it.each([
    ['begins otherwise', 'One\ntwo\nthree\n', /begins with other bytes/],
    ['is shorter', 'one\n', /it has 4 bytes/],
    ['is empty', '', /it has 0 bytes/],
  ])('refuses a file that %s', async (_what, contents, message) => {
    const world = new World('one\ntwo\n')
    const { position } = await world.drain()
    world.files.put(path, contents)
    await expect(world.drain(position)).rejects.toMatchObject({
      code: 'FILE_REPLACED',
      context: { path, offset: 8 },
      message: expect.stringMatching(message),
    })
  })

  it('passes over a replaced file when told to, with one warning, until the old one is back', async () => {
    const world = new World('one\ntwo\n', { replaced: 'ignore' })
    const { position } = await world.drain()
    world.files.put(path, 'ONE\ntwo\nthree\n')
    expect(await world.drain(position)).toMatchObject({ lines: [], position })
    expect(world.warnings).toEqual([expect.stringContaining(path)])
    world.files.put(path, 'one\ntwo\nthree\n')
    expect((await world.drain(position)).lines).toEqual(['three'])

    world.files.put(path, 'x\n')
    const follower = world.reader(position, true)
    expect(await world.follow(follower)).toEqual([])
    world.files.put(path, 'xy\n')
    expect(await world.follow(follower)).toEqual([])
    expect(world.warnings).toHaveLength(2)
    world.files.put(path, 'one\ntwo\nfour\n')
    expect(await world.follow(follower)).toEqual(['four'])
    await follower.close()
  })

  it('refuses a file that is cut off under its eyes', async () => {
    const world = new World('a line\n'.repeat(10))
    const reader = world.reader()
    await reader.read(1, never)
    world.files.truncate(path, 9)
    await expect(
      (async () => {
        while (!(await reader.read(1, never)).done);
      })(),
    ).rejects.toMatchObject({ code: 'FILE_REPLACED' })
    await reader.close()
    expect(world.files.openFiles).toBe(0)
  })

  it('waits through a rotation and then refuses the new file', async () => {
    const world = new World('one\n')
    const reader = world.reader(null, true)
    expect(await world.follow(reader)).toEqual(['one'])
    await world.files.rename(path, '/work/file.1')
    expect(await world.follow(reader)).toEqual([])
    world.files.put(path, 'new file\n')
    await expect(world.follow(reader)).rejects.toMatchObject({ code: 'FILE_REPLACED' })
    await reader.close()
  })

  it('goes on behind a line that a bounded job took without its end only when the end comes', async () => {
    const world = new World('one\ntwo')
    const { lines, position } = await world.drain()
    expect(lines).toEqual(['one', 'two'])
    expect(position).toMatchObject({ offset: 7, unended: true })
    expect(await world.drain(position)).toMatchObject({ lines: [], position })
    const follower = world.reader(position, true)
    expect(await world.follow(follower)).toEqual([])
    world.files.append(path, '\r\nthree\nfo')
    expect(await world.follow(follower)).toEqual(['three'])
    await follower.close()
    world.files.put(path, 'one\ntwo, and more\n')
    await expect(world.drain(position)).rejects.toMatchObject({
      code: 'FILE_LINE_CONTINUED',
      context: { path, offset: 7 },
    })
  })

  it.each([
    ['ENOENT', 'FILE_NOT_FOUND'],
    ['EACCES', 'FILE_UNREADABLE'],
    ['EMFILE', 'FILE_UNREADABLE'],
    ['EISDIR', 'FILE_UNREADABLE'],
  ] as const)('turns %s into %s, names the file and leaves nothing open', async (system, code) => {
    const world = new World('one\n')
    world.files.fail({ call: 'open', code: system })
    await expect(world.drain()).rejects.toMatchObject({
      code,
      context: { path },
      message: expect.stringContaining(path),
    })
  })

  it('goes on after a read that failed once', async () => {
    const world = new World('one\ntwo, a line\nthree\n')
    const reader = world.reader()
    const lines: string[] = []
    lines.push(...(await reader.read(1, never)).records.map(({ value }) => latin1(value)))
    world.files.fail({ call: 'read', code: 'EIO', times: 1 })
    for (let failures = 0; ; ) {
      const read = await reader.read(1, never).catch((error) => {
        expect(error).toMatchObject({ code: 'FILE_UNREADABLE' })
        failures++
        return null
      })
      lines.push(...(read?.records ?? []).map(({ value }) => latin1(value)))
      expect(failures).toBeLessThanOrEqual(1)
      if (read?.done) break
    }
    expect(lines).toEqual(['one', 'two, a line', 'three'])
    await reader.close()
    expect(world.files.openFiles).toBe(0)
  })
})
