import { logRecords } from './level-log.ts'
import { Varints } from './level-varints.ts'

/** What LevelDB's books say a database consists of. */
export interface LiveFiles {
  /** Numbers of the table files that hold data, newest first, with their sizes in bytes. Others are leavings. */
  readonly tables: readonly { readonly number: number; readonly bytes: number }[]
  /** Logs from this number on are replayed at the opening; older ones are in tables already. */
  readonly firstLog: number
}

/** The fields of an edit of the manifest. */
const field = {
  comparator: 1,
  logNumber: 2,
  nextFile: 3,
  lastSequence: 4,
  compactPointer: 5,
  deletedFile: 6,
  newFile: 7,
  previousLog: 9,
} as const

/**
 * Reads a manifest: edits, each a record of a log, that add and remove files level by level.
 *
 * @param bytes the whole file
 * @returns null when it cannot be read to its end. LevelDB would pass over a bad end, and with it over the edits behind it;
 * it writes each edit through to the disk before it acts on it, so that a crash leaves none in part.
 */
export function readManifest(bytes: Buffer): LiveFiles | null {
  const levels = new Map<number, Map<number, number>>()
  let firstLog = 0
  for (const { content } of logRecords(bytes)) {
    if (content === null) return null
    const values = new Varints(content, 0)
    while (!values.isDone) {
      const tag = values.next()
      if (tag === field.comparator) values.skip()
      else if (tag === field.logNumber) firstLog = values.next()
      else if (tag === field.nextFile || tag === field.lastSequence || tag === field.previousLog) values.next()
      else if (tag === field.compactPointer) {
        values.next()
        values.skip()
      } else if (tag === field.deletedFile) {
        const level = values.next()
        levels.get(level)?.delete(values.next())
      } else if (tag === field.newFile) {
        const level = values.next()
        const files = levels.get(level) ?? new Map<number, number>()
        levels.set(level, files)
        const number = values.next()
        files.set(number, values.next())
        values.skip()
        values.skip()
      } else return null
    }
  }
  const tables = [...levels.values()].flatMap((files) => [...files].map(([number, size]) => ({ number, bytes: size })))
  return { tables: tables.sort((a, b) => b.number - a.number), firstLog }
}
