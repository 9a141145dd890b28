/** One change of the broker's small facts; `value: null` removes the key. */
export interface FactChange {
  readonly key: string
  readonly value: string | null
}

/** One append-only file of a log. Its bytes mean nothing here: the log above it knows batches and offsets. */
export interface SegmentFile {
  /** Bytes written so far. */
  readonly sizeBytes: number
  /**
   * Writes the chunks at the end, in one call to the system where it allows. When the promise resolves the operating
   * system holds the bytes: they outlive this process, not yet the machine. The chunks are not touched until then.
   * Callers write one at a time.
   */
  append(chunks: readonly Uint8Array[]): Promise<void>
  /** Fills `target` from `position` on. @returns bytes read; fewer than asked only at the end of the file */
  read(position: number, target: Uint8Array): Promise<number>
  /** Cuts the file off at `sizeBytes`. */
  truncate(sizeBytes: number): Promise<void>
  /** When it resolves the disk holds what was appended before the call. */
  sync(): Promise<void>
  /** Frees the descriptor; a later read or append takes another. Idempotent. */
  close(): Promise<void>
}

/**
 * Port 5: where the embedded broker keeps its logs and its small facts. One process at a time holds one.
 *
 * A log is named by `<topic id>/<partition>` and consists of segment files, each named by its first offset. Facts are
 * read once, at the start, and written in atomic batches that take effect in the order of the calls: after a crash all
 * of a batch is there or nothing, and of unsynced batches a suffix may be missing, never one from the middle.
 *
 * @throws {StreamError} from every method: `DISK_FULL`, `DATA_DIRECTORY_UNUSABLE` or `BROKER_STORAGE_CORRUPT`; after a
 * failed write the broker stops serving writes, since it no longer knows what the disk holds
 */
export interface BrokerStorage {
  /** What it is called in messages: the directory, or `memory`. */
  readonly location: string
  /** All facts as they stand. */
  facts(): Promise<Map<string, string>>
  writeFacts(changes: readonly FactChange[], options?: { readonly sync?: boolean }): Promise<void>
  /** The names of all logs that have files. */
  logs(): Promise<readonly string[]>
  /** First offsets of a log's segment files, ascending; none for a log without files. */
  segments(log: string): Promise<readonly number[]>
  /** Opens a segment file, creating it empty where there is none. */
  openSegment(log: string, baseOffset: number): Promise<SegmentFile>
  /** Removes one segment file; reads that are under way may still succeed. Nothing there is fine. */
  removeSegment(log: string, baseOffset: number): Promise<void>
  /** Removes all files of a log. Nothing there is fine. */
  removeLog(log: string): Promise<void>
  /** Frees everything, the lock among it. Idempotent. */
  close(): Promise<void>
}
