import { StreamError } from '../core/errors.ts'
import type { AnySerde } from '../serde/serde.ts'
import type { ChangedRows } from './changed-keys.ts'
import { Generation, type ReadRow, type RowContent } from './generation.ts'
import type { RowChanges } from './row-changes.ts'
import { decodeRow } from './row-format.ts'
import { behind, keyRange, type ScanRange } from './scan-range.ts'
import { SnapshotReader } from './snapshot-reader.ts'
import type { StateBackend } from './state-backend.ts'

/** A row as a scan gives it. */
export interface ScannedRow extends RowContent {
  /** The key bytes, a copy. */
  readonly key: Buffer
}

/** What scans read. */
export interface ScanOptions {
  readonly backend: StateBackend
  /** The first byte of the store keys. */
  readonly prefix: number
  readonly value: AnySerde
  /** What the rows are, as messages name it. */
  readonly place: string
  /** The rows that the open generation has changed, whichever it is. */
  readonly open: ChangedRows
  readonly readOpen: ReadRow
}

/**
 * Rows between two trips to the backend. A loop over what is in memory lets no timer fire, so the snapshot is exchanged then,
 * whether or not there is a newer one.
 */
const rowsPerTrip = 1000

/**
 * Scans over rows: asynchronous merges of the generations over a snapshot of the backend, in byte order of the keys.
 *
 * A scan gives each row as it is when its turn comes: the youngest generation that has it decides, then the snapshot. So puts
 * ahead of it are seen and those behind it are not; no key comes twice, and none is left out that is there all the time. For a
 * unit whose task takes no other meanwhile that is the state as the scan began, with the unit's own puts.
 *
 * It is valid across cuts and commits: once a generation was written, so that memory need not keep it, the scan goes on over
 * a new snapshot. It holds an index over changed keys and what one trip to the backend brings, no copy of rows.
 */
export class RowScans {
  private readonly options: ScanOptions
  /** Null while nobody has scanned them. */
  private open: Generation | null = null
  private inFlight: Generation | null = null
  private frozen: { readonly rows: ChangedRows; readonly read: ReadRow } | null = null
  /** Generations that were written, and times at which all was forgotten. */
  private writes = 0
  private resets = 0

  constructor(options: ScanOptions) {
    this.options = options
  }

  /** The open generation is frozen: its rows, in the same order, are those that `changes` has from `base` on. */
  cut(changes: RowChanges, base: number): void {
    const rows = { columns: changes, length: changes.length - base, rowOf: (position: number) => base + position }
    const read: ReadRow = (row) => {
      const stored = changes.storedRow(row)
      return stored && this.decoded(stored)
    }
    this.frozen = { rows, read }
    this.open?.freeze(rows, read)
    this.inFlight = this.open
    this.open = null
  }

  /** The backend has what was frozen. */
  written(): void {
    this.frozen = null
    this.inFlight = null
    this.writes++
  }

  /** All is forgotten: scans end. */
  reset(): void {
    this.open = null
    this.frozen = null
    this.inFlight = null
    this.resets++
  }

  /**
   * Rows as the open generation and what is below it have them. Ending the loop early frees the snapshot.
   * @throws {StreamError} `ILLEGAL_STATE` when the store is reset or closed meanwhile: the attempt was given up. `STORE_CORRUPT`
   */
  async *scan(range: ScanRange): AsyncGenerator<ScannedRow> {
    const { resets } = this
    const snapshot = new SnapshotReader(this.options.backend)
    let rest = keyRange(this.options.prefix, range)
    let writes = -1
    let sinceTrip = 0
    try {
      for (;;) {
        if (writes !== this.writes || sinceTrip === rowsPerTrip) {
          // Noted before the snapshot is taken: one that has more than it is thought to have does no harm.
          writes = this.writes
          sinceTrip = 0
          await snapshot.begin(rest)
        }
        const stored = await this.headOf(snapshot, resets)
        if (writes !== this.writes) continue
        let key = stored?.[0] ?? null
        let read = (): RowContent | null => stored && this.decoded(stored[1])
        // The youngest last: it decides.
        for (const generation of this.generations()) {
          const position = generation.next(rest)
          if (position < 0) continue
          const order = key === null ? 0 : generation.compareTo(position, key)
          if (rest.reverse ? order < 0 : order > 0) continue
          key = generation.keyAt(position)
          read = () => generation.rowAt(position)
        }
        if (key === null) return
        if (stored?.[0].equals(key)) snapshot.take()
        rest = behind(key, rest)
        sinceTrip++
        const content = read()
        if (content !== null) yield rowOf(key, content)
      }
    } finally {
      await snapshot.close()
    }
  }

  /** Committed rows as they were when the iteration began, in byte order of their keys. @throws {StreamError} `STORE_CORRUPT` */
  async *committed(range: ScanRange): AsyncGenerator<ScannedRow> {
    const { backend, prefix } = this.options
    for await (const [key, row] of backend.iterate(keyRange(prefix, range))) yield rowOf(key, this.decoded(row))
  }

  private async headOf(snapshot: SnapshotReader, resets: number): ReturnType<SnapshotReader['head']> {
    try {
      return await snapshot.head()
    } finally {
      // What a closed backend says comes of it.
      if (resets !== this.resets) this.giveUp()
    }
  }

  private giveUp(): never {
    throw new StreamError(
      'ILLEGAL_STATE',
      `${this.options.place} was reset or closed while it was scanned: the attempt that scanned it was given up`,
    )
  }

  private generations(): readonly Generation[] {
    const { options, frozen } = this
    this.open ??= new Generation(options.open, options.readOpen)
    if (frozen === null) return [this.open]
    this.inFlight ??= new Generation(frozen.rows, frozen.read)
    return [this.inFlight, this.open]
  }

  private decoded(row: Uint8Array): RowContent {
    const { value, timestamp, expiry } = decodeRow(row, this.options.backend.path)
    return { value: this.options.value.deserialize(value), timestamp, expiry }
  }
}

function rowOf(storeKey: Uint8Array, { value, timestamp, expiry }: RowContent): ScannedRow {
  return { key: Buffer.from(storeKey.subarray(1)), value, timestamp, expiry }
}
