/** One change of a batch: `value: null` deletes the key. */
export interface Mutation {
  readonly key: Uint8Array
  readonly value: Uint8Array | null
}

/** Bounds of an iteration in byte order; both optional. */
export interface Range {
  /** Included. */
  readonly from?: Uint8Array
  /** Excluded. */
  readonly to?: Uint8Array
  /** Greatest key first. Default false. */
  readonly reverse?: boolean
}

/**
 * Port 4: an ordered map from bytes to bytes on disk, open in one process at a time.
 *
 * Keys are ordered by unsigned byte comparison. A batch is atomic: after a crash all of it is there or nothing, and of
 * unsynced batches a suffix may be missing, never one from the middle. LevelDB is the shipped form, memory the other.
 */
export interface StateBackend {
  /** Where it is, for what is wrong with it. */
  readonly path: string
  /** Bytes that it holds in memory at the most, whatever is in it. */
  readonly memoryBytes: number
  /** Reads without waiting: the hot path holds no promise (X11). The result is the caller's. */
  getSync(key: Uint8Array): Uint8Array | undefined
  /**
   * Writes atomically what the mutations are until it resolves. They are asked for one by one, and the bytes of one may be
   * others when the next is asked for. `sync` waits until the disk has it, else the operating system
   * holds it.
   */
  batch(mutations: Iterable<Mutation>, options?: { readonly sync?: boolean }): Promise<void>
  /**
   * Entries in byte order, or against it, of a snapshot: the state as it was when the first was asked for, whatever is written
   * meanwhile. Ending the loop early frees the snapshot, and a close of the backend ends the loop by its refusal.
   */
  iterate(range?: Range): AsyncIterable<readonly [key: Uint8Array, value: Uint8Array]>
  /** Idempotent. */
  close(): Promise<void>
}

/**
 * Opens backends by path.
 *
 * @throws {StreamError} `DATA_DIRECTORY_LOCKED` when another holder has it, `STORE_CORRUPT` when it cannot be read,
 * `DISK_FULL` and `DATA_DIRECTORY_UNUSABLE` as the system says
 */
export interface StateBackends {
  /** @param memoryBytes what it should keep to where it holds anything in memory; a backend may need more */
  open(path: string, memoryBytes?: number): Promise<StateBackend>
  /** Moves a closed backend to another path, where nothing is; nothing at the old one is fine. */
  move(from: string, to: string): Promise<void>
  /** Removes all of a closed backend; nothing there is fine. */
  destroy(path: string): Promise<void>
}
