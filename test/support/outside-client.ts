import type { AppContext } from '../../src/checkpoint/app-context.ts'
import { ChangelogReader } from '../../src/checkpoint/changelog-reader.ts'
import { decodeOffsetMetadata } from '../../src/checkpoint/offset-metadata.ts'
import { RestoreSlices } from '../../src/checkpoint/restore-slices.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { seededRandom } from '../../src/core/random.ts'
import { noHeaders } from '../../src/core/record.ts'
import { runStep } from '../../src/core/steps.ts'
import { partitionKey } from '../../src/core/topic-partition.ts'
import { Admin } from '../../src/kafka/admin.ts'
import { ClusterMetadata } from '../../src/kafka/cluster-metadata.ts'
import { ProducerFence } from '../../src/kafka/fencing.ts'
import { HandlerTransport } from '../../src/kafka/handler-transport.ts'
import { KafkaClient } from '../../src/kafka/kafka-client.ts'
import { partitionOf } from '../../src/kafka/partitioner.ts'
import { TopicLimits } from '../../src/kafka/topic-limits.ts'
import { TransactionalProducer } from '../../src/kafka/transactional-producer.ts'
import type { Connect } from '../../src/protocol/frame.ts'
import type { Actor } from '../../src/testing/index.ts'

/** A record as a reader under read_committed sees it. */
export interface Seen {
  readonly key: Buffer
  readonly value: Buffer | null
  readonly timestamp: number
  readonly partition: number
}

/** What a group committed last for a partition, and the transactional id of who did. */
export interface LastCommit {
  readonly offset: number
  readonly by: string
}

/** A record for a topic; without a partition its key decides, as with Java's producer. */
export interface OutsideRecord {
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly timestamp: number
  readonly partition?: number
}

interface Session {
  readonly client: KafkaClient
  readonly metadata: ClusterMetadata
  readonly admin: Admin
  readonly transport: HandlerTransport
}

/**
 * A program that is not the application: makes topics at a simulated broker, writes to them in transactions, and reads
 * what is committed. Each call has connections of its own, so that a broker may die between two.
 */
export class OutsideClient {
  private readonly actor: Actor
  private readonly connect: Connect
  private readonly seed: number

  constructor(actor: Actor, connect: Connect, seed: number) {
    this.actor = actor
    this.connect = connect
    this.seed = seed
  }

  async createTopic(name: string, partitions: number, config: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.session(({ admin }) => admin.createTopics([{ name, partitions, config }]))
  }

  /**
   * Writes records in one transaction, in their order; `aborts` ends it the other way: nobody may ever see them.
   * @param ending called when all is written and the transaction is about to be ended
   */
  async write(
    topic: string,
    records: readonly OutsideRecord[],
    aborts = false,
    ending: () => void = () => undefined,
  ): Promise<void> {
    await this.session(async ({ client, metadata, admin }) => {
      await metadata.refresh('admin', [topic])
      const partitions = metadata.partitionCount(topic)
      const producer = new TransactionalProducer({
        client,
        metadata,
        transactionalId: `outside-${topic}`,
        transactionTimeoutMs: 60_000,
        steps: runStep,
        limits: new TopicLimits(admin),
      })
      await producer.init()
      for (const { key, value, timestamp, partition } of records) {
        const to = partition ?? (key === null ? 0 : partitionOf(key, partitions))
        producer.output(topic, to).append(key, value, timestamp, noHeaders)
      }
      await producer.flush()
      ending()
      await (aborts ? producer.abort() : producer.commit())
    })
  }

  /** All committed records of a topic, partition by partition, and whether every one of them could be read. */
  async read(topic: string): Promise<{ readonly records: Seen[]; readonly isSettled: boolean }> {
    return this.session(async ({ client, metadata, admin }) => {
      const [found] = await metadata.refresh('admin', [topic])
      const records: Seen[] = []
      const app = {
        ports: { clock: client.clock, random: seededRandom(this.seed), logger: silentLogger, steps: runStep },
        client,
        metadata,
        admin,
        fence: new ProducerFence(client, metadata, 'no-such-application', 1000),
        aliveTransactionalIds: () => new Set<string>(),
        signal: new AbortController().signal,
        restoreSlices: new RestoreSlices(),
      } as unknown as AppContext
      let isSettled = true
      for (const partition of found?.leaders.keys() ?? []) {
        const at = { topic, partition }
        const [high, stable] = await Promise.all([admin.endOffsets([at], 'high'), admin.endOffsets([at], 'stable')])
        isSettled &&= [...high.values()][0] === [...stable.values()][0]
        const reader = new ChangelogReader(app)
        await reader.readToEnd(at, await reader.startOffset(at), async (batch) => {
          for (const { key, value, timestamp } of batch) {
            records.push({ key: Buffer.from(key), value: value && Buffer.from(value), timestamp, partition })
          }
        })
      }
      return { records, isSettled }
    })
  }

  /** What the group of an application committed last for a topic, partition by partition; null where it committed nothing. */
  async committed(appId: string, topic: string): Promise<readonly (LastCommit | null)[]> {
    return this.session(async ({ metadata, admin }) => {
      const [found] = await metadata.refresh('admin', [topic])
      const partitions = [...(found?.leaders.keys() ?? [])].map((partition) => ({ topic, partition }))
      const offsets = await admin.committedOffsets(appId, partitions, false)
      return partitions.map(({ partition }) => {
        const last = offsets.get(partitionKey(topic, partition))
        if (last === undefined || last === 'unstable') return null
        return { offset: last.offset, by: decodeOffsetMetadata(last.metadata)?.txnId ?? '' }
      })
    })
  }

  /** Commits one offset for every partition of a topic, as a program beside the group may while it has no members. */
  async commitOffsets(appId: string, topic: string, offset: number): Promise<void> {
    await this.session(async ({ metadata, admin }) => {
      const [found] = await metadata.refresh('admin', [topic])
      const group = { groupId: appId, generationId: -1, memberId: '', groupInstanceId: null }
      const offsets = [...(found?.leaders.keys() ?? [])].map((partition) => ({
        topic,
        partition,
        offset,
        metadata: '',
      }))
      await admin.commitOffsets(group, offsets)
    })
  }

  private async session<T>(use: (session: Session) => Promise<T>): Promise<T> {
    const { clock, name } = this.actor
    const transport = new HandlerTransport(this.connect, clock, name)
    try {
      const client = new KafkaClient({ transport, clock, random: seededRandom(this.seed), logger: silentLogger })
      await client.open(10_000)
      const metadata = new ClusterMetadata(client)
      return await use({ client, metadata, admin: new Admin(client, metadata), transport })
    } finally {
      await transport.close()
    }
  }
}
