import {
  type ConnectorContext,
  type DecodePolicy,
  nothing,
  type SourceConnector,
  StreamError,
  text,
} from '../../src/connector/index.ts'
import { splitPatterns } from './file-pattern.ts'
import type { FilePosition } from './file-position.ts'
import { findFiles } from './find-files.ts'
import { ReadTurns } from './read-turns.ts'
import { type TextFileOptions, TextFileReader } from './text-file-reader.ts'

/** What {@link textFiles} reads and how. */
export interface TextFilesOptions {
  /**
   * Paths and globs, relative to the working directory; in a string several may stand between commas. `**` enters
   * neither folders whose name begins with a dot nor `node_modules`, unless the glob names them.
   */
  readonly files: string | readonly string[]
  /**
   * What to do when a file is no longer the one that was read: the job fails with `FILE_REPLACED` (default), or the
   * file is passed over with a warning, and what was counted stays.
   */
  readonly replaced?: 'fail' | 'ignore'
  /** What to do about lines that are not UTF-8 or are too long. Default `fail`. */
  readonly invalid?: DecodePolicy
  /** Partitions of the ingest topic, over which the files are dealt. Default 4. */
  readonly partitions?: number
  /** Bytes that a line may have without its end. Default 1,047,552: with its headers it fits a batch of Kafka's default size. */
  readonly lineBytesMax?: number
}

/** 1 MB, less what a record batch with headers adds: brokers refuse batches over 1,048,588 bytes by default. */
const lineBytesMaxDefault = 1024 * 1024 - 1024

/** Large enough that the trip to the disk is nothing against the lines in it, small enough that four tasks are 4 MB. */
const chunkBytes = 512 * 1024

/**
 * A job that follows reads all of its files at once; so those of a task take turns with a chunk and its lines. 400 files with
 * 512 KiB each held 715 MB; with 5 KiB each, their 50,000 lines outlived two collections and filled the old space.
 */
const followedChunkBytes = 64 * 1024

const pollMs = 200

/**
 * The lines of text files, in order within a file. Values are lines without their `\n` or `\r\n`; there is no key.
 *
 * Each file is a split that is read from where it was left: what is added to it is read, what was read is not read
 * again. A file is known by its path and a hash of its beginning, so a change behind the first 4,096 bytes of what was
 * read is not noticed. At the end of a bounded job a last line without an end counts as a line; a job that follows
 * waits for the end.
 *
 * @throws {StreamError} reading fails with `FILE_NOT_FOUND`, `FILE_UNREADABLE`, `FILE_REPLACED`, `FILE_LINE_CONTINUED`,
 * `FILE_LINE_TOO_LONG` or `RECORD_DESERIALIZATION`: the job stops, the message says what to do
 */
export function textFiles(name: string, options: TextFilesOptions): SourceConnector<null, string, FilePosition> {
  const { files, replaced = 'fail', invalid = 'fail', partitions, lineBytesMax = lineBytesMaxDefault } = options
  const patterns = typeof files === 'string' ? splitPatterns(files) : files
  if (patterns.length === 0) {
    throw new StreamError(
      'CONFIG_INVALID',
      `textFiles('${name}') was given no files; give a path or a glob such as docs/**/*.md`,
    )
  }
  if (!Number.isInteger(lineBytesMax) || lineBytesMax < 1) {
    throw new StreamError(
      'CONFIG_INVALID',
      `lineBytesMax of textFiles('${name}') must be a whole number of bytes above 0, found ${lineBytesMax}`,
    )
  }
  const reading: TextFileOptions = { replaced, invalid, lineBytesMax, chunkBytes, pollMs, turns: null }
  /** What the tasks that follow read by; after its first look a glob may match nothing: files come and go meanwhile. */
  const following = new WeakMap<ConnectorContext, TextFileOptions>()
  return Object.freeze<SourceConnector<null, string, FilePosition>>({
    kind: 'source-connector',
    name,
    key: nothing,
    value: text,
    ...(partitions === undefined ? {} : { partitions }),
    replay: 'exact',
    async splits(context) {
      const all = await findFiles(patterns, context.files, following.has(context))
      if (context.follow && !following.has(context)) {
        following.set(context, { ...reading, chunkBytes: followedChunkBytes, turns: new ReadTurns() })
      }
      return all.map(({ path, sizeBytes }) => ({ id: path, sizeBytes }))
    },
    open: async (split, from, context) =>
      new TextFileReader(split.id, from, following.get(context) ?? reading, context),
  })
}
