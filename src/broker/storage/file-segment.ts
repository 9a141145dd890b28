import { close, constants, fdatasync, fstat, fsync, ftruncate, type NoParamCallback, open, read, writev } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { SegmentFile } from './broker-storage.ts'
import { storageError } from './storage-error.ts'

/** Descriptors kept open at once; the least recently used is closed, and opened again when it is needed. */
const openFilesMax = 200

interface OpenFile {
  readonly descriptor: number
  users: number
  closing: boolean
}

/** The descriptors of a storage by path, most recently used last. */
export class OpenFiles {
  readonly directory: string
  private readonly byPath = new Map<string, Promise<OpenFile>>()

  constructor(directory: string) {
    this.directory = directory
  }

  /**
   * Runs `effect` with the file's descriptor, which stays open that long.
   * @param creates the file where there is none
   */
  async use<T>(path: string, effect: (descriptor: number) => Promise<T>, creates = false): Promise<T> {
    let opening = this.byPath.get(path)
    if (opening) this.byPath.delete(path)
    else opening = openFile(path, creates)
    this.byPath.set(path, opening)
    try {
      const file = await opening
      file.users++
      try {
        if (this.byPath.size > openFilesMax) await this.closeOldest()
        return await effect(file.descriptor)
      } finally {
        file.users--
        if (file.closing && file.users === 0) await closeDescriptor(file.descriptor)
      }
    } catch (error) {
      // A failed open must not be remembered as this path's descriptor.
      if (this.byPath.get(path) === opening) opening.catch(() => this.byPath.delete(path))
      throw storageError(this.directory, error)
    }
  }

  /** Closes the file, once nobody uses it, and removes it. */
  async remove(path: string): Promise<void> {
    await this.close(path)
    await rm(path, { force: true })
  }

  /** Closes the file once nobody uses it. */
  async close(path: string): Promise<void> {
    const opening = this.byPath.get(path)
    if (!opening) return
    this.byPath.delete(path)
    const file = await opening.catch(() => null)
    if (!file || file.closing) return
    file.closing = true
    if (file.users === 0) await closeDescriptor(file.descriptor)
  }

  async closeAll(): Promise<void> {
    for (const path of [...this.byPath.keys()]) await this.close(path)
  }

  private async closeOldest(): Promise<void> {
    for (const [path, opening] of this.byPath) {
      const file = await opening.catch(() => null)
      if (file?.users === 0) return this.close(path)
    }
  }
}

/** A segment file of {@link SegmentFile}'s contract. */
export class FileSegment implements SegmentFile {
  sizeBytes: number
  private readonly files: OpenFiles
  private readonly folder: string
  private readonly path: string
  private folderSynced = false

  private constructor(files: OpenFiles, folder: string, path: string, sizeBytes: number) {
    this.files = files
    this.folder = folder
    this.path = path
    this.sizeBytes = sizeBytes
  }

  static async open(files: OpenFiles, folder: string, name: string): Promise<FileSegment> {
    const path = join(folder, name)
    return new FileSegment(files, folder, path, await files.use(path, sizeOf, true))
  }

  append(chunks: readonly Uint8Array[]): Promise<void> {
    return this.files.use(this.path, async (descriptor) => {
      let left = chunks
      while (left.length > 0) {
        const written = await writeOnce(descriptor, left, this.sizeBytes)
        this.sizeBytes += written
        left = behind(left, written)
      }
    })
  }

  read(position: number, target: Uint8Array): Promise<number> {
    return this.files.use(this.path, (descriptor) => readFully(descriptor, position, target))
  }

  async truncate(sizeBytes: number): Promise<void> {
    await this.files.use(this.path, (descriptor) => settled((done) => ftruncate(descriptor, sizeBytes, done)))
    this.sizeBytes = sizeBytes
  }

  async sync(): Promise<void> {
    await this.files.use(this.path, (descriptor) => settled((done) => fdatasync(descriptor, done)))
    if (this.folderSynced) return
    // After a power loss a new file is only there when its folders have been written, too.
    await syncFolder(this.folder)
    await syncFolder(join(this.folder, '..'))
    this.folderSynced = true
  }

  close(): Promise<void> {
    return this.files.close(this.path)
  }
}

function openFile(path: string, creates: boolean): Promise<OpenFile> {
  const flags = creates ? constants.O_RDWR | constants.O_CREAT : constants.O_RDWR
  return new Promise((resolve, reject) =>
    open(path, flags, 0o600, (error, descriptor) =>
      error ? reject(error) : resolve({ descriptor, users: 0, closing: false }),
    ),
  )
}

function sizeOf(descriptor: number): Promise<number> {
  return new Promise((resolve, reject) =>
    fstat(descriptor, (error, stats) => (error ? reject(error) : resolve(stats.size))),
  )
}

function writeOnce(descriptor: number, chunks: readonly Uint8Array[], position: number): Promise<number> {
  return new Promise((resolve, reject) =>
    writev(descriptor, chunks as Uint8Array[], position, (error, written) =>
      error ? reject(error) : resolve(written),
    ),
  )
}

/** What is left of the chunks behind their first `written` bytes: a system near its limits writes less than it was given. */
function behind(chunks: readonly Uint8Array[], written: number): readonly Uint8Array[] {
  let skip = written
  for (const [i, chunk] of chunks.entries()) {
    if (skip < chunk.length) return [chunk.subarray(skip), ...chunks.slice(i + 1)]
    skip -= chunk.length
  }
  return []
}

async function readFully(descriptor: number, position: number, target: Uint8Array): Promise<number> {
  let total = 0
  while (total < target.length) {
    const found = await readOnce(descriptor, target, total, position + total)
    if (found === 0) break
    total += found
  }
  return total
}

function readOnce(descriptor: number, target: Uint8Array, at: number, position: number): Promise<number> {
  return new Promise((resolve, reject) =>
    read(descriptor, target, at, target.length - at, position, (error, found) =>
      error ? reject(error) : resolve(found),
    ),
  )
}

function syncFolder(folder: string): Promise<void> {
  return new Promise((resolve) =>
    open(folder, 'r', (error, descriptor) =>
      error ? resolve() : fsync(descriptor, () => close(descriptor, () => resolve())),
    ),
  )
}

function closeDescriptor(descriptor: number): Promise<void> {
  return new Promise((resolve) => close(descriptor, () => resolve()))
}

function settled(call: (done: NoParamCallback) => void): Promise<void> {
  return new Promise((resolve, reject) => call((error) => (error ? reject(error) : resolve())))
}
