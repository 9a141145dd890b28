import { constants } from 'node:fs'
import { access, mkdir, open, readdir, readFile, realpath, rename, rm, stat } from 'node:fs/promises'
import { resolve as absolute, dirname } from 'node:path'
import type { FileStat, FileSystem, FolderEntry } from './file-system.ts'

const kindOf = (entry: { isFile(): boolean; isDirectory(): boolean }): FileStat['kind'] =>
  entry.isFile() ? 'file' : entry.isDirectory() ? 'directory' : 'other'

const hasCode = (error: unknown, ...codes: string[]): boolean =>
  error instanceof Error && codes.includes((error as NodeJS.ErrnoException).code ?? '')

/** The real file system of this machine. */
export const nodeFileSystem: FileSystem = {
  async stat(path) {
    try {
      const found = await stat(path)
      return { kind: kindOf(found), size: found.isFile() ? found.size : 0 }
    } catch (error) {
      if (hasCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) return null
      throw error
    }
  },

  async list(path) {
    const entries = await readdir(path, { withFileTypes: true })
    const found = await Promise.all(
      entries.map(async (entry): Promise<FolderEntry> => {
        if (!entry.isSymbolicLink()) return { name: entry.name, kind: kindOf(entry) }
        // A link to where this user may not look must not make the rest of the folder unreadable.
        const target = await nodeFileSystem.stat(`${path}/${entry.name}`).catch(() => null)
        return { name: entry.name, kind: target?.kind ?? 'other', isLink: true }
      }),
    )
    return found.sort((a, b) => (a.name < b.name ? -1 : 1))
  },

  async open(path) {
    const handle = await open(path, 'r')
    return {
      read: async (target, length, position) => (await handle.read(target, 0, length, position)).bytesRead,
      size: async () => (await handle.stat()).size,
      close: () => handle.close(),
    }
  },

  readText: (path) => readFile(path, 'utf8'),

  async writeText(path, text) {
    const temporary = `${path}.tmp`
    const handle = await open(temporary, 'w', 0o600)
    try {
      await handle.writeFile(text)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(temporary, path)
  },

  async makeDirectory(path) {
    await mkdir(path, { recursive: true, mode: 0o700 })
    await access(path, constants.W_OK)
  },

  rename,
  remove: (path) => rm(path, { recursive: true, force: true }),

  async resolve(path) {
    const full = absolute(path)
    try {
      return await realpath(full)
    } catch (error) {
      if (!hasCode(error, 'ENOENT')) throw error
      const parent = dirname(full)
      return parent === full
        ? full
        : `${await nodeFileSystem.resolve(parent)}/${full.slice(parent.length).replace(/^\/+/, '')}`
    }
  },
}
