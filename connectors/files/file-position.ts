/**
 * How far a file has been read, and by what it is known again (X16). Stored as JSON with each commit.
 */
export type FilePosition = {
  /** Bytes taken: where the next line begins. */
  readonly offset: number
  /** The hash of the first min(offset, 4096) bytes. */
  readonly hash: string
  /** The last line that was taken had no end: what is added to the file must begin with one. */
  readonly unended?: true
}
