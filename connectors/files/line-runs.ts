import { Buffer } from 'node:buffer'
import type { ReadableFile } from '../../src/connector/index.ts'

/** What comes next in a file. `bytes` begin at byte `offset` of it and belong to the caller. */
export type LineRun =
  /** Whole lines, each with its end. */
  | { readonly kind: 'lines'; readonly bytes: Buffer; readonly offset: number }
  /** The beginning of a line that is longer than any may be. `skipLine` passes it over. */
  | { readonly kind: 'too-long'; readonly bytes: Buffer; readonly offset: number }
  /** What stands behind the last line end; often nothing. There is no more. */
  | { readonly kind: 'rest'; readonly bytes: Buffer; readonly offset: number }

/** From where to where a file is read. */
export interface LineRunsOptions {
  /** The beginning of a line. */
  readonly from: number
  /** The size of the file when it was opened. */
  readonly size: number
  /** Whether that size is the end. A line that straddles it is read to its own end. */
  readonly isBounded: boolean
  /** Bytes of a line without its end; a longer one is not collected. */
  readonly lineBytesMax: number
  /** Bytes read at a time. */
  readonly chunkBytes: number
  /** Whether the next chunk is read while one is worked on. */
  readonly readsAhead: boolean
}

const newline = 10
const noBytes = Buffer.alloc(0)

/** Read at first where the size says that nothing is there, yet something may be. */
const probeBytesMin = 4096

interface Chunk {
  readonly bytes: Buffer
  readonly isEnd: boolean
}

/**
 * Reads a file as runs of whole lines, in chunks of which the next may be read while the last is worked on.
 *
 * Each chunk has a buffer of its own, which begins with the line that the chunk before left unfinished: so lines lie in
 * one piece, no buffer is written again after it was handed out, and memory is two chunks whatever the file's size.
 */
export class LineRuns {
  private readonly file: ReadableFile
  private readonly options: LineRunsOptions
  /** The byte of the file behind those that were read. */
  private position: number
  private ahead: Promise<Chunk> | null
  /** What the last chunk left of a line, where nothing is read ahead. */
  private unfinished: Buffer = noBytes
  private hasEnded = false
  private probeBytes = probeBytesMin

  constructor(file: ReadableFile, options: LineRunsOptions) {
    this.file = file
    this.options = options
    this.position = options.from
    this.ahead = null
    if (options.isBounded && options.from >= options.size) this.hasEnded = true
    else this.goOn(noBytes)
  }

  /** Whether the end is known to be reached: `next` would say so without reading. */
  get isEnded(): boolean {
    return this.hasEnded
  }

  /** The byte up to which the file was read; less than its size only where it became shorter meanwhile. */
  get bytesRead(): number {
    return this.position
  }

  /** @throws what the file system says */
  async next(): Promise<LineRun> {
    this.ahead ??= this.fill(this.unfinished)
    const chunk = await this.ahead
    this.ahead = null
    this.unfinished = noBytes
    return this.cut(this.hasEnded ? { bytes: noBytes, isEnd: true } : chunk)
  }

  private async cut(first: Chunk): Promise<LineRun> {
    for (let { bytes, isEnd } = first; ; { bytes, isEnd } = await this.fill(bytes)) {
      const offset = this.position - bytes.length
      if (isEnd) {
        this.hasEnded = true
        return { kind: 'rest', bytes, offset }
      }
      const end = this.lineEnd(bytes)
      if (end > 0) {
        this.continueAt(bytes, end)
        return { kind: 'lines', bytes: bytes.subarray(0, end), offset }
      }
      if (bytes.length > this.options.lineBytesMax + 1) return { kind: 'too-long', bytes, offset }
    }
  }

  /**
   * Passes over the rest of a line that is too long. Call it with the run that said so.
   *
   * @param see is given the line's bytes, piece by piece, with its end
   * @returns the byte behind the line, and whether the line had an end
   */
  async skipLine(run: LineRun, see: (bytes: Buffer) => void): Promise<{ next: number; isComplete: boolean }> {
    for (
      let { bytes, isEnd }: Chunk = { bytes: run.bytes, isEnd: false };
      ;
      { bytes, isEnd } = await this.fill(noBytes)
    ) {
      if (isEnd) {
        this.hasEnded = true
        return { next: this.position, isComplete: false }
      }
      const end = bytes.indexOf(newline) + 1
      see(end > 0 ? bytes.subarray(0, end) : bytes)
      if (end === 0) continue
      const next = this.position - bytes.length + end
      if (this.isPastEnd(next)) this.hasEnded = true
      else this.ahead = Promise.resolve({ bytes: bytes.subarray(end), isEnd: false })
      return { next, isComplete: true }
    }
  }

  /** Resolves when no read is under way, so that the file can be closed. */
  async settled(): Promise<void> {
    await this.ahead?.catch(() => {})
    this.ahead = null
    this.hasEnded = true
  }

  /** No chunk crosses the fixed end, so beyond it lies only the rest of the line that straddles it, then others. */
  private lineEnd(bytes: Buffer): number {
    const isBeyondEnd = this.options.isBounded && this.position > this.options.size
    return (isBeyondEnd ? bytes.indexOf(newline) : bytes.lastIndexOf(newline)) + 1
  }

  private continueAt(bytes: Buffer, end: number): void {
    if (this.isPastEnd(this.position - bytes.length + end)) this.hasEnded = true
    else this.goOn(bytes.subarray(end))
  }

  private isPastEnd(offset: number): boolean {
    return this.options.isBounded && offset >= this.options.size
  }

  private goOn(unfinished: Buffer): void {
    if (!this.options.readsAhead) {
      // A copy: the part of a chunk would keep it whole.
      this.unfinished = Buffer.from(unfinished)
      return
    }
    this.ahead = this.fill(unfinished)
    // Whoever asks for the chunk gets the error; nobody may.
    this.ahead.catch(() => {})
  }

  private async fill(unfinished: Buffer): Promise<Chunk> {
    const { size, chunkBytes } = this.options
    const left = size - this.position
    const length = Math.min(left > 0 ? left : this.probeBytes, chunkBytes)
    const buffer = Buffer.allocUnsafe(unfinished.length + length)
    buffer.set(unfinished)
    const count = await this.file.read(buffer.subarray(unfinished.length), length, this.position)
    this.position += count
    // It grows faster than we look: take larger bites.
    if (left <= 0 && count === length) this.probeBytes *= 4
    return { bytes: buffer.subarray(0, unfinished.length + count), isEnd: count === 0 }
  }
}
