import { unlessAborted } from '../core/abort.ts'
import type { DeadlineMs } from '../core/clock.ts'
import { StreamError } from '../core/errors.ts'
import { type Headers, noHeaders } from '../core/record.ts'
import { partitionKey, type TopicPartition } from '../core/topic-partition.ts'
import { kafkaFailure } from '../kafka/kafka-error.ts'
import { AbortedTransactions } from '../protocol/aborted-transactions.ts'
import { batchAttribute, batchSizeAt, readBatchHeader, verifyChecksum } from '../protocol/batch-header.ts'
import { readMarker } from '../protocol/control-batch.ts'
import { kafkaError } from '../protocol/kafka-errors.ts'
import { fetch } from '../protocol/messages/fetch.ts'
import { earliestTimestamp } from '../protocol/messages/list-offsets.ts'
import { RecordCursor } from '../protocol/record-batch-reader.ts'
import type { LogAccess } from './log-access.ts'

/** A committed record of a changelog. Its bytes are views, valid during the call that hands it over. */
export interface ChangelogRecord {
  readonly key: Buffer
  /** Null for a delete. */
  readonly value: Buffer | null
  readonly timestamp: number
  readonly headers: Headers
}

/** Takes the records of one fetch, in order. */
export type ApplyRecords = (records: readonly ChangelogRecord[], position: number) => Promise<void>

/**
 * Asked for at a time; a batch that is larger comes whole. Its rows are objects until they are applied, which take twenty
 * times as much.
 */
const sliceBytes = 256 * 1024
/** A last stable offset that stays behind this long belongs to a producer that is gone (X3). */
const stuckMs = 500

/** Reads committed changelog records on the admin lane. */
export class ChangelogReader {
  private readonly app: LogAccess

  constructor(app: LogAccess) {
    this.app = app
  }

  /** The first offset that is still in the log. */
  async startOffset(at: TopicPartition): Promise<number> {
    const found = await this.unlessStopped(this.app.admin.offsets([at], earliestTimestamp))
    return found.get(partitionKey(at.topic, at.partition)) ?? 0
  }

  /** The offset behind the last record in the log, committed or not. */
  async endOffset(at: TopicPartition): Promise<number> {
    const found = await this.unlessStopped(this.app.admin.endOffsets([at], 'high'))
    return found.get(partitionKey(at.topic, at.partition)) ?? 0
  }

  /**
   * Applies all committed records from `from` up to the end that the log has now, taken as the high watermark: every
   * transaction that has reached the log by then is waited for, or its dead producer is fenced (A3, X3).
   * @param patienceMs how long a transaction may hold up the end before its producer is taken for dead, if it is no member that is known
   * @returns the position reached
   * @throws {StreamError} `OFFSET_OUT_OF_RANGE` when the log no longer, or not yet, has `from`; `JOB_CLOSED` when the job is
   * stopped meanwhile
   */
  async readToEnd(at: TopicPartition, from: number, apply: ApplyRecords, patienceMs = stuckMs): Promise<number> {
    const { steps, clock } = this.app.ports
    const ends = await this.unlessStopped(steps('A3.listOffsets', () => this.app.admin.endOffsets([at], 'high')))
    const target = ends.get(partitionKey(at.topic, at.partition)) ?? 0
    if (from > target) throw outOfRange(at, from)
    let position = from
    let stuckSince: DeadlineMs | null = null
    while (position < target) {
      this.app.signal.throwIfAborted()
      const before = position
      position = await this.readSome(at, position, apply, 50)
      if (position !== before) {
        stuckSince = null
        continue
      }
      const now = clock.monotonicMs()
      stuckSince ??= now
      if (now - stuckSince >= patienceMs) {
        await steps('A2.fenceDeadProducer', () => this.app.fence.fenceHolders(at, this.app.aliveTransactionalIds()))
        stuckSince = null
      }
    }
    return position
  }

  /**
   * Applies what one fetch brings, when the turn comes to it among all who read ({@link RestoreSlices}).
   * @param maxWaitMs how long the broker may hold the fetch, and with it the admin lane
   * @returns the position behind it, which is `from` when nothing came
   * @throws {StreamError} `JOB_CLOSED` when the job is stopped meanwhile
   */
  readSome(at: TopicPartition, from: number, apply: ApplyRecords, maxWaitMs = 0): Promise<number> {
    return this.app.restoreSlices.take(() => this.readSlice(at, from, apply, maxWaitMs))
  }

  private async readSlice(at: TopicPartition, from: number, apply: ApplyRecords, maxWaitMs: number): Promise<number> {
    const { client, metadata, ports } = this.app
    const deadline = client.deadline()
    const fetched = ports.steps('A3.fetchChangelog', () =>
      client.retrying(deadline, () =>
        metadata.toLeaders([at.topic], async () => {
          const node = await metadata.leader('admin', at.topic, at.partition)
          const answer = await client.send('admin', node, fetch, {
            maxWaitMs,
            minBytes: 1,
            maxBytes: sliceBytes,
            isolationLevel: 1,
            topics: [
              { name: at.topic, partitions: [{ index: at.partition, fetchOffset: from, maxBytes: sliceBytes }] },
            ],
          })
          const partition = answer.topics[0]?.partitions[0]
          const errorCode = partition?.errorCode ?? answer.errorCode
          if (!partition || errorCode !== kafkaError.NONE) {
            if (errorCode === kafkaError.OFFSET_OUT_OF_RANGE) throw outOfRange(at, from)
            throw kafkaFailure(errorCode, fetch.name, at)
          }
          return partition
        }),
      ),
    )
    const found = await this.unlessStopped(fetched)
    const { records, position } = decode(found.records ?? Buffer.alloc(0), found.abortedTransactions ?? [], from)
    if (position > from) await ports.steps('A3.applyChangelog', () => apply(records, position))
    return position
  }

  /** A broker that does not answer holds no stop up: nothing is lost when nobody waits for what was only read. */
  private unlessStopped<T>(asked: Promise<T>): Promise<T> {
    return unlessAborted(asked, this.app.signal)
  }
}

function decode(
  buffer: Buffer,
  abortedList: readonly { producerId: number; firstOffset: number }[],
  from: number,
): { records: ChangelogRecord[]; position: number } {
  const aborted = new AbortedTransactions(abortedList)
  const cursor = new RecordCursor()
  const records: ChangelogRecord[] = []
  let position = from
  for (let at = 0; ; ) {
    const size = batchSizeAt(buffer, at, buffer.length)
    if (size === 0) break
    verifyChecksum(buffer, at, size)
    const header = readBatchHeader(buffer, at, size)
    cursor.open(buffer, at, header)
    if (header.attributes & batchAttribute.control) {
      aborted.isAborted(header, cursor.next() ? readMarker(cursor.key()) : null)
    } else if (!aborted.isAborted(header, null)) {
      while (cursor.next()) {
        const key = cursor.key()
        if (cursor.offset < from || key === null) continue
        const headers = cursor.headerCount === 0 ? noHeaders : cursor.headers()
        records.push({ key, value: cursor.value(), timestamp: cursor.timestamp, headers })
      }
    }
    position = header.baseOffset + header.lastOffsetDelta + 1
    at += size
  }
  return { records, position }
}

function outOfRange(at: TopicPartition, offset: number): StreamError {
  return new StreamError(
    'OFFSET_OUT_OF_RANGE',
    `the changelog ${at.topic}-${at.partition} does not hold offset ${offset}: it was truncated or created anew`,
    { ...at, offset },
  )
}
