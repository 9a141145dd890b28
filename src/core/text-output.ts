import { messageOf, StreamError, systemCodeOf } from './errors.ts'

/** Where text can be written: `process.stdout`, or any writable stream of Node. */
export interface TextStream {
  /** Calls `done` when the text has left the process, or with what prevented it. */
  write(text: string, done: (error?: Error | null) => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  off(event: 'error', listener: (error: Error) => void): unknown
}

/** What a stream says when nobody reads it any more: `head` has seen enough, the terminal is closed. */
const readerIsGone = ['EPIPE', 'ERR_STREAM_DESTROYED', 'ERR_STREAM_WRITE_AFTER_END', 'EOF']

/**
 * Text on its way out, for everything that shares a stream. Each write waits until it is out, which is the whole
 * back-pressure. When the reader goes, the rest is dropped quietly, as commands in a pipe do.
 */
export class TextOutput {
  private readonly stream: TextStream
  private users = 0
  private isGone = false

  constructor(stream: TextStream) {
    this.stream = stream
  }

  /** Takes errors that the stream raises beside a write: unheard, they would end the process. */
  use(): void {
    if (this.users++ === 0) this.stream.on('error', this.heard)
  }

  /** The opposite of {@link use}. */
  leave(): void {
    if (--this.users === 0) this.stream.off('error', this.heard)
  }

  /** @throws {StreamError} `SINK_FAILED` when the text cannot be written; the signal's reason when that aborts first */
  write(text: string, signal?: AbortSignal): Promise<void> {
    if (this.isGone || text === '') return Promise.resolve()
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const aborted = () => reject(signal?.reason)
      signal?.addEventListener('abort', aborted, { once: true })
      this.stream.write(text, (error) => {
        signal?.removeEventListener('abort', aborted)
        if (!error) return resolve()
        this.isGone = readerIsGone.includes(systemCodeOf(error) ?? '')
        if (this.isGone) resolve()
        else
          reject(
            new StreamError('SINK_FAILED', `the console takes no more output: ${messageOf(error)}`, { cause: error }),
          )
      })
    })
  }

  /** The write that caused the error is told by its callback. */
  private readonly heard = (error: Error): void => {
    if (readerIsGone.includes(systemCodeOf(error) ?? '')) this.isGone = true
  }
}
