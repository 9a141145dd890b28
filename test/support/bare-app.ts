import { type Broker, createBroker } from '../../src/broker/broker.ts'
import { Interceptors } from '../../src/broker/net/interceptors.ts'
import { MemoryStorage as BrokerDisk } from '../../src/broker/storage/memory-storage.ts'
import type { AppContext } from '../../src/checkpoint/app-context.ts'
import { ControlTopic } from '../../src/checkpoint/control-topic.ts'
import { RestoreSlices } from '../../src/checkpoint/restore-slices.ts'
import { newAbort } from '../../src/core/abort.ts'
import type { Clock } from '../../src/core/clock.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { MemoryBudget } from '../../src/core/memory-budget.ts'
import { seededRandom } from '../../src/core/random.ts'
import { noHeaders } from '../../src/core/record.ts'
import { runStep, type StepHook, type StepName } from '../../src/core/steps.ts'
import { systemClock } from '../../src/core/system-clock.ts'
import { Admin } from '../../src/kafka/admin.ts'
import { ClusterMetadata } from '../../src/kafka/cluster-metadata.ts'
import { ProducerFence } from '../../src/kafka/fencing.ts'
import { HandlerTransport } from '../../src/kafka/handler-transport.ts'
import { KafkaClient } from '../../src/kafka/kafka-client.ts'
import type { OffsetCommit } from '../../src/kafka/offset-commit.ts'
import { TopicLimits } from '../../src/kafka/topic-limits.ts'
import { TransactionalProducer } from '../../src/kafka/transactional-producer.ts'
import { MemoryDisk } from '../../src/state/memory-disk.ts'
import { MemoryFileSystem } from '../../src/testing/index.ts'
import { keepingLogger } from './bare-thread.ts'

/** A record to write. */
export type Row = readonly [key: string | Buffer | null, value: string | Buffer | null, timestamp?: number]

const bytes = (part: string | Buffer | null): Buffer | null => (typeof part === 'string' ? Buffer.from(part) : part)

/** How much faster than the wall time goes by. */
const speed = 10

/** A clock ten times as fast as the wall, whose dates a test may move. */
class MovableClock {
  movedMs = 0
  readonly clock: Clock

  constructor() {
    const origin = systemClock.now()
    this.clock = {
      now: () => Math.floor(origin + (systemClock.now() - origin) * speed) + this.movedMs,
      monotonicMs: () => systemClock.monotonicMs() * speed,
      timer: (delayMs, fire) => systemClock.timer(delayMs / speed, fire),
      sleep: (delayMs, signal) => systemClock.sleep(delayMs / speed, signal),
      yield: () => systemClock.yield(),
    }
  }
}

/**
 * An application without a job: its context on an embedded broker in memory, and producers that write into it. Nothing
 * here is mocked; the clock is ten times as fast as the wall.
 */
export class BareApp {
  readonly app: AppContext
  readonly interceptors: Interceptors
  readonly disk: MemoryDisk
  /** What the application said, from `info` on. */
  readonly lines: readonly string[]
  /** The steps that were taken. */
  readonly steps: StepName[]
  private readonly broker: Broker
  private readonly time: MovableClock
  private readonly watchers: [name: StepName, begun: () => void][]
  private readonly producers = new Map<string, TransactionalProducer>()

  private constructor(
    parts: Pick<BareApp, 'app' | 'interceptors' | 'disk' | 'lines' | 'steps'>,
    broker: Broker,
    time: MovableClock,
    watchers: [name: StepName, begun: () => void][],
  ) {
    this.app = parts.app
    this.interceptors = parts.interceptors
    this.disk = parts.disk
    this.lines = parts.lines
    this.steps = parts.steps
    this.broker = broker
    this.time = time
    this.watchers = watchers
  }

  /** Resolves when a step is begun the next time. */
  begun(name: StepName): Promise<void> {
    return new Promise((resolve) => this.watchers.push([name, resolve]))
  }

  /** @param hook is asked, and awaited, before each step; what it throws is thrown in place of the step */
  static async open(appId = 'app', hook: (name: StepName) => Promise<void> | void = () => undefined): Promise<BareApp> {
    const time = new MovableClock()
    const { clock } = time
    const interceptors = new Interceptors()
    const storage = new BrokerDisk().open()
    const options = { interceptors }
    const broker = await createBroker({ storage, clock, random: seededRandom(1), logger: silentLogger, options })
    const { logger, lines } = keepingLogger()
    const random = seededRandom(2)
    const transport = new HandlerTransport(broker.connect, clock, appId)
    const client = new KafkaClient({ transport, clock, random, logger })
    await client.open(10_000)
    const metadata = new ClusterMetadata(client)
    await metadata.refresh('admin', [])
    const disk = new MemoryDisk(seededRandom(3))
    const taken: StepName[] = []
    const watchers: [name: StepName, begun: () => void][] = []
    const steps: StepHook = async (name, effect) => {
      taken.push(name)
      for (const watcher of watchers.filter(([wanted]) => wanted === name)) {
        watchers.splice(watchers.indexOf(watcher), 1)
        watcher[1]()
      }
      await hook(name)
      return runStep(name, effect)
    }
    const transactionalId = `${appId}-own-0`
    const opened: Omit<AppContext, 'control'> = {
      appId,
      ports: { clock, random, files: new MemoryFileSystem(), logger, steps },
      client,
      metadata,
      admin: new Admin(client, metadata),
      fence: new ProducerFence(client, metadata, appId, 60_000),
      backends: disk.backends(1),
      stateDirectory: '/state',
      storeOptions: { memory: new MemoryBudget(1e7), backendBytes: 0, hashSeed: 1 },
      restoreSlices: new RestoreSlices(),
      damagedStores: new Set(),
      inputEnds: new Map(),
      transactionalId,
      aliveTransactionalIds: () => new Set([transactionalId]),
      signal: newAbort().signal,
      planVersion: 1,
      freshStores: new Set(),
      topicId: (topic) => metadata.topic(topic)?.topicId ?? '',
    }
    const app: AppContext = { ...opened, control: new ControlTopic(opened) }
    return new BareApp({ app, interceptors, disk, lines, steps: taken }, broker, time, watchers)
  }

  async close(): Promise<void> {
    await this.app.client.transport.close()
    await this.broker.close()
  }

  /** Moves the date, not the time that passes. */
  moveDate(ms: number): void {
    this.time.movedMs += ms
  }

  async createTopic(name: string, partitions = 1): Promise<void> {
    await this.app.admin.createTopics([{ name, partitions, config: {} }])
    await this.app.metadata.refresh('admin', [name])
  }

  /** The producer of a transactional id, ready to write. */
  async producer(transactionalId = this.app.transactionalId): Promise<TransactionalProducer> {
    let producer = this.producers.get(transactionalId)
    if (!producer) {
      const { client, metadata } = this.app
      producer = new TransactionalProducer({
        client,
        metadata,
        limits: new TopicLimits(this.app.admin),
        transactionalId,
        transactionTimeoutMs: 600_000,
        steps: runStep,
      })
      await producer.init()
      this.producers.set(transactionalId, producer)
    }
    return producer
  }

  /** Writes records in a transaction that stays open. @returns what ends it */
  async begin(
    topic: string,
    rows: readonly Row[],
    partition = 0,
    by?: string,
  ): Promise<(commits: boolean) => Promise<void>> {
    const producer = await this.producer(by)
    for (const [key, value, timestamp] of rows) {
      producer.output(topic, partition).append(bytes(key), bytes(value), timestamp ?? 1000, noHeaders)
    }
    await producer.flush()
    return async (commits) => {
      if (commits) return producer.commit()
      await producer.abort()
      await producer.init()
    }
  }

  /** Writes records in a transaction of their own. */
  async write(topic: string, rows: readonly Row[], partition = 0): Promise<void> {
    const end = await this.begin(topic, rows, partition)
    await end(true)
  }

  /** Commits offsets of the application's group, which has no members. */
  async commitOffsets(offsets: readonly OffsetCommit[]): Promise<void> {
    const group = { groupId: this.app.appId, generationId: -1, memberId: '', groupInstanceId: null }
    await this.app.admin.commitOffsets(group, offsets)
  }
}
