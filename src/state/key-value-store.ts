import type { AnySerde } from '../serde/serde.ts'
import { type BinaryKey, binaryKeyOf, encodeRow, rowTimestamp, rowValue, userKey, userPrefix } from './row-format.ts'
import type { Mutation, StateBackend } from './state-backend.ts'

/** A key's state within the open transaction. The store alone writes to it. */
export interface Row {
  readonly key: BinaryKey
  /** The key as the store and its changelog write it. */
  readonly storeKey: Buffer
  /** Undefined where the key has no row. A mutable value may be changed by user code while the transaction lasts. */
  value: unknown
  /** Epoch milliseconds: the greatest of the records that made the value (R4). */
  timestamp: number
}

class CachedRow implements Row {
  readonly key: BinaryKey
  value: unknown
  timestamp: number
  /** The committed bytes of a mutable value, from which each transaction decodes its own (X6). */
  bytes: Uint8Array | null
  /** The transaction in which it was last handed out. */
  touched = 0
  isDirty = false

  private encodedKey: Buffer | null = null

  constructor(key: BinaryKey, value: unknown, timestamp: number, bytes: Uint8Array | null) {
    this.key = key
    this.value = value
    this.timestamp = timestamp
    this.bytes = bytes
  }

  /** Made when the row first changes, and kept with it: rows that change once change again. */
  get storeKey(): Buffer {
    this.encodedKey ??= userKey(this.key)
    return this.encodedKey
  }
}

/**
 * One changed row of a commit, as the backend writes it: its time, then its value bytes (row-format.ts). The changelog
 * takes the value bytes out of it, so that a row is written once.
 */
export interface RowChange extends Mutation {
  readonly key: Buffer
  /** Null for a delete. */
  readonly value: Buffer | null
  readonly timestamp: number
}

/** Limits of a store's memory, in serialised bytes. */
export interface StoreLimits {
  /** Committed rows kept decoded. */
  readonly cacheBytes: number
  /** Changed rows of the open transaction; beyond it the task commits early. */
  readonly overlayBytes: number
}

const rowOverheadBytes = 120

/**
 * A key-value store of one task: rows in memory over a backend that only ever holds what was committed.
 *
 * Reads and writes are synchronous (X11). What a transaction changes stays in memory until it is committed: `cut`
 * freezes it as bytes, the caller writes those to the changelog and after the commit to the backend. `reset` forgets
 * every row, so that an aborted value is never seen again (X6). The rows of the open transaction and the cache of
 * committed ones share one map, so a record costs one look-up; the cache is two generations, the older dropped whole.
 */
export class KeyValueStore {
  readonly name: string
  private readonly backend: StateBackend
  private readonly value: AnySerde
  private readonly isImmutable: boolean
  private readonly limits: StoreLimits
  private young = new Map<BinaryKey, CachedRow>()
  private old = new Map<BinaryKey, CachedRow>()
  private youngBytes = 0
  private dirty: CachedRow[] = []
  private dirtyBytes = 0
  private transaction = 1

  constructor(name: string, backend: StateBackend, value: AnySerde, limits: StoreLimits) {
    this.name = name
    this.backend = backend
    this.value = value
    this.isImmutable = value.immutable === true
    this.limits = limits
  }

  /** Whether a fold may be given the row's value without its being an effect: it cannot change it in place. */
  get hasImmutableValues(): boolean {
    return this.isImmutable
  }

  /** The row of a key, read from the backend when memory does not have it. */
  row(key: BinaryKey): Row {
    const row = this.young.get(key) ?? this.load(key)
    if (row.touched !== this.transaction) {
      row.touched = this.transaction
      if (row.bytes !== null) row.value = this.value.deserialize(row.bytes)
    }
    return row
  }

  private load(key: BinaryKey): CachedRow {
    let row = this.old.get(key)
    if (row) this.old.delete(key)
    else {
      const stored = this.backend.getSync(userKey(key))
      if (stored === undefined) row = new CachedRow(key, undefined, Number.NEGATIVE_INFINITY, null)
      else if (this.isImmutable)
        row = new CachedRow(key, this.value.deserialize(rowValue(stored)), rowTimestamp(stored), null)
      else row = new CachedRow(key, undefined, rowTimestamp(stored), rowValue(stored))
    }
    this.young.set(key, row)
    this.youngBytes += rowOverheadBytes + key.length + (row.bytes?.length ?? 0)
    return row
  }

  /** Gives a row of this transaction another value. `value` undefined deletes the row. */
  put(row: Row, value: unknown, timestamp: number): void {
    row.value = value
    row.timestamp = timestamp
    const cached = row as CachedRow
    if (cached.isDirty) return
    cached.isDirty = true
    this.dirty.push(cached)
    this.dirtyBytes += rowOverheadBytes + cached.key.length
  }

  /** A changed row as it is now, in bytes that later changes leave alone. @throws what the value serde throws */
  encoded(row: Row): Buffer {
    return encodeRow(row.timestamp, this.value.serialize(row.value))
  }

  /** A value of its own that equals the given one. @throws what the value serde throws */
  copyOf(value: unknown): unknown {
    return this.value.deserialize(this.value.serialize(value))
  }

  /** Whether so much has changed that the task should commit before its interval is over. */
  get isFull(): boolean {
    return this.dirtyBytes > this.limits.overlayBytes
  }

  /**
   * Freezes what the transaction changed, as bytes, each row once, in the order of their first change. Rows stay readable; the next change begins a new transaction.
   * @throws what the value serde throws
   */
  cut(): RowChange[] {
    const changes: RowChange[] = []
    for (const row of this.dirty) {
      row.isDirty = false
      const value = row.value === undefined ? null : this.encoded(row)
      if (!this.isImmutable) {
        row.bytes = value && rowValue(value)
        row.value = undefined
        this.youngBytes += value?.length ?? 0
      }
      changes.push({ key: row.storeKey, value, timestamp: row.timestamp })
    }
    this.dirty = []
    this.dirtyBytes = 0
    this.transaction++
    if (this.youngBytes > this.limits.cacheBytes / 2) {
      this.old = this.young
      this.young = new Map()
      this.youngBytes = 0
    }
    return changes
  }

  /** Forgets all rows in memory: the transaction failed, and what is true is in the backend. */
  reset(): void {
    this.young = new Map()
    this.old = new Map()
    this.youngBytes = 0
    this.dirty = []
    this.dirtyBytes = 0
    this.transaction++
  }

  /** The committed value of a key: a copy, decoded anew (X6). Undefined where there is none. */
  committed(key: BinaryKey): unknown {
    const stored = this.backend.getSync(userKey(key))
    return stored === undefined ? undefined : this.value.deserialize(rowValue(stored))
  }

  /** All committed rows in the byte order of their keys, as they were when the iteration began. */
  async *committedRows(): AsyncIterable<readonly [key: Buffer, value: unknown]> {
    for await (const [key, row] of this.backend.iterate({
      from: Buffer.of(userPrefix),
      to: Buffer.of(userPrefix + 1),
    })) {
      yield [Buffer.from(binaryKeyOf(key), 'latin1'), this.value.deserialize(rowValue(row))]
    }
  }
}
