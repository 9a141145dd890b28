import type { Broker } from '../../src/broker/broker.ts'
import { createBroker } from '../../src/broker/broker.ts'
import type { BrokerOptions } from '../../src/broker/broker-options.ts'
import { MemoryStorage as BrokerDisk } from '../../src/broker/storage/memory-storage.ts'
import { type Logger, silentLogger } from '../../src/core/logger.ts'
import { seededRandom } from '../../src/core/random.ts'
import { runStep, type StepHook } from '../../src/core/steps.ts'
import type { Pipeline } from '../../src/dsl/pipeline.ts'
import type { JobConfig } from '../../src/job/job-config.ts'
import { resolveJobConfig, startJob } from '../../src/job/run.ts'
import { type OperatorTable, operatorTable } from '../../src/operators/operator-table.ts'
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
import { OutsideClient, type Seen } from './outside-client.ts'

/**
 * A broker, disks and files in memory, on which job instances start, die and start again, in the virtual time of one
 * simulation. Nothing here is mocked: it is the engine and the embedded broker on their memory forms.
 */
export class World {
  readonly simulation: Simulation
  readonly files = new MemoryFileSystem()
  readonly disk: MemoryDisk
  /** A program that writes what the application reads, and reads what it writes. */
  readonly outside: OutsideClient
  /** Of the brokers that are started here: the seed picks, where nobody says. */
  readonly transactionVersion: 1 | 2
  private readonly seed: number
  private readonly network: SimulatedNetwork
  private readonly brokerDisk = new BrokerDisk()
  private broker: { readonly actor: Actor; readonly opened: Broker } | null = null
  private lives = 0
  /** How often the broker was started. */
  brokerStarts = 0

  constructor(seed: number, transactionVersion: 1 | 2 = seed % 2 === 0 ? 1 : 2) {
    this.seed = seed
    this.transactionVersion = transactionVersion
    this.simulation = new Simulation(seed)
    this.network = new SimulatedNetwork(this.simulation)
    const reader = this.simulation.actor('outside')
    this.outside = new OutsideClient(
      reader,
      this.network.connect(reader, () => 0),
      seed,
    )
    this.disk = new MemoryDisk(seededRandom(seed))
  }

  /** Lets time pass until `work` settles. */
  run<T>(work: Promise<T>): Promise<T> {
    return this.simulation.run(work)
  }

  /** Starts the broker on what its disk holds. */
  async startBroker(options: BrokerOptions = {}): Promise<void> {
    const life = ++this.lives
    this.brokerStarts++
    const actor = this.simulation.actor(`broker-${life}`)
    const opened = await createBroker({
      storage: simulatedStorage(actor, this.brokerDisk.open()),
      clock: actor.clock,
      random: seededRandom(this.seed + life),
      logger: silentLogger,
      options: { transactionVersion: this.transactionVersion, ...options },
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

  /** The broker's machine stops: it is down, and what no sync had reached is lost. */
  losePower(): void {
    this.killBroker()
    this.brokerDisk.losePower(this.simulation.random)
  }

  /** A process of an application, with what happens to it. */
  instance(
    script: readonly ScriptedEvent[] = [],
    steps: StepHook = runStep,
    operators: OperatorTable = operatorTable,
  ): SimulatedInstance {
    const life = ++this.lives
    const pid = 100 + life
    const { files, network } = this
    const name = `job-${life}`
    return new SimulatedInstance({
      actor: this.simulation.actor(name),
      network,
      random: seededRandom(this.seed + pid),
      ports: { files, steps, pid, operators, logger: this.loggerOf(name), backends: this.disk.backends(pid) },
      script,
      onKilled: () => this.disk.kill(pid),
    })
  }

  /** `MILLRACE_TEST_LOG=1` prints what everybody says, at its virtual time. */
  loggerOf(name: string): Logger {
    if (process.env['MILLRACE_TEST_LOG'] === undefined) return silentLogger
    const say = (level: string) => (message: string, fields?: unknown) =>
      console.error(
        `${this.simulation.nowMs.toFixed(1)} ${name} ${level}: ${message} ${fields ? JSON.stringify(fields) : ''}`,
      )
    return { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') }
  }

  /**
   * Runs a pipeline to its end, or follows its inputs `until` something; time passes in `run` alone.
   * @returns what the store held at the end; nothing where none is named
   */
  async runToEnd(
    pipeline: Pipeline,
    store: string | null,
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
          if (store === null) return
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

  /** As {@link OutsideClient.read}. */
  read(topic: string): Promise<{ readonly records: Seen[]; readonly isSettled: boolean }> {
    return this.outside.read(topic)
  }
}
