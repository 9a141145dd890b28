import type { Broker } from '../../src/broker/broker.ts'
import { createBroker } from '../../src/broker/broker.ts'
import { MemoryDisk as BrokerDisk } from '../../src/broker/memory-storage.ts'
import type { AppContext } from '../../src/checkpoint/app-context.ts'
import { ChangelogReader } from '../../src/checkpoint/changelog-reader.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { seededRandom } from '../../src/core/random.ts'
import { runStep, type StepHook } from '../../src/core/steps.ts'
import type { Pipeline } from '../../src/dsl/pipeline.ts'
import type { JobConfig } from '../../src/job/job-config.ts'
import { resolveJobConfig, startJob } from '../../src/job/run.ts'
import { Admin } from '../../src/kafka/admin.ts'
import { ClusterMetadata } from '../../src/kafka/cluster-metadata.ts'
import { ProducerFence } from '../../src/kafka/fencing.ts'
import { HandlerTransport } from '../../src/kafka/handler-transport.ts'
import { KafkaClient } from '../../src/kafka/kafka-client.ts'
import { MemoryDisk } from '../../src/state/memory-disk.ts'
import {
  type Actor,
  MemoryFileSystem,
  type ScriptedEvent,
  SimulatedInstance,
  SimulatedNetwork,
  Simulation,
  simulatedStorage,
} from '../../src/testing/index.ts'

/** A record as a reader under read_committed sees it. */
export interface Seen {
  readonly key: Buffer
  readonly value: Buffer | null
  readonly timestamp: number
}

/**
 * A broker, disks and files in memory, on which job instances start, die and start again, in the virtual time of one
 * simulation. Nothing here is mocked: it is the engine and the embedded broker on their memory forms.
 */
export class World {
  readonly simulation: Simulation
  readonly files = new MemoryFileSystem()
  readonly disk: MemoryDisk
  private readonly seed: number
  private readonly network: SimulatedNetwork
  private readonly brokerDisk = new BrokerDisk()
  private readonly reader: Actor
  private broker: { readonly actor: Actor; readonly opened: Broker } | null = null
  private lives = 0

  constructor(seed: number) {
    this.seed = seed
    this.simulation = new Simulation(seed)
    this.network = new SimulatedNetwork(this.simulation)
    this.reader = this.simulation.actor('reader')
    this.disk = new MemoryDisk(seededRandom(seed))
  }

  /** Lets time pass until `work` settles. */
  run<T>(work: Promise<T>): Promise<T> {
    return this.simulation.run(work)
  }

  /** Starts the broker on what its disk holds. */
  async startBroker(): Promise<void> {
    const life = ++this.lives
    const actor = this.simulation.actor(`broker-${life}`)
    const opened = await createBroker({
      storage: simulatedStorage(actor, this.brokerDisk.open()),
      clock: actor.clock,
      random: seededRandom(this.seed + life),
      logger: silentLogger,
    })
    this.broker = { actor, opened }
    this.network.listen(opened.connect)
  }

  /** kill -9 of the broker: every connection breaks, and nobody listens until the next start. */
  killBroker(): void {
    this.broker?.actor.kill()
    this.broker = null
    this.brokerDisk.kill()
    this.network.listen(null)
  }

  /** A process of an application, with what happens to it. */
  instance(script: readonly ScriptedEvent[] = [], steps: StepHook = runStep): SimulatedInstance {
    const life = ++this.lives
    const pid = 100 + life
    const { files, network } = this
    return new SimulatedInstance({
      actor: this.simulation.actor(`job-${life}`),
      network,
      random: seededRandom(this.seed + pid),
      ports: { files, steps, pid, logger: silentLogger, backends: this.disk.backends(pid) },
      script,
      onKilled: () => this.disk.kill(pid),
    })
  }

  /**
   * Runs a pipeline to its end, or follows its inputs `until` something; time passes in `run` alone.
   * @returns what the store held at the end
   */
  async runToEnd(
    pipeline: Pipeline,
    store: string,
    config: JobConfig,
    instance: SimulatedInstance = this.instance(),
    until?: Promise<unknown>,
  ): Promise<Map<string, unknown>> {
    const entries = new Map<string, unknown>()
    const job = await startJob(
      pipeline,
      resolveJobConfig({
        ...config,
        follow: until !== undefined,
        beforeClose: async () => {
          for await (const [key, value] of job.storeNamed(store)) entries.set(String(key), value)
        },
      }),
      instance.ports,
    )
    if (until !== undefined) {
      await until
      await job.stop()
    }
    await job.done
    return entries
  }

  /** All committed records of a topic, partition by partition, and whether every one of them could be read. */
  async read(topic: string): Promise<{ readonly records: Seen[]; readonly isSettled: boolean }> {
    const { reader, files } = this
    const { clock } = reader
    const transport = new HandlerTransport(
      this.network.connect(reader, () => 0),
      clock,
      'reader',
    )
    try {
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
        const changelog = new ChangelogReader(app)
        await changelog.readToEnd(at, await changelog.startOffset(at), async (batch) => {
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
}
