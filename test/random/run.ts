import { hasCode } from '../../src/core/errors.ts'
import type { Pipeline } from '../../src/dsl/pipeline.ts'
import { resolveJobConfig, startJob } from '../../src/job/run.ts'
import type { SimulatedInstance } from '../../src/testing/index.ts'
import { World } from '../support/world.ts'
import type { Analysis } from './analysis.ts'
import type { Case, Fault, Life, PhaseScript } from './case.ts'
import { SinkMemory } from './connectors.ts'
import { type DiskStores, readDisk } from './disk-rows.ts'
import { hasFired, isDoubt, scripted } from './faults.ts'
import { LogClient, type LogRecord, type ReadLogs } from './log-client.ts'
import { appId, pipelineOf } from './pipeline.ts'
import { bytesOf, poisonOf } from './serdes.ts'

/** All that is left of a run. */
export interface RunResult {
  readonly read: ReadLogs
  readonly sinks: ReadonlyMap<string, SinkMemory>
  /** Rows of each store as the jobs of the last phase showed them before they closed, `key=value` in hex, sorted. */
  readonly shown: ReadonlyMap<string, readonly string[]>
  /** Rows of each store in the last directory, by partition and key in hex. */
  readonly disk: DiskStores
  /** Faults that came to pass, and those that did not. */
  readonly fired: readonly Fault[]
  readonly missed: readonly Fault[]
  /** Lives of processes, commits that they began, and steps of the simulation. */
  readonly lives: number
  readonly commits: number
  readonly steps: number
}

type Written = LogRecord & { readonly topic: string; readonly partition: number }

const recordDeadlineMs = 10_000

/** Virtual. No case takes more than some minutes. */
const endsWithinMs = 1_200_000

/** How long a job that follows its inputs goes on behind the last portion. */
const followedMs = 100

/**
 * Runs a case in a simulation, phase by phase: undisturbed in one directory, or under its script and then once more in an
 * empty one.
 */
export async function runCase(given: Case, analysis: Analysis, isDisturbed: boolean): Promise<RunResult> {
  const world = new World(given.seed)
  return world.simulation.run(new CaseRun(given, analysis, world, isDisturbed).run(), { timeMs: endsWithinMs })
}

class CaseRun {
  private readonly given: Case
  private readonly analysis: Analysis
  private readonly world: World
  private readonly isDisturbed: boolean
  private readonly sinks: ReadonlyMap<string, SinkMemory>
  private readonly stores: readonly string[]
  private readonly pipeline: Pipeline
  private readonly fired: Fault[] = []
  private readonly missed: Fault[] = []
  private readonly instances: SimulatedInstance[] = []
  private shown = new Map<string, string[]>()
  private phase = 0

  constructor(given: Case, analysis: Analysis, world: World, isDisturbed: boolean) {
    this.given = given
    this.analysis = analysis
    this.world = world
    this.isDisturbed = isDisturbed
    const { nodes } = given
    this.sinks = new Map(
      nodes.flatMap((node) => (node.kind === 'connector-sink' ? [[node.sink, new SinkMemory()]] : [])),
    )
    this.stores = nodes.flatMap((node) => (node.kind === 'aggregate' ? [node.store] : []))
    this.pipeline = pipelineOf(given, analysis, this.sinks, () => this.phase)
  }

  async run(): Promise<RunResult> {
    const { world, given } = this
    await world.startBroker()
    const client = await LogClient.open(world.instance())
    await client.createTopics(new Map(Object.entries(given.topics).map(([name, { partitions }]) => [name, partitions])))
    for (const [phase, script] of given.script.entries()) {
      this.phase = phase
      await this.runPhase(this.isDisturbed ? script : { lives: [{ directory: '/calm', faults: [] }] }, client)
    }
    const lastDirectory = this.isDisturbed ? '/empty' : '/calm'
    if (this.isDisturbed) {
      this.shown = new Map()
      await this.live({ directory: lastDirectory, faults: [] })
      // What a process that is gone for good left open is ended when its time is over.
      const { clock } = world.simulation.actor('patience')
      await clock.sleep(3 * (given.commitIntervalMs + recordDeadlineMs) + 10_000)
    }
    const read = await client.read(this.outputs())
    await client.close()
    return {
      read,
      sinks: this.sinks,
      shown: new Map([...this.shown].map(([store, rows]) => [store, rows.sort()])),
      disk: await readDisk(world.disk, lastDirectory, this.stores),
      fired: this.fired,
      missed: this.missed,
      lives: this.instances.length,
      commits: this.instances.reduce((sum, { script }) => sum + (script.seen.get('B3.endTxn') ?? 0), 0),
      steps: world.simulation.steps,
    }
  }

  private outputs(): string[] {
    const written = this.given.nodes.flatMap((node) => (node.kind === 'topic-sink' ? [node.topic] : []))
    return [...new Set(written), ...this.stores.map((store) => `${appId}-${store}-changelog`)]
  }

  /** The records of a phase, in so many portions of each topic. */
  private portions(phase: number, count: number): Written[][] {
    const portions = Array.from({ length: count }, (): Written[] => [])
    for (const [topic, { key, value, records }] of Object.entries(this.given.topics)) {
      const own = records.filter((record) => record.phase === phase)
      for (const [n, record] of own.entries()) {
        portions[Math.floor((n * count) / own.length)]?.push({
          topic,
          partition: record.partition,
          key: bytesOf(key, record.key),
          value: record.isPoison ? poisonOf(value) : bytesOf(value, record.value),
          timestamp: record.timestamp,
          headers: record.headers ?? [],
        })
      }
    }
    return portions
  }

  private async write(client: LogClient, records: readonly Written[]): Promise<void> {
    // What a transaction leaves behind that is aborted must be nobody's.
    if (this.given.seed % 3 === 0) await client.write(records.slice(0, 4), 'aborts')
    await client.write(records, 'commits')
  }

  private async runPhase({ lives, beside, trickle }: PhaseScript, client: LogClient): Promise<void> {
    const { clock } = this.world.simulation.actor('phase')
    const feed = async (): Promise<void> => {
      if (trickle === undefined) return
      for (const portion of this.portions(this.phase, trickle.portions)) {
        await this.write(client, portion)
        await clock.sleep(trickle.everyMs)
      }
      await clock.sleep(followedMs)
    }
    if (trickle === undefined) await this.write(client, this.portions(this.phase, 1).flat())
    const fed = trickle === undefined ? null : feed()
    const second = async (): Promise<void> => {
      if (beside === undefined) return
      await clock.sleep(beside.afterMs)
      await this.live({ directory: beside.directory, faults: [] }, fed)
    }
    const first = async (): Promise<void> => {
      for (const life of lives) if (await this.live(life, fed)) return
    }
    this.shown = new Map()
    await Promise.all([first(), second()])
    if (trickle === undefined) return
    this.shown = new Map()
    await this.live({ directory: lives.at(-1)?.directory ?? '/one', faults: [] })
  }

  /**
   * @param until given: it follows its inputs for so long, and is stopped then
   * @returns whether it ended by itself
   */
  private async live({ directory, faults }: Life, until: Promise<void> | null = null): Promise<boolean> {
    const instance = this.world.instance(faults.flatMap(scripted))
    this.instances.push(instance)
    const happened = new Set<Fault>()
    const isOver = { now: false }
    const timed = faults.map((fault) => this.happenInTime(fault, instance, isOver, happened))
    const ended = this.startJob(instance, directory, until).catch((error: unknown) => {
      // A stop says so when its last commit is known and its stores are in doubt; what is left is for the next life.
      if (until !== null && isDoubt(error)) return null
      // A broker that was restarted while members joined remembers the ones of before: whoever runs the job starts it again.
      if (hasCode(error, 'INSTANCE_FENCED') && this.world.brokerStarts > 1) return 'fenced' as const
      throw error
    })
    const end = await Promise.race([instance.killed, ended])
    isOver.now = true
    await Promise.all(timed)
    for (const fault of faults) {
      const isFired = happened.has(fault) || hasFired(fault, faults, instance)
      ;(isFired ? this.fired : this.missed).push(fault)
    }
    return end === 'fenced' ? this.live({ directory, faults: [] }, until) : end !== null
  }

  private async startJob(
    instance: SimulatedInstance,
    dataDirectory: string,
    until: Promise<void> | null,
  ): Promise<'ended'> {
    const { given } = this
    const job = await startJob(
      this.pipeline,
      resolveJobConfig({
        dataDirectory,
        follow: until !== null,
        commitIntervalMs: given.commitIntervalMs,
        commitShareMax: 1,
        recordDeadlineMs,
        ...(given.hasTinyCache ? { memoryBytes: 1 } : {}),
        beforeClose: async () => {
          for (const store of this.stores) await this.show(store, job.storeNamed(store))
        },
      }),
      instance.ports,
    )
    if (until !== null) {
      await Promise.race([until, job.done])
      await job.stop()
    }
    await job.done
    return 'ended'
  }

  private async show(store: string, rows: AsyncIterable<readonly [key: unknown, value: unknown]>): Promise<void> {
    const place = this.given.nodes.findIndex((node) => node.kind === 'aggregate' && node.store === store)
    const { key: keySerde, value: valueSerde } = this.analysis.fact(place)
    const shown = this.shown.get(store) ?? []
    this.shown.set(store, shown)
    for await (const [key, value] of rows) {
      shown.push(`${bytesOf(keySerde, key)?.toString('hex')}=${bytesOf(valueSerde, value)?.toString('hex')}`)
    }
  }

  /** Pauses, and brokers that go down, at their time; if the process is still at work then. */
  private async happenInTime(
    fault: Fault,
    instance: SimulatedInstance,
    isOver: { readonly now: boolean },
    happened: Set<Fault>,
  ): Promise<void> {
    if (!('forMs' in fault)) return
    const { clock } = this.world.simulation.actor('fate')
    await clock.sleep('pauseAtMs' in fault ? fault.pauseAtMs : fault.brokerDownAtMs)
    if (isOver.now) return
    happened.add(fault)
    if ('pauseAtMs' in fault) {
      instance.pause()
      await clock.sleep(fault.forMs)
      instance.resume()
    } else {
      this.world.killBroker()
      await clock.sleep(fault.forMs)
      await this.world.startBroker()
    }
  }
}
