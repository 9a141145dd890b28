import { messageOf, StreamError } from '../core/errors.ts'
import { noHeaders } from '../core/record.ts'
import type { TopicPartition } from '../core/topic-partition.ts'
import type { TransactionalProducer } from '../kafka/transactional-producer.ts'
import { controlTopic } from '../topology/topic-ref.ts'
import { type ApplyRecords, ChangelogReader } from './changelog-reader.ts'
import {
  type BeginningRow,
  beginningKey,
  decodeControlKey,
  decodeControlRow,
  encodeControlRow,
  type PlanRow,
  planKey,
} from './control-rows.ts'
import type { LogAccess } from './log-access.ts'

/**
 * What is true of an application as a whole, wherever its processes run: a compacted topic of one partition, read to its end.
 *
 *     plan                       the plan that runs, its version, ids of topics, which stores there were
 *     begin <store> <partition>  the commit at which a store began
 *
 * A store's beginning is written by the transaction of its first commit, so a store without rows is new where it has none,
 * and has lost them where it has one; on an empty disk, too.
 */
export class ControlTopic {
  private readonly at: TopicPartition
  private readonly reader: ChangelogReader
  private readonly beginnings = new Map<string, BeginningRow>()
  private position: number | null = null
  /** As of the last `refresh`; null before the first start. */
  plan: PlanRow | null = null

  constructor(app: LogAccess) {
    this.at = { topic: controlTopic(app.appId), partition: 0 }
    this.reader = new ChangelogReader(app)
  }

  /**
   * Reads on to the end of the topic.
   * @param patienceMs how long a transaction may hold up the end; by default as for a changelog
   * @throws {StreamError} `STATE_INCOMPLETE` for a row that this version cannot read
   */
  async refresh(patienceMs?: number): Promise<void> {
    this.position ??= await this.reader.startOffset(this.at)
    const apply: ApplyRecords = async (records) => {
      for (const { key, value } of records) if (value !== null) this.apply(key, value)
    }
    this.position = await this.reader.readToEnd(this.at, this.position, apply, patienceMs)
  }

  private apply(key: Buffer, value: Buffer): void {
    const about = decodeControlKey(key)
    try {
      if (about?.kind === 'plan') this.plan = decodeControlRow<PlanRow>(value)
      if (about?.kind !== 'beginning') return
      this.beginnings.set(`${about.store} ${about.partition}`, decodeControlRow<BeginningRow>(value))
    } catch (error) {
      throw new StreamError(
        'STATE_INCOMPLETE',
        `the topic ${this.at.topic} has a row that this version cannot read (${messageOf(error)}): a later version wrote it, or another program; run that version, or give another application id (--app-id), which reads all inputs again`,
        { topic: this.at.topic, cause: error },
      )
    }
  }

  /** Where a store began, as of the last `refresh`; null for one that never had a commit. */
  beginning(store: string, partition: number): BeginningRow | null {
    const found = this.beginnings.get(`${store} ${partition}`)
    // What a store had before it was begun anew is no beginning of it.
    return found === undefined || found.plan < (this.plan?.fresh[store] ?? 0) ? null : found
  }

  /** Whether a store was begun anew at some time: partitions that have no beginning since then leave their rows behind. */
  isBegunAnew(store: string): boolean {
    return this.plan?.fresh[store] !== undefined
  }

  /** Writes the beginning of a store into the open transaction. */
  begin(producer: TransactionalProducer, store: string, partition: number, row: BeginningRow, nowMs: number): void {
    this.append(producer, beginningKey(store, partition), row, nowMs)
  }

  /** Writes the plan that runs from now on, in a transaction of its own. */
  async write(producer: TransactionalProducer, row: PlanRow, nowMs: number): Promise<void> {
    this.append(producer, planKey, row, nowMs)
    await producer.flush()
    await producer.commit()
  }

  private append(producer: TransactionalProducer, key: Buffer, row: PlanRow | BeginningRow, nowMs: number): void {
    producer.output(this.at.topic, this.at.partition).append(key, encodeControlRow(row), nowMs, noHeaders)
  }
}
