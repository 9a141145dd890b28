/** What a file or folder is. */
export interface FileStat {
  readonly kind: 'file' | 'directory' | 'other'
  /** Bytes; 0 for folders. */
  readonly size: number
}

/** A file open for reading at any position. */
export interface ReadableFile {
  /**
   * Reads up to `length` bytes at `position` into `target` from its start.
   * @returns bytes read; fewer than asked only at the end of the file, 0 past it
   */
  read(target: Uint8Array, length: number, position: number): Promise<number>
  /** The size now, in bytes. */
  size(): Promise<number>
  close(): Promise<void>
}

/**
 * Port 6: files that are read by connectors, the manifest and the instance id.
 *
 * Errors are Node's own (`ENOENT`, `EACCES`, `ENOSPC`...) in `code`; callers turn them into named ones.
 */
export interface FileSystem {
  /** @returns null when nothing is there. */
  stat(path: string): Promise<FileStat | null>
  /** Names in a folder with what they are, sorted by name. */
  list(path: string): Promise<readonly { readonly name: string; readonly kind: FileStat['kind'] }[]>
  open(path: string): Promise<ReadableFile>
  readText(path: string): Promise<string>
  /** Replaces the file atomically: temporary name, sync, rename. */
  writeText(path: string, text: string): Promise<void>
  /** Creates the folder and its parents; an existing one is fine. */
  makeDirectory(path: string): Promise<void>
  /** Moves a file or folder. */
  rename(from: string, to: string): Promise<void>
  /** Removes a file or folder with all in it; nothing there is fine. */
  remove(path: string): Promise<void>
  /** Absolute, with symbolic links resolved where the path exists. */
  resolve(path: string): Promise<string>
}
