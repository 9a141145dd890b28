/**
 * When rows of a table expire: epoch milliseconds by the row's number, in pages that are there only for rows that have an
 * expiry. A table makes one with its first such row.
 */
export class RowExpiries {
  private readonly pages: (Float64Array | undefined)[] = []
  /** Bytes of all pages. */
  bytes = 0

  /** Null for never. */
  get(row: number): number | null {
    const expiry = this.pages[row >>> page.bits]?.[row & page.mask] ?? never
    return expiry === never ? null : expiry
  }

  set(row: number, expiry: number | null): void {
    const at = row >>> page.bits
    let found = this.pages[at]
    if (found === undefined) {
      if (expiry === null) return
      found = new Float64Array(page.rows).fill(never)
      this.pages[at] = found
      this.bytes += found.byteLength
    }
    found[row & page.mask] = expiry ?? never
  }
}

const never = Number.POSITIVE_INFINITY

const page = { bits: 10, rows: 1024, mask: 1023 } as const
