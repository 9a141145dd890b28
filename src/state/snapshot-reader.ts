import type { KeyRange } from './scan-range.ts'
import type { StateBackend } from './state-backend.ts'

type Entry = readonly [key: Buffer, row: Uint8Array]

/** Reads ranges of a backend's snapshots one entry at a time, with a look at the next. */
export class SnapshotReader {
  private readonly backend: StateBackend
  private entries: AsyncIterator<readonly [Uint8Array, Uint8Array]> | null = null
  /** Undefined where it has not been read. */
  private read: Entry | null | undefined

  constructor(backend: StateBackend) {
    this.backend = backend
  }

  /** Lets go of a snapshot, and takes one that is no older than this call, for what is left of a range. */
  async begin(range: KeyRange): Promise<void> {
    await this.close()
    this.entries = this.backend.iterate(range)[Symbol.asyncIterator]()
  }

  /** The entry in front; null at the end. */
  async head(): Promise<Entry | null> {
    if (this.read === undefined) {
      const next = await this.entries?.next()
      this.read = next === undefined || next.done === true ? null : [bufferOf(next.value[0]), next.value[1]]
    }
    return this.read
  }

  /** Goes on behind the entry in front. */
  take(): void {
    this.read = undefined
  }

  /** Lets go of the snapshot. Idempotent. */
  async close(): Promise<void> {
    const { entries } = this
    this.entries = null
    this.read = undefined
    await entries?.return?.()
  }
}

const bufferOf = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
