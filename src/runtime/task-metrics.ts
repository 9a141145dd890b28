/** Running totals of one stream thread since its start. Plain numbers: read by whoever shows them. */
export interface ThreadMetrics {
  /** Records taken from any input in known commits: source lines, ingest, repartition and topic records alike. */
  recordsCommitted: number
  commits: number
  /** When the last commit was known, monotonic milliseconds. */
  lastCommitMs: number
  /** Records passed over by a decode or process policy. */
  skipped: number
  /** Records passed over because an operator has no use for them (null keys and values). */
  dropped: number
  /** Records applied while restoring. */
  restored: number
  /** Times that all uncommitted work was forgotten and done again. */
  resets: number
  rebalances: number
  /** Bytes that the sources have read, and that they know of. */
  sourceBytesRead: number
  sourceBytesTotal: number
}

/** All zero. */
export function newThreadMetrics(): ThreadMetrics {
  return {
    recordsCommitted: 0,
    commits: 0,
    lastCommitMs: 0,
    skipped: 0,
    dropped: 0,
    restored: 0,
    resets: 0,
    rebalances: 0,
    sourceBytesRead: 0,
    sourceBytesTotal: 0,
  }
}
