import type { CacheHolder, MemoryBudget } from '../core/memory-budget.ts'
import { RowChanges } from './row-changes.ts'
import type { RowNumber, RowTable } from './row-table.ts'

/**
 * A changed row is there in its table, and from the cut on as what the backend and the changelog get: an object and two
 * buffers, which take more than the row. Counted three times, a count over 2 million keys held 50 MB more than at six.
 */
const changeForms = 6

/**
 * The rows of a store in memory: those that the open generation changed, and committed ones for as long as the memory
 * budget of the process has room. Two tables, of which the older is dropped whole.
 */
export class RowCache implements CacheHolder {
  /** Rows that were asked for since the last turn, with all that the open generation changed. */
  young: RowTable
  /** What the last cut froze, whose room the next one uses. */
  changes = new RowChanges()
  private old: RowTable
  private readonly makeTable: () => RowTable
  private readonly memory: MemoryBudget
  private readonly leaveMemory: () => void
  /** The table with the rows of the generation in flight: the backend does not have them yet. */
  private unwritten: RowTable | null = null
  /** Bytes in tables of these rows, and of those that the open generation changed. */
  private unwrittenBytes = 0
  private dirtyBytes = 0
  /** Bytes of room for changes that no commit needs now; noted, since rows are added one by one. */
  private keptBytes = 0
  /** Bytes of all others, as the budget was told. */
  private cachedBytes = 0

  /** @param backendBytes what the backend of the rows holds beside them */
  constructor(memory: MemoryBudget, backendBytes: number, makeTable: () => RowTable) {
    this.memory = memory
    this.makeTable = makeTable
    this.young = makeTable()
    this.old = this.young
    this.leaveMemory = memory.addCache(this, backendBytes)
  }

  /** Copies the row of a key that the young table does not have from the old one. @returns -1 when it has none either */
  known(key: Uint8Array, start: number, length: number): RowNumber {
    const { young, old } = this
    const known = old.find(key, start, length)
    if (known < 0) return -1
    const row = young.add(key, start, length, old.values[known], old.timestamp(known), old.committed?.[known] ?? null)
    young.setValueBytes(row, old.valueBytes(known))
    young.setExpiry(row, old.expiry(known))
    return row
  }

  /** Rows that the open generation changed take so many more bytes in their table; fewer where it is negative. */
  changed(bytes: number): void {
    this.dirtyBytes += bytes
    this.memory.changed(changeForms * bytes)
  }

  /** Rows were added. */
  added(): void {
    const { young, old } = this
    const tables = young.bytes + (old === young ? 0 : old.bytes)
    const cached = this.keptBytes + Math.max(0, tables - this.dirtyBytes - this.unwrittenBytes)
    this.memory.cached(cached - this.cachedBytes)
    this.cachedBytes = cached
  }

  /** The open generation is frozen, and a new one begins. What the last cut froze is written by now. */
  cut(): void {
    const { young, dirtyBytes } = this
    this.settle()
    this.unwritten = dirtyBytes > 0 ? young : null
    if (dirtyBytes > 0) this.keptBytes = 0
    this.unwrittenBytes = dirtyBytes
    this.dirtyBytes = 0
    this.added()
    // Half of what there is room for: when the old table goes, half of the rows are still here.
    if (young.bytes > this.memory.shareOf(this.cachedBytes) / 2) {
      this.old = young
      this.young = this.makeTable()
      this.added()
    }
    this.memory.trim()
  }

  /** The backend has what the last cut froze. */
  written(): void {
    this.settle()
    this.added()
    this.memory.trim()
  }

  private settle(): void {
    this.memory.changed(-changeForms * this.unwrittenBytes)
    this.unwritten = null
    this.unwrittenBytes = 0
    this.keptBytes = this.changes.keptBytes
  }

  get sheddableBytes(): number {
    return this.sheddable?.bytes ?? this.keptBytes
  }

  shed(): void {
    const { sheddable } = this
    // What is frozen may still be looked at, so it is left as it is.
    if (sheddable === null) {
      this.changes = new RowChanges()
      this.keptBytes = 0
    }
    if (sheddable === this.young) this.young = this.makeTable()
    if (sheddable === this.old) this.old = this.young
    this.added()
  }

  /** The old table first. What the backend lacks is read from here, and the open generation holds numbers of its rows. */
  private get sheddable(): RowTable | null {
    const { young, old, unwritten } = this
    if (old !== young && old !== unwritten && old.size > 0) return old
    return young !== unwritten && this.dirtyBytes === 0 && young.size > 0 ? young : null
  }

  /** Forgets all rows. */
  reset(): void {
    this.changes = new RowChanges()
    this.young = this.makeTable()
    this.old = this.young
    this.settle()
    this.changed(-this.dirtyBytes)
    this.added()
  }

  /** Forgets all rows and leaves the memory budget. Idempotent. */
  close(): void {
    this.reset()
    this.leaveMemory()
  }
}
