import { messageOf } from '../core/errors.ts'
import { partitionKey, type TopicPartition } from '../core/topic-partition.ts'
import type { ThreadContext } from './thread-context.ts'

const askEveryMs = 100

/**
 * How far a source is ahead of those who read its ingest partition, in bytes; beyond the limit it stops reading (X16).
 *
 * The readers may be in another process, so their committed offset is asked for, but only when it matters.
 */
export class IngestAhead {
  private readonly thread: ThreadContext
  private readonly at: TopicPartition
  /** Bytes of each commit with the offset behind it, oldest first. */
  private readonly commits: { readonly end: number; readonly bytes: number }[] = []
  private bytes = 0
  private bytesSinceCut = 0
  private askedMs = Number.NEGATIVE_INFINITY
  private asking = false

  constructor(thread: ThreadContext, at: TopicPartition) {
    this.thread = thread
    this.at = at
  }

  appended(bytes: number): void {
    this.bytes += bytes
    this.bytesSinceCut += bytes
  }

  /** What was appended is about to be committed. @returns bytes since the last cut */
  cut(): number {
    const bytes = this.bytesSinceCut
    this.bytesSinceCut = 0
    return bytes
  }

  /** So many bytes are committed, up to this offset. */
  committed(bytes: number, end: number): void {
    if (bytes > 0) this.commits.push({ end, bytes })
  }

  /** Whether the source should wait for its readers. Asks where they are, without waiting for the answer. */
  get isTooFar(): boolean {
    const limit = this.thread.ingestAheadBytes
    if (this.bytes > limit / 2) this.ask()
    return this.bytes > limit
  }

  private ask(): void {
    const { clock, logger } = this.thread.app.ports
    const now = clock.monotonicMs()
    if (this.asking || now - this.askedMs < askEveryMs || this.commits.length === 0) return
    this.asking = true
    this.askedMs = now
    const { admin, appId } = this.thread.app
    admin
      .committedOffsets(appId, [this.at], false, 'group')
      .then((found) => {
        const consumed = found.get(partitionKey(this.at.topic, this.at.partition))
        if (consumed && consumed !== 'unstable') this.passed(consumed.offset)
      })
      .catch((error: unknown) =>
        logger.debug('the readers of an ingest topic could not be asked for', { reason: messageOf(error) }),
      )
      .finally(() => {
        this.asking = false
        if (this.bytes > this.thread.ingestAheadBytes / 2) clock.timer(askEveryMs, () => this.thread.wake())
        this.thread.wake()
      })
  }

  private passed(offset: number): void {
    while (this.commits.length > 0 && (this.commits[0]?.end ?? 0) <= offset) {
      this.bytes -= this.commits.shift()?.bytes ?? 0
    }
  }
}
