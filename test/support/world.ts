import type { Broker } from '../../src/broker/broker.ts'
import { createBroker } from '../../src/broker/broker.ts'
import { MemoryDisk as BrokerDisk } from '../../src/broker/memory-storage.ts'
import type { AppContext } from '../../src/checkpoint/app-context.ts'
import { ChangelogReader } from '../../src/checkpoint/changelog-reader.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { seededRandom } from '../../src/core/random.ts'
import { runStep, type StepHook } from '../../src/core/steps.ts'
import { systemClock } from '../../src/core/system-clock.ts'
import type { Pipeline } from '../../src/dsl/pipeline.ts'
import { resolveJobConfig, startJob } from '../../src/job/job.ts'
import type { JobConfig } from '../../src/job/job-config.ts'
import { Admin } from '../../src/kafka/admin.ts'
import { ClusterMetadata } from '../../src/kafka/cluster-metadata.ts'
import { ProducerFence } from '../../src/kafka/fencing.ts'
import { HandlerTransport } from '../../src/kafka/handler-transport.ts'
import { KafkaClient } from '../../src/kafka/kafka-client.ts'
import { MemoryDisk } from '../../src/state/memory-disk.ts'
import { fasterClock, Instance, MemoryFileSystem } from '../../src/testing/index.ts'

/** A record as a reader under read_committed sees it. */
export interface Seen {
  readonly key: Buffer
  readonly value: Buffer | null
  readonly timestamp: number
}

/** Ten times as fast as the wall: a session of 10 s is over in one. */
const speed = 10

/**
 * A broker, disks and files in memory, on which job instances start, die and start again. Nothing here is mocked: it is
 * the engine and the embedded broker on their memory forms.
 */
export class World {
  readonly clock = fasterClock(systemClock, speed)
  readonly files = new MemoryFileSystem()
  readonly disk: MemoryDisk
  private readonly seed: number
  private readonly brokerDisk = new BrokerDisk()
  private broker: Broker | null = null
  private pids = 100

  constructor(seed: number) {
    this.seed = seed
    this.disk = new MemoryDisk(seededRandom(seed))
  }

  async open(): Promise<void> {
    const random = seededRandom(this.seed + 1)
    this.broker = await createBroker({
      storage: this.brokerDisk.open(),
      clock: this.clock,
      random,
      logger: silentLogger,
    })
  }

  async close(): Promise<void> {
    await this.broker?.close()
  }

  /** Starts an instance of a pipeline; `steps` is told of every named step. */
  instance(steps: StepHook = runStep): { readonly instance: Instance; readonly kill: () => Promise<void> } {
    const pid = ++this.pids
    const { clock, files } = this
    const instance = new Instance({
      clock,
      files,
      steps,
      pid,
      random: seededRandom(this.seed + pid),
      logger: silentLogger,
      backends: this.disk.backends(pid),
      connect: async () => ({ transport: this.transport('job'), broker: null }),
    })
    const kill = async (): Promise<void> => {
      await instance.kill()
      this.disk.kill(pid)
    }
    return { instance, kill }
  }

  /** Runs a pipeline to its end. @returns what the store held then */
  async runToEnd(
    pipeline: Pipeline,
    store: string,
    config: JobConfig,
    instance: Instance,
  ): Promise<Map<string, unknown>> {
    const entries = new Map<string, unknown>()
    const job = await startJob(
      pipeline,
      resolveJobConfig({
        ...config,
        beforeClose: async () => {
          for await (const [key, value] of job.storeNamed(store)) entries.set(String(key), value)
        },
      }),
      instance.ports,
    )
    await job.done
    return entries
  }

  /** All committed records of a topic, partition by partition, and whether every one of them could be read. */
  async read(topic: string): Promise<{ readonly records: Seen[]; readonly isSettled: boolean }> {
    const transport = this.transport('reader')
    try {
      const { clock, files } = this
      const random = seededRandom(this.seed)
      const client = new KafkaClient({ transport, clock, random, logger: silentLogger })
      await client.open(10_000)
      const metadata = new ClusterMetadata(client)
      const admin = new Admin(client, metadata)
      const [found] = await metadata.refresh('admin', [topic])
      const records: Seen[] = []
      const app = {
        ports: { clock, random, files, logger: silentLogger, steps: runStep },
        client,
        metadata,
        admin,
        fence: new ProducerFence(client, metadata, 'no-such-application', 1000),
        aliveTransactionalIds: () => new Set<string>(),
        signal: new AbortController().signal,
      } as unknown as AppContext
      let isSettled = true
      for (const partition of found?.leaders.keys() ?? []) {
        const at = { topic, partition }
        const [high, stable] = await Promise.all([admin.endOffsets([at], 'high'), admin.endOffsets([at], 'stable')])
        isSettled &&= [...high.values()][0] === [...stable.values()][0]
        const reader = new ChangelogReader(app)
        await reader.readToEnd(at, await reader.startOffset(at), async (batch) => {
          for (const { key, value, timestamp } of batch) {
            records.push({ key: Buffer.from(key), value: value && Buffer.from(value), timestamp })
          }
        })
      }
      return { records, isSettled }
    } finally {
      await transport.close()
    }
  }

  private transport(clientId: string): HandlerTransport {
    if (!this.broker) throw new Error('the world is open')
    return new HandlerTransport(this.broker.connect, this.clock, clientId)
  }
}
