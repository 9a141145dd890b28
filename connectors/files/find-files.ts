import { type FileSystem, type FolderEntry, StreamError, systemCodeOf } from '../../src/connector/index.ts'
import { fileError } from './file-error.ts'
import { type FilePattern, joinPath, type PatternSegment, parsePattern } from './file-pattern.ts'

/** A file that was found. */
export interface FoundFile {
  /** Absolute, with symbolic links resolved: one file is found once, however many ways lead to it. */
  readonly path: string
  readonly sizeBytes: number
}

/**
 * The files that paths and globs stand for, sorted by path.
 *
 * `**` enters neither folders whose name begins with a dot nor `node_modules`, unless the pattern names them. Symbolic
 * links are followed; a folder is entered once for each place in a pattern, so that loops of links end.
 *
 * @param mayBeEmpty a pattern that matches nothing is fine: files come and go while a job follows
 * @throws {StreamError} `FILE_NOT_FOUND` and `FILE_UNREADABLE`, with the remedy
 */
export async function findFiles(
  patterns: readonly string[],
  files: FileSystem,
  mayBeEmpty: boolean,
): Promise<FoundFile[]> {
  const workingDirectory = await files.resolve('.')
  const found = new Map<string, FoundFile>()
  for (const text of patterns) {
    const paths = await matching(text, workingDirectory, files)
    if (paths.size === 0 && !mayBeEmpty) throw notFound(text, workingDirectory)
    const sized = await Promise.all([...paths].map((path) => sizeOf(path, files)))
    for (const file of sized) if (file) found.set(file.path, file)
  }
  return [...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1))
}

async function matching(text: string, workingDirectory: string, files: FileSystem): Promise<Set<string>> {
  // What is there by this very name is meant, even where the name holds a `[` or a `*`.
  const literal = await explained(joinFrom(workingDirectory, text), (path) => files.stat(path))
  if (literal?.kind === 'file') return new Set([await files.resolve(joinFrom(workingDirectory, text))])
  const pattern = parsePattern(text, workingDirectory)
  if (literal && !pattern.isGlob) throw notAFile(text, literal.kind)
  const listings: Listings = new Map()
  const found = new Set<string>()
  for (const { base, segments } of pattern.paths) {
    const place = await explained(base, (path) => files.stat(path))
    if (place?.kind !== 'directory') continue
    await new FolderWalk(pattern, files, listings, found).enter(await files.resolve(base), segments)
  }
  return found
}

/** Folders already read, for the alternatives of one pattern. */
type Listings = Map<string, Promise<readonly FolderEntry[]>>

/** Walks down from a folder along one alternative of a pattern, and puts what it finds into `found`. */
class FolderWalk {
  private readonly pattern: FilePattern
  private readonly files: FileSystem
  private readonly listings: Listings
  private readonly found: Set<string>
  /** Folder and number of segments left: coming here again would find the same. */
  private readonly entered = new Set<string>()

  constructor(pattern: FilePattern, files: FileSystem, listings: Listings, found: Set<string>) {
    this.pattern = pattern
    this.files = files
    this.listings = listings
    this.found = found
  }

  async enter(folder: string, segments: readonly PatternSegment[]): Promise<void> {
    const [segment, ...rest] = segments
    const place = `${segments.length} ${folder}`
    if (!segment || this.entered.has(place)) return
    this.entered.add(place)
    const entries = await this.list(folder)
    if (segment.kind === 'any-depth') {
      await this.enter(folder, rest)
      const deeper = entries.filter(
        ({ name, kind }) => kind === 'directory' && !name.startsWith('.') && this.mayEnter(name),
      )
      await Promise.all(deeper.map(async (entry) => this.descend(folder, entry, segments)))
      return
    }
    const matches = entries.filter(({ name }) =>
      segment.kind === 'name' ? name === segment.name : segment.matches(name),
    )
    await Promise.all(
      matches.map(async (entry) => {
        if (rest.length > 0) {
          if (entry.kind === 'directory' && this.mayEnter(entry.name)) await this.descend(folder, entry, rest)
        } else if (entry.kind === 'file') {
          const path = await this.resolve(folder, entry)
          if (path !== null) this.found.add(path)
        }
      }),
    )
  }

  private mayEnter(name: string): boolean {
    return name !== 'node_modules' || this.pattern.namesNodeModules
  }

  private async descend(folder: string, entry: FolderEntry, segments: readonly PatternSegment[]): Promise<void> {
    const path = await this.resolve(folder, entry)
    if (path !== null) await this.enter(path, segments)
  }

  /** Where an entry really is; null for a link that leads nowhere. */
  private async resolve(folder: string, entry: FolderEntry): Promise<string | null> {
    const path = joinPath(folder, entry.name)
    if (!entry.isLink) return path
    return explained(path, (link) => this.files.resolve(link))
  }

  private list(folder: string): Promise<readonly FolderEntry[]> {
    let listing = this.listings.get(folder)
    if (!listing) {
      listing = explained(folder, (path) => this.files.list(path)).then((entries) => entries ?? [])
      this.listings.set(folder, listing)
    }
    return listing
  }
}

async function sizeOf(path: string, files: FileSystem): Promise<FoundFile | null> {
  const stat = await explained(path, () => files.stat(path))
  return stat ? { path, sizeBytes: stat.size } : null
}

/** Calls the file system; null for what is gone, an error with a remedy for what cannot be read. */
async function explained<T>(path: string, call: (path: string) => Promise<T>): Promise<T | null> {
  try {
    return await call(path)
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(systemCodeOf(error) ?? '')) return null
    throw fileError(error, path)
  }
}

function joinFrom(workingDirectory: string, path: string): string {
  return path.startsWith('/') ? path : joinPath(workingDirectory, path)
}

function notFound(pattern: string, workingDirectory: string): StreamError {
  return new StreamError(
    'FILE_NOT_FOUND',
    `no file is there for ${pattern} in ${workingDirectory}; give the path of a file, or a glob that matches some, such as docs/**/*.md ` +
      '(** enters folders that begin with a dot, and node_modules, only where the glob names them)',
    { path: pattern },
  )
}

function notAFile(path: string, kind: 'directory' | 'other'): StreamError {
  return new StreamError(
    'FILE_UNREADABLE',
    kind === 'directory'
      ? `${path} is a directory, and a file was expected; for all files in it say ${path.replace(/\/+$/, '')}/**/*`
      : `${path} is neither a file nor a directory, and a file was expected`,
    { path },
  )
}
