import type { RowNumber, RowTable } from './row-table.ts'
import { bufferBytes, sizeOf } from './value-size.ts'

/** Every so many changes a mutable value is looked at; after one of so many bytes, each change pays for 2^shift of them. */
const looks = { every: 16, shift: 10 } as const

/**
 * What rows take with values that they are about to get. Nothing says how much a value that was changed in place has grown: it
 * is looked at now and then, a large one less often.
 */
export class ChangedSizes {
  /** Changes of mutable rows until the size of one is looked at again. */
  private changesToLook = 0

  /** Bytes of a row with this value, and with the committed bytes of a mutable one. */
  of(table: RowTable, row: RowNumber, value: unknown): number {
    const isInPlace = typeof value === 'object' && value === table.values[row]
    if (isInPlace && --this.changesToLook > 0) return table.valueBytes(row)
    const bytes = sizeOf(value)
    if (isInPlace) this.changesToLook = Math.max(looks.every, bytes >>> looks.shift)
    const committed = table.committed?.[row]
    return committed ? bytes + bufferBytes + committed.length : bytes
  }
}
