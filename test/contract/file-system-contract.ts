import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { FileSystem } from '../../src/core/file-system.ts'

/** A file system with an empty folder in it. */
export interface FileSystemWorld {
  readonly files: FileSystem
  /** Absolute and without links. */
  readonly folder: string
  append(path: string, text: string): Promise<void>
  link(path: string, target: string): Promise<void>
  end(): Promise<void>
}

/** What the engine and the connectors rely on in every form of `FileSystem`. */
export function fileSystemContract(name: string, begin: () => Promise<FileSystemWorld>): void {
  describe(`file system: ${name}`, () => {
    let world: FileSystemWorld
    let files: FileSystem
    const at = (path: string): string => `${world.folder}/${path}`

    beforeEach(async () => {
      world = await begin()
      files = world.files
    })
    afterEach(() => world.end())

    it('tells files, folders and nothing apart', async () => {
      await files.makeDirectory(at('a/b'))
      await files.makeDirectory(at('a/b'))
      await files.writeText(at('a/file'), 'größe')
      expect(await files.stat(at('a/file'))).toEqual({ kind: 'file', size: 7 })
      expect(await files.stat(at('a'))).toEqual({ kind: 'directory', size: 0 })
      expect(await files.stat(at('nothing'))).toBeNull()
      expect(await files.stat(at('a/file/below'))).toBeNull()
    })

    it('lists a folder by name, and says which names are links', async () => {
      await files.makeDirectory(at('folder'))
      await files.writeText(at('b'), '')
      await files.writeText(at('A'), '')
      await world.link(at('to-folder'), at('folder'))
      await world.link(at('to-file'), 'b')
      await world.link(at('to-nothing'), 'gone')
      await world.link(at('to-itself'), 'to-itself')
      expect(await files.list(world.folder)).toEqual([
        { name: 'A', kind: 'file' },
        { name: 'b', kind: 'file' },
        { name: 'folder', kind: 'directory' },
        { name: 'to-file', kind: 'file', isLink: true },
        { name: 'to-folder', kind: 'directory', isLink: true },
        { name: 'to-itself', kind: 'other', isLink: true },
        { name: 'to-nothing', kind: 'other', isLink: true },
      ])
    })

    it('resolves links, and paths of which only a part is there', async () => {
      await files.makeDirectory(at('real'))
      await files.writeText(at('real/file'), '')
      await world.link(at('link'), 'real')
      expect(await files.resolve(at('link/file'))).toBe(at('real/file'))
      expect(await files.resolve(at('link/../link/./file'))).toBe(at('real/file'))
      expect(await files.resolve(at('link/new/er'))).toBe(at('real/new/er'))
      expect(await files.resolve('.')).toMatch(/^\//)
    })

    it('reads at any position, up to the end as it is then', async () => {
      await files.writeText(at('file'), 'hello')
      const file = await files.open(at('file'))
      const target = Buffer.alloc(10)
      expect(await file.read(target, 3, 1)).toBe(3)
      expect(target.toString('utf8', 0, 3)).toBe('ell')
      expect(await file.read(target, 10, 3)).toBe(2)
      expect(await file.read(target, 10, 5)).toBe(0)
      expect(await file.read(target, 10, 50)).toBe(0)
      await world.append(at('file'), '!')
      expect(await file.size()).toBe(6)
      expect(await file.read(target, 10, 5)).toBe(1)
      await file.close()
    })

    it('keeps an open file readable when another takes its name', async () => {
      await files.writeText(at('file'), 'old')
      const file = await files.open(at('file'))
      await files.writeText(at('file'), 'newer')
      const target = Buffer.alloc(10)
      expect(await file.read(target, 10, 0)).toBe(3)
      expect(await files.readText(at('file'))).toBe('newer')
      await files.remove(at('file'))
      expect(await file.read(target, 10, 0)).toBe(3)
      await file.close()
    })

    it('moves and removes files and folders with all in them', async () => {
      await files.makeDirectory(at('from/deep'))
      await files.writeText(at('from/deep/file'), 'text')
      await files.rename(at('from'), at('to'))
      expect(await files.stat(at('from'))).toBeNull()
      expect(await files.readText(at('to/deep/file'))).toBe('text')
      await files.remove(at('to'))
      await files.remove(at('to'))
      expect(await files.list(world.folder)).toEqual([])
    })

    it('says what is wrong with the codes of Node', async () => {
      await files.writeText(at('file'), '')
      const code = (code: string) => expect.objectContaining({ code })
      await expect(files.open(at('gone'))).rejects.toEqual(code('ENOENT'))
      await expect(files.readText(at('gone'))).rejects.toEqual(code('ENOENT'))
      await expect(files.list(at('gone'))).rejects.toEqual(code('ENOENT'))
      await expect(files.list(at('file'))).rejects.toEqual(code('ENOTDIR'))
      await expect(files.rename(at('gone'), at('other'))).rejects.toEqual(code('ENOENT'))
      await expect(files.writeText(at('gone/file'), '')).rejects.toEqual(code('ENOENT'))
    })
  })
}
