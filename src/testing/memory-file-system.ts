import { Buffer } from 'node:buffer'
import type { FileStat, FileSystem, FolderEntry, ReadableFile } from '../core/file-system.ts'
import type { Random } from '../core/random.ts'

/** The calls of a {@link FileSystem} that can be made to fail; `read` and `size` are those of an open file. */
export type FileCall = Exclude<keyof FileSystem, 'resolve'> | 'read' | 'size'

/** A failure on demand. */
export interface FileFault {
  readonly call: FileCall
  /** The file or folder, as an absolute path; any when left out. */
  readonly path?: string
  /** The system's code: `EACCES`, `ENOSPC`, `EIO`... */
  readonly code: string
  /** How many calls fail. Default: all of them. */
  readonly times?: number
}

/** What a file is apart from its name: who has it open keeps it when the name goes. */
interface Contents {
  bytes: Buffer
}

type Node =
  | { readonly kind: 'file'; contents: Contents }
  | { readonly kind: 'directory'; readonly children: Map<string, Node> }
  | { readonly kind: 'link'; readonly target: string }

/** As many links as Linux follows before it takes them for a loop. */
const linksMax = 40

/**
 * A file system in memory, with the promises of the real one: files by name with contents of their own, symbolic
 * links, Node's error codes, and failures on demand. For tests and simulations.
 */
export class MemoryFileSystem implements FileSystem {
  /** Absolute; relative paths start here. */
  readonly workingDirectory: string
  private readonly root: Node & { kind: 'directory' } = { kind: 'directory', children: new Map() }
  private faults: { fault: FileFault; left: number }[] = []
  private shorten: Random | null = null
  private opened = 0

  constructor(workingDirectory = '/work') {
    this.workingDirectory = workingDirectory
    this.folder(workingDirectory)
  }

  /** Files open now: a test sees by it that none is left behind. */
  get openFiles(): number {
    return this.opened
  }

  /** Puts a new file in place of whatever is there, as a rename does: who has the old one open keeps reading it. */
  put(path: string, contents: string | Uint8Array): void {
    const full = this.absolute(path)
    this.folder(parentOf(full)).children.set(nameOf(full), { kind: 'file', contents: { bytes: Buffer.from(contents) } })
  }

  /** Adds to the end of a file, or makes it. */
  append(path: string, added: string | Uint8Array): void {
    const file = this.find(path)
    if (file?.kind === 'file') file.contents.bytes = Buffer.concat([file.contents.bytes, Buffer.from(added)])
    else this.put(path, added)
  }

  /** Changes bytes in place. */
  overwrite(path: string, position: number, bytes: string | Uint8Array): void {
    const { contents } = this.file(path)
    contents.bytes = Buffer.from(contents.bytes)
    contents.bytes.set(Buffer.from(bytes), position)
  }

  /** Cuts a file off. */
  truncate(path: string, size: number): void {
    const { contents } = this.file(path)
    contents.bytes = contents.bytes.subarray(0, size)
  }

  /** Makes a symbolic link; `target` need not be there. */
  link(path: string, target: string): void {
    const full = this.absolute(path)
    this.folder(parentOf(full)).children.set(nameOf(full), { kind: 'link', target })
  }

  /** Lets matching calls fail before they have any effect. */
  fail(fault: FileFault): void {
    this.faults.push({ fault, left: fault.times ?? Number.POSITIVE_INFINITY })
  }

  /** Ends all failures on demand. */
  mend(): void {
    this.faults = []
  }

  /** From now on reads bring fewer bytes than were asked for, at least one, as a network file system may. */
  shortReads(random: Random): void {
    this.shorten = random
  }

  async stat(path: string): Promise<FileStat | null> {
    this.check('stat', path)
    const node = this.find(path)
    if (!node) return null
    return node.kind === 'file' ? { kind: 'file', size: node.contents.bytes.length } : { kind: 'directory', size: 0 }
  }

  async list(path: string): Promise<readonly FolderEntry[]> {
    this.check('list', path)
    const node = this.find(path)
    if (!node) throw systemError('ENOENT', 'scandir', path)
    if (node.kind !== 'directory') throw systemError('ENOTDIR', 'scandir', path)
    return [...node.children]
      .map(([name, child]): FolderEntry => {
        if (child.kind !== 'link') return { name, kind: child.kind }
        return { name, kind: this.find(`${path}/${name}`)?.kind ?? 'other', isLink: true }
      })
      .sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  async open(path: string): Promise<ReadableFile> {
    this.check('open', path)
    const { contents } = this.file(path)
    let isOpen = true
    this.opened++
    const use = (call: 'read' | 'size'): Buffer => {
      if (!isOpen) throw systemError('EBADF', call, path)
      this.check(call, path)
      return contents.bytes
    }
    return {
      read: async (target, length, position) => {
        const bytes = use('read')
        const there = Math.max(0, Math.min(length, bytes.length - position))
        const count = this.shorten && there > 1 ? 1 + this.shorten.integer(there) : there
        target.set(bytes.subarray(position, position + count))
        return count
      },
      size: async () => use('size').length,
      close: async () => {
        if (isOpen) this.opened--
        isOpen = false
      },
    }
  }

  async readText(path: string): Promise<string> {
    this.check('readText', path)
    return this.file(path).contents.bytes.toString('utf8')
  }

  async writeText(path: string, text: string): Promise<void> {
    this.check('writeText', path)
    if (this.find(parentOf(this.absolute(path)))?.kind !== 'directory') throw systemError('ENOENT', 'open', path)
    this.put(path, text)
  }

  async makeDirectory(path: string): Promise<void> {
    this.check('makeDirectory', path)
    this.folder(this.absolute(path))
  }

  async rename(from: string, to: string): Promise<void> {
    this.check('rename', from)
    const [source, target] = [this.absolute(from), this.absolute(to)]
    const node = this.parent(source)?.children.get(nameOf(source))
    const folder = this.parent(target)
    if (!node || !folder) throw systemError('ENOENT', 'rename', from)
    const there = folder.children.get(nameOf(target))
    if (there?.kind === 'directory' && there.children.size > 0) throw systemError('ENOTEMPTY', 'rename', to)
    this.parent(source)?.children.delete(nameOf(source))
    folder.children.set(nameOf(target), node)
  }

  async remove(path: string): Promise<void> {
    this.check('remove', path)
    const full = this.absolute(path)
    this.parent(full)?.children.delete(nameOf(full))
  }

  async resolve(path: string): Promise<string> {
    return this.walk(path).path
  }

  private check(call: FileCall, path: string): void {
    const full = this.absolute(path)
    const hit = this.faults.find(({ fault }) => fault.call === call && this.absolute(fault.path ?? path) === full)
    if (!hit) return
    hit.left--
    if (hit.left <= 0) this.faults = this.faults.filter((other) => other !== hit)
    throw systemError(hit.fault.code, call, path)
  }

  private absolute(path: string): string {
    const names: string[] = []
    for (const name of (path.startsWith('/') ? path : `${this.workingDirectory}/${path}`).split('/')) {
      if (name === '..') names.pop()
      else if (name !== '' && name !== '.') names.push(name)
    }
    return `/${names.join('/')}`
  }

  /** Follows links all the way. `node` is undefined where nothing is; `path` then holds what was resolved of it. */
  private walk(path: string): { path: string; node: Exclude<Node, { kind: 'link' }> | undefined } {
    let names = this.absolute(path).split('/').filter(Boolean)
    let node: Exclude<Node, { kind: 'link' }> | undefined = this.root
    let at = ''
    let links = 0
    while (names.length > 0) {
      const [name, ...rest] = names as [string, ...string[]]
      const child: Node | undefined = node?.kind === 'directory' ? node.children.get(name) : undefined
      if (child?.kind === 'link') {
        if (++links > linksMax) throw systemError('ELOOP', 'open', path)
        const target: string = child.target.startsWith('/') ? child.target : `${at}/${child.target}`
        names = [...this.absolute(target).split('/').filter(Boolean), ...rest]
        at = ''
        node = this.root
        continue
      }
      node = child
      at = `${at}/${name}`
      names = rest
    }
    return { path: at === '' ? '/' : at, node }
  }

  private find(path: string): Exclude<Node, { kind: 'link' }> | undefined {
    try {
      return this.walk(path).node
    } catch {
      // A loop of links leads nowhere.
      return undefined
    }
  }

  private file(path: string): Node & { kind: 'file' } {
    const node = this.find(path)
    if (!node) throw systemError('ENOENT', 'open', path)
    if (node.kind !== 'file') throw systemError('EISDIR', 'read', path)
    return node
  }

  private parent(full: string): (Node & { kind: 'directory' }) | undefined {
    const node = this.find(parentOf(full))
    return node?.kind === 'directory' ? node : undefined
  }

  /** The folder at a path, made with its parents where it is not there. */
  private folder(full: string): Node & { kind: 'directory' } {
    const found = this.find(full)
    if (found?.kind === 'directory') return found
    if (found) throw systemError('ENOTDIR', 'mkdir', full)
    const made = { kind: 'directory' as const, children: new Map() }
    this.folder(parentOf(full)).children.set(nameOf(full), made)
    return made
  }
}

function systemError(code: string, call: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${call} '${path}'`), { code, path })
}

function parentOf(full: string): string {
  return full.slice(0, full.lastIndexOf('/')) || '/'
}

function nameOf(full: string): string {
  return full.slice(full.lastIndexOf('/') + 1)
}
