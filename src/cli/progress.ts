import type { JobProgress } from '../job/job.ts'

/** How often lines say how many records are committed, where nobody watches a terminal. Milliseconds. */
export const progressLineMs = 250

const barWidth = 24

/** The line of a pipe: grows with each commit, and says nothing else. */
export function committedLine(progress: Pick<JobProgress, 'recordsCommitted'>): string {
  return `committed ${progress.recordsCommitted} records`
}

/**
 * The line of a terminal: bytes read of all, records a second since the last line, age of the last commit.
 *
 * @param columns of the terminal: the line never wraps
 */
export function progressBar(
  now: JobProgress,
  before: Pick<JobProgress, 'recordsCommitted' | 'atMs'>,
  atMs: number,
  columns: number,
): string {
  const seconds = Math.max((atMs - before.atMs) / 1000, 0.001)
  const rate = Math.round((now.recordsCommitted - before.recordsCommitted) / seconds)
  const share = now.sourceBytesTotal > 0 ? Math.min(1, now.sourceBytesRead / now.sourceBytesTotal) : 0
  const filled = Math.round(share * barWidth)
  const parts = [
    `[${'#'.repeat(filled)}${'.'.repeat(barWidth - filled)}]`,
    now.sourceBytesTotal > 0 ? `${megabytes(now.sourceBytesRead)} of ${megabytes(now.sourceBytesTotal)} MB` : '',
    `${now.recordsCommitted.toLocaleString('en')} records`,
    `${rate.toLocaleString('en')}/s`,
    now.commits > 0 ? `committed ${((atMs - now.lastCommitMs) / 1000).toFixed(1)} s ago` : '',
  ]
  return parts
    .filter((part) => part !== '')
    .join('  ')
    .slice(0, Math.max(columns - 1, 20))
}

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1)
