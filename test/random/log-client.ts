import { silentLogger } from '../../src/core/logger.ts'
import { seededRandom } from '../../src/core/random.ts'
import { runStep } from '../../src/core/steps.ts'
import { Admin } from '../../src/kafka/admin.ts'
import { ClusterMetadata } from '../../src/kafka/cluster-metadata.ts'
import { KafkaClient } from '../../src/kafka/kafka-client.ts'
import { TopicLimits } from '../../src/kafka/topic-limits.ts'
import { TransactionalProducer } from '../../src/kafka/transactional-producer.ts'
import { AbortedTransactions } from '../../src/protocol/aborted-transactions.ts'
import { batchAttribute, batchSizeAt, readBatchHeader } from '../../src/protocol/batch-header.ts'
import { readMarker } from '../../src/protocol/control-batch.ts'
import { fetch } from '../../src/protocol/messages/fetch.ts'
import { RecordCursor } from '../../src/protocol/record-batch-reader.ts'
import type { SimulatedInstance } from '../../src/testing/index.ts'
import { type CaseHeaders, caseHeaders, wireHeaders } from './headers.ts'

/** A record of a log, as bytes. */
export interface LogRecord {
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly timestamp: number
  readonly headers: CaseHeaders
}

/** What is committed in some topics. */
export interface ReadLogs {
  /** By topic, then partition. */
  readonly logs: ReadonlyMap<string, readonly (readonly LogRecord[])[]>
  /** Partitions in which a transaction is still open, `topic-partition`. */
  readonly open: readonly string[]
}

const batchRecords = 5
const fetchBytes = 4 * 1024 * 1024

/**
 * A program that is not the application: it makes topics, writes them batch by batch, and reads everything that is
 * committed, records without keys among it.
 */
export class LogClient {
  private readonly client: KafkaClient
  private readonly metadata: ClusterMetadata
  private readonly admin: Admin

  private constructor(client: KafkaClient) {
    this.client = client
    this.metadata = new ClusterMetadata(client)
    this.admin = new Admin(client, this.metadata)
  }

  static async open({ ports }: SimulatedInstance): Promise<LogClient> {
    const { transport } = await ports.connect()
    const client = new KafkaClient({ transport, clock: ports.clock, random: seededRandom(1), logger: silentLogger })
    await client.open(10_000)
    return new LogClient(client)
  }

  async close(): Promise<void> {
    await this.client.transport.close()
  }

  async createTopics(partitions: ReadonlyMap<string, number>): Promise<void> {
    await this.admin.createTopics([...partitions].map(([name, count]) => ({ name, partitions: count, config: {} })))
  }

  /** Writes records in one transaction, a few a batch; an aborted one leaves records behind that nobody may see. */
  async write(
    records: readonly (LogRecord & { readonly topic: string; readonly partition: number })[],
    ends: 'commits' | 'aborts',
  ): Promise<void> {
    if (records.length === 0) return
    const { client, metadata } = this
    await metadata.refresh('admin', [...new Set(records.map(({ topic }) => topic))])
    const producer = new TransactionalProducer({
      client,
      metadata,
      transactionalId: 'outside',
      transactionTimeoutMs: 60_000,
      steps: runStep,
      limits: new TopicLimits(this.admin),
    })
    await producer.init()
    for (const [n, { topic, partition, key, value, timestamp, headers }] of records.entries()) {
      producer.output(topic, partition).append(key, value, timestamp, wireHeaders(headers))
      if (n % batchRecords === batchRecords - 1) producer.seal()
    }
    await producer.flush()
    await (ends === 'commits' ? producer.commit() : producer.abort())
  }

  /** Reads topics from their begin to their end. */
  async read(topics: readonly string[]): Promise<ReadLogs> {
    const { client, metadata } = this
    const logs = new Map<string, LogRecord[][]>()
    const open = new Set<string>()
    if (topics.length === 0) return { logs, open: [] }
    await metadata.refresh('admin', topics)
    const wanted: { topic: string; index: number; offset: number }[] = []
    for (const topic of topics) {
      const count = metadata.partitionCount(topic)
      logs.set(
        topic,
        Array.from({ length: count }, () => []),
      )
      for (let index = 0; index < count; index++) wanted.push({ topic, index, offset: 0 })
    }
    for (let left = wanted; left.length > 0; ) {
      const node = await metadata.leader('admin', left[0]?.topic ?? '', left[0]?.index ?? 0)
      const answer = await client.send('admin', node, fetch, {
        maxWaitMs: 0,
        minBytes: 0,
        maxBytes: fetchBytes,
        isolationLevel: 1,
        topics: left.map(({ topic, index, offset }) => ({
          name: topic,
          partitions: [{ index, fetchOffset: offset, maxBytes: fetchBytes }],
        })),
      })
      left = left.filter((want, n) => {
        const found = answer.topics[n]?.partitions[0]
        if (found === undefined || found.errorCode !== 0)
          throw new Error(`${want.topic} cannot be read: ${found?.errorCode}`)
        const { records, position } = decode(found.records ?? Buffer.alloc(0), found.abortedTransactions ?? [])
        logs.get(want.topic)?.[want.index]?.push(...records)
        const moved = position > want.offset
        want.offset = Math.max(want.offset, position)
        if (found.lastStableOffset < found.highWatermark) open.add(`${want.topic}-${want.index}`)
        return moved && want.offset < found.lastStableOffset
      })
    }
    return { logs, open: [...open] }
  }
}

function decode(
  buffer: Buffer,
  abortedList: readonly { producerId: number; firstOffset: number }[],
): { records: LogRecord[]; position: number } {
  const aborted = new AbortedTransactions(abortedList)
  const cursor = new RecordCursor()
  const records: LogRecord[] = []
  let position = -1
  for (let at = 0; ; ) {
    const size = batchSizeAt(buffer, at, buffer.length)
    if (size === 0) return { records, position }
    const header = readBatchHeader(buffer, at, size)
    cursor.open(buffer, at, header)
    if (header.attributes & batchAttribute.control) {
      aborted.isAborted(header, cursor.next() ? readMarker(cursor.key()) : null)
    } else if (!aborted.isAborted(header, null)) {
      while (cursor.next()) {
        const [key, value] = [cursor.key(), cursor.value()]
        records.push({
          key: key && Buffer.from(key),
          value: value && Buffer.from(value),
          timestamp: cursor.timestamp,
          headers: caseHeaders(cursor.headers()),
        })
      }
    }
    position = header.baseOffset + header.lastOffsetDelta + 1
    at += size
  }
}
