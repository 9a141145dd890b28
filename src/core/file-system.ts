/** What a file or folder is. */
export interface FileStat {
  readonly kind: 'file' | 'directory' | 'other'
  /** Bytes; 0 for folders. */
  readonly size: number
}

/** An entry of a folder. */
export interface FolderEntry {
  readonly name: string
  /** Of a symbolic link, what it leads to; `other` when it leads nowhere. */
  readonly kind: FileStat['kind']
  /** A symbolic link: only then can its path and its place differ. */
  readonly isLink?: boolean
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
  list(path: string): Promise<readonly FolderEntry[]>
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
