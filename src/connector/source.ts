import type { Clock } from '../core/clock.ts'
import type { FileSystem } from '../core/file-system.ts'
import type { Logger } from '../core/logger.ts'
import type { Random } from '../core/random.ts'
import type { Headers } from '../core/record.ts'
import type { Serde } from '../serde/serde.ts'

/** What a position may be made of: it is stored as JSON text. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/** What a connector may use of the world. All of it is a port, so that a simulation can own it. */
export interface ConnectorContext {
  readonly clock: Clock
  readonly random: Random
  readonly files: FileSystem
  readonly logger: Logger
  /**
   * Aborts when the task closes, at a stop of the job among others: whatever waits must end. A call that has not come back
   * some seconds later is given up, and what it says then is ignored.
   */
  readonly signal: AbortSignal
  /** False when the job reads to the end of what is there and stops; true under `--follow`. */
  readonly follow: boolean
}

/**
 * A record as a reader hands it over, key and value as the bytes that go to the ingest topic.
 *
 * Without a timestamp the engine stamps the time of reading, once, into the log: a replay sees the same.
 */
export interface SourceRecord {
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly timestamp?: number
  /** In order; a name may be there more than once. A lone surrogate in one is written as U+FFFD, as the serde `text` does. */
  readonly headers?: Headers
}

/** A part of a source that is read in order by one reader. */
export interface Split {
  /** Stable over restarts: the position is stored under it. */
  readonly id: string
  /** How much there is, in bytes, where it is known: for progress alone. */
  readonly sizeBytes?: number
}

/** What one `read` gave. */
export interface ReadResult<P extends Json> {
  /** In order. An empty list means nothing now. */
  readonly records: readonly SourceRecord[]
  /** Where to go on after these records: stored in the transaction that commits them. */
  readonly next: P
  /** The split is at its end and stays there: a bounded end. */
  readonly done?: boolean
  /** Bytes of the split that this read consumed: for progress alone. */
  readonly bytesRead?: number
  /** Bytes the records were made of that were passed over by the decode policy, as a count of records. */
  readonly skipped?: number
}

/**
 * Reads one split from one position on.
 *
 * The engine calls `read` only when there is room, one call at a time: that is the whole back-pressure protocol.
 */
export interface SplitReader<P extends Json> {
  /**
   * @param recordsMax records to return at the most
   * @param signal that of the context
   * @returns records and the position behind them; a reader without news may wait a moment before it answers none
   */
  read(recordsMax: number, signal: AbortSignal): Promise<ReadResult<P>>
  /** Everything up to `position` is durable; may come late or twice. A queue acknowledges here. */
  committed?(position: P): Promise<void>
  /** Frees what is open. Idempotent. Comes when `read` has come back, or was given up. */
  close(): Promise<void>
}

/** What happens to input that cannot be decoded: `fail` stops the job with its place, `skip` passes it over and counts it. */
export type DecodePolicy = 'fail' | 'skip'

/**
 * A source outside Kafka. Its records enter through an ingest topic, with their positions in one transaction (D6).
 *
 * Discovery runs at the start and then every `discoverEveryMs` while following; ids of splits are stable, the engine
 * deals new ones to its tasks in order of id, and a choice never moves (X16).
 */
export interface SourceConnector<K = unknown, V = unknown, P extends Json = Json> {
  readonly kind: 'source-connector'
  /** The user's name: part of the names of its topics. */
  readonly name: string
  /** The encoding of what the readers hand over. */
  readonly key: Serde<K>
  readonly value: Serde<V>
  /** Partitions of the ingest topic, which is also the number of tasks. Default 4. */
  readonly partitions?: number
  /** `exact`: a position leads back to the same records. `none`: what was read cannot be read again. */
  readonly replay: 'exact' | 'none'
  /** The splits that are there now, in any order, within the deadline of a record. @throws {StreamError} when there is nothing to read, named with its remedy */
  splits(context: ConnectorContext): Promise<readonly Split[]>
  /** Opens a split at a stored position, or at its start for null, within the deadline of a record. */
  open(split: Split, from: P | null, context: ConnectorContext): Promise<SplitReader<P>>
  /** Milliseconds between discoveries while following. Default 1,000. */
  readonly discoverEveryMs?: number
}
