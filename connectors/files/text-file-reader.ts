import { Buffer, isUtf8 } from 'node:buffer'
import {
  type ConnectorContext,
  type DecodePolicy,
  type ReadableFile,
  type ReadResult,
  type SourceRecord,
  type SplitReader,
  type StreamError,
  systemCodeOf,
} from '../../src/connector/index.ts'
import { fileError, fileReplaced, lineContinued, lineTooLong, notText } from './file-error.ts'
import type { FilePosition } from './file-position.ts'
import { HeadHash, headBytes } from './head-hash.ts'
import { LineRuns } from './line-runs.ts'
import { OwnTurn } from './own-turn.ts'
import type { ReadTurns } from './read-turns.ts'

/** How files are read. */
export interface TextFileOptions {
  readonly replaced: 'fail' | 'ignore'
  readonly invalid: DecodePolicy
  readonly lineBytesMax: number
  readonly chunkBytes: number
  /** Milliseconds between looks at a file that is being followed. */
  readonly pollMs: number
  /** The turns that all readers of the task take, where they are read at the same time; else each reads ahead by a chunk. */
  readonly turns: ReadTurns | null
}

const newline = 10
const carriageReturn = 13

/** A size that no file has. */
const nothingThere = -1

/** A file that is open, and known to be the one that the position speaks of. */
interface OpenFile {
  readonly file: ReadableFile
  readonly size: number
  readonly runs: LineRuns
  readonly head: HeadHash
}

/** What one read has gathered. */
interface Batch {
  readonly records: SourceRecord[]
  readonly recordsMax: number
  skipped: number
}

/** The run that is being handed out. */
interface CurrentRun {
  readonly bytes: Buffer
  readonly offset: number
  /** All of it is UTF-8; otherwise each line is looked at. */
  readonly isValid: boolean
  /** Where the next line begins. */
  at: number
}

/**
 * Reads one file line by line from a position on.
 *
 *     idle --look: it has news--> open --end of a bounded file--> done
 *      ^                           |
 *      +----- end of what is there-+
 *
 * While idle no file is open, and a reader that takes turns opens its file in its turn: so a job may follow more files than a
 * process may hold open, and a file is looked at right before it is read. It stays open until its end, though its turn may pass:
 * who deletes or renames it meanwhile takes nothing from us.
 */
export class TextFileReader implements SplitReader<FilePosition> {
  private readonly path: string
  private readonly options: TextFileOptions
  private readonly context: ConnectorContext
  private readonly turn: OwnTurn
  private position: FilePosition
  private state: 'idle' | 'open' | 'done' | 'closed' = 'idle'
  /** There exactly in the state `open`. */
  private open: OpenFile | null = null
  private run: CurrentRun | null = null
  /** The size at which there was nothing more to take; null before the first look. */
  private leftAtSize: number | null = null
  private hasWarned = false

  constructor(path: string, from: FilePosition | null, options: TextFileOptions, context: ConnectorContext) {
    this.path = path
    this.options = options
    this.context = context
    this.turn = new OwnTurn(options.turns, context.clock)
    this.position = from ?? { offset: 0, hash: new HeadHash().digest }
  }

  async read(recordsMax: number, signal: AbortSignal): Promise<ReadResult<FilePosition>> {
    const begin = this.position.offset
    const batch: Batch = { records: [], recordsMax, skipped: 0 }
    try {
      // Whoever reads on has taken what came before.
      if (this.run === null && (this.open === null || this.turn.isUsedUp)) this.turn.end()
      if (this.state === 'idle' && !signal.aborted && (await this.hasNews(signal)) && (await this.turn.begin(signal)))
        await this.turn.withPatience(() => this.openFile())
      while (this.open && !signal.aborted && batch.records.length < recordsMax) {
        if (this.run) {
          this.takeLines(this.open, this.run, batch)
          if (this.run) break
          if (this.open.runs.isEnded) await this.leave(this.open.runs.bytesRead)
        } else if (batch.records.length > 0 || batch.skipped > 0) break
        else if (await this.turn.begin(signal))
          await this.turn.withPatience(() => this.takeRun(this.open as OpenFile, batch))
      }
    } catch (error) {
      this.turn.end()
      await this.closeFile()
      this.leftAtSize = null
      throw fileError(error, this.path)
    }
    if (batch.records.length === 0 && this.run === null) this.turn.end()
    return {
      records: batch.records,
      next: this.position,
      bytesRead: this.position.offset - begin,
      ...(batch.skipped > 0 ? { skipped: batch.skipped } : {}),
      ...(this.state === 'done' ? { done: true } : {}),
    }
  }

  async close(): Promise<void> {
    this.state = 'closed'
    this.turn.close()
    await this.closeFile()
  }

  /** Whether to open the file: at first always, then when it has another size than when it was left. */
  private async hasNews(signal: AbortSignal): Promise<boolean> {
    if (this.leftAtSize === null) return true
    await this.context.clock.sleep(this.options.pollMs, signal).catch(() => {})
    if (signal.aborted || this.isClosed) return false
    const stat = await this.context.files.stat(this.path)
    // Between the two steps of a rotation nothing is there: what comes next is judged when it is.
    return stat !== null && stat.size !== this.leftAtSize
  }

  private async openFile(): Promise<void> {
    const { files, follow } = this.context
    const file = await files.open(this.path).catch((error) => {
      if (follow && systemCodeOf(error) === 'ENOENT') return null
      throw error
    })
    if (!file) return this.leave(nothingThere)
    try {
      await this.begin(file, await file.size())
    } finally {
      if (this.open?.file !== file) await file.close()
    }
  }

  /** Goes on where the position says, if this is the file that it speaks of. */
  private async begin(file: ReadableFile, size: number): Promise<void> {
    const { offset, hash, unended } = this.position
    const head = new HeadHash()
    head.update(await readFully(file, 0, Math.min(offset, headBytes)))
    if (size < offset || head.digest !== hash) return this.refuseReplaced(size)
    if (unended) {
      const added = await readFully(file, offset, 2)
      const lineEnd = lineEndLength(added)
      if (lineEnd === 0) {
        if (added.length > 0 && !isHalfLineEnd(added)) throw lineContinued(this.path, offset)
        return this.leave(size)
      }
      head.update(added.subarray(0, lineEnd))
      this.position = { offset: offset + lineEnd, hash: head.digest }
    }
    if (this.isClosed) return
    const { lineBytesMax, chunkBytes, turns } = this.options
    const from = this.position.offset
    const isBounded = !this.context.follow
    const runs = new LineRuns(file, { from, size, isBounded, lineBytesMax, chunkBytes, readsAhead: turns === null })
    if (runs.isEnded) return this.leave(size)
    this.open = { file, size, runs, head }
    this.state = 'open'
  }

  /** Gets the next run; whatever is not lines is dealt with at once. */
  private async takeRun(open: OpenFile, batch: Batch): Promise<void> {
    const { runs, head, size } = open
    const isBounded = !this.context.follow
    this.turn.chunk()
    const run = await runs.next()
    if (this.isClosed) return
    if (run.kind === 'lines') {
      this.run = { bytes: run.bytes, offset: run.offset, isValid: isUtf8(run.bytes), at: 0 }
    } else if (run.kind === 'too-long') {
      this.refuse(lineTooLong(this.path, run.offset, this.options.lineBytesMax))
      const { next, isComplete } = await runs.skipLine(run, (bytes) => head.update(bytes))
      if (isComplete || isBounded) {
        batch.skipped++
        this.position = { offset: next, hash: head.digest, ...(isComplete ? {} : { unended: true }) }
      }
      if (runs.isEnded) await this.leave(runs.bytesRead)
    } else if (isBounded && runs.bytesRead < size) {
      await this.refuseReplaced(runs.bytesRead)
    } else {
      if (isBounded && run.bytes.length > 0) this.takeRest(run.bytes, run.offset, head, batch)
      await this.leave(runs.bytesRead)
    }
  }

  /**
   * Hands out lines of the current run. Under `fail` it stops before a line that is refused: what stands before it was
   * handed out when the job fails.
   */
  private takeLines(open: OpenFile, run: CurrentRun, batch: Batch): void {
    const { bytes, isValid } = run
    const { records, recordsMax } = batch
    const { lineBytesMax } = this.options
    const begin = run.at
    let at = begin
    while (at < bytes.length && records.length < recordsMax) {
      const end = bytes.indexOf(newline, at)
      const value = bytes.subarray(at, end > at && bytes[end - 1] === carriageReturn ? end - 1 : end)
      if (value.length <= lineBytesMax && (isValid || isUtf8(value))) records.push({ key: null, value })
      else if (!this.take(value, run.offset + at, batch)) break
      at = end + 1
    }
    open.head.update(bytes.subarray(begin, at))
    this.position = { offset: run.offset + at, hash: open.head.digest }
    run.at = at
    if (at === bytes.length) this.run = null
  }

  /**
   * Takes the last line of a bounded file, which has no end. A `\r` behind it may be half of one: it is left in the
   * file, so that the line reads the same whether the `\n` is there now or comes later.
   */
  private takeRest(bytes: Buffer, offset: number, head: HeadHash, batch: Batch): void {
    const value = bytes.at(-1) === carriageReturn ? bytes.subarray(0, -1) : bytes
    this.take(value, offset, batch)
    head.update(value)
    this.position = { offset: offset + value.length, hash: head.digest, unended: true }
  }

  /** Adds one line to the batch, or does what the policy says. @returns false where that has to wait for the next read */
  private take(value: Buffer, offset: number, batch: Batch): boolean {
    const isTooLong = value.length > this.options.lineBytesMax
    if (!isTooLong && isUtf8(value)) {
      batch.records.push({ key: null, value })
      return true
    }
    if (this.options.invalid === 'fail' && batch.records.length > 0) return false
    const { lineBytesMax } = this.options
    this.refuse(isTooLong ? lineTooLong(this.path, offset, lineBytesMax) : notText(this.path, offset))
    batch.skipped++
    return true
  }

  private refuse(error: StreamError): void {
    if (this.options.invalid === 'fail') throw error
  }

  private async refuseReplaced(size: number): Promise<void> {
    const error = fileReplaced(this.path, this.position.offset, size)
    if (this.options.replaced === 'fail') throw error
    if (!this.hasWarned) this.context.logger.warn(`${error.message}; it is passed over, what was counted stays`)
    this.hasWarned = true
    await this.leave(size)
  }

  /** There is nothing more to take at this size: a bounded file is done, a followed one is looked at again. */
  private async leave(size: number): Promise<void> {
    await this.closeFile()
    this.leftAtSize = size
    if (!this.isClosed) this.state = this.context.follow ? 'idle' : 'done'
  }

  private async closeFile(): Promise<void> {
    const { open } = this
    this.open = null
    this.run = null
    if (this.state === 'open') this.state = 'idle'
    if (!open) return
    await open.runs.settled()
    await open.file.close()
  }

  private get isClosed(): boolean {
    return this.state === 'closed'
  }
}

/** Bytes at a position; fewer only at the end of the file. */
async function readFully(file: ReadableFile, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length)
  let count = 0
  while (count < length) {
    const read = await file.read(buffer.subarray(count), length - count, position + count)
    if (read === 0) break
    count += read
  }
  return buffer.subarray(0, count)
}

function lineEndLength(bytes: Buffer): number {
  if (bytes[0] === newline) return 1
  return bytes[0] === carriageReturn && bytes[1] === newline ? 2 : 0
}

function isHalfLineEnd(bytes: Buffer): boolean {
  return bytes.length === 1 && bytes[0] === carriageReturn
}
