import type { Clock } from '../../src/core/clock.ts'
import { hasCode } from '../../src/core/errors.ts'
import type { JobConfig } from '../../src/job/job-config.ts'
import { resolveJobConfig, startJob } from '../../src/job/run.ts'
import type { ScriptedEvent, SimulatedInstance } from '../../src/testing/index.ts'
import type { World } from '../support/world.ts'
import type { Work } from './scenario.ts'

/** One life of a process. */
interface Life {
  readonly instance: SimulatedInstance
  readonly stop: AbortController
  /** Resolves when it is over, however it ended. */
  readonly over: Promise<void>
  isOver: boolean
}

/** A place where a process of the application runs, dies and is started again, as a supervisor would do. */
export class Slot {
  readonly name: string
  private readonly world: World
  private readonly work: Work
  private readonly config: JobConfig
  private readonly clock: Clock
  private readonly lives: Life[] = []
  private directories = 0
  /** Whether a life asked to join by a request that is long under way, and may arrive when another has its place. */
  hasJoinedLate = false
  /** Whether an earlier life bore an id that nobody bears again. */
  hasMoved = false
  /** Why a life ended that should have gone on; the schedule fails of it. */
  failure: unknown = null

  constructor(world: World, work: Work, config: JobConfig, name: string) {
    this.clock = world.simulation.actor(`supervisor of ${name}`).clock
    this.world = world
    this.work = work
    this.config = config
    this.name = name
  }

  private get last(): Life | undefined {
    return this.lives.at(-1)
  }

  get isAlive(): boolean {
    return this.last?.isOver === false
  }

  get isPaused(): boolean {
    return this.isAlive && this.last?.instance.isPaused === true
  }

  /** Where its state is now. */
  get dataDirectory(): string {
    return `/${this.name}-${this.directories}`
  }

  /** The next life begins in an empty directory. */
  moveAway(): void {
    this.hasMoved = true
    this.directories++
  }

  /** Commits that were begun in all of its lives. */
  get commits(): number {
    return this.lives.reduce((sum, { instance }) => sum + (instance.script.seen.get('B3.endTxn') ?? 0), 0)
  }

  /** Events of scripts that happened. */
  get fired(): number {
    return this.lives.reduce((sum, { instance }) => sum + instance.script.fired, 0)
  }

  start(script: readonly ScriptedEvent[] = []): void {
    this.world.loggerOf(this.name).info(`starts in ${this.dataDirectory}: ${JSON.stringify(script)}`)
    this.hasJoinedLate ||= script.some((event) => 'request' in event && event.request === 'JoinGroup')
    const instance = this.world.instance(script)
    const stop = new AbortController()
    const life: Life = {
      instance,
      stop,
      isOver: false,
      over: this.live(instance, stop.signal).then(() => this.end(life)),
    }
    this.lives.push(life)
  }

  private end(life: Life): void {
    life.isOver = true
  }

  private async live(instance: SimulatedInstance, signal: AbortSignal): Promise<void> {
    const config = resolveJobConfig({ ...this.config, dataDirectory: this.dataDirectory, follow: true, signal })
    const running = startJob(this.work.pipeline, config, instance.ports).then((job) => job.done)
    try {
      await Promise.race([instance.killed, running])
    } catch (error) {
      // A broker that was away for longer than a client waits for it ends a job by name; whoever runs it starts it again.
      if (hasCode(error, 'BROKER_UNREACHABLE', 'CONNECTION_LOST', 'REQUEST_TIMED_OUT', 'JOB_CLOSED')) return
      // What a dead process had asked may arrive after its successor has joined: it takes the successor's place. And a
      // broker that is restarted while members join remembers the ones of before.
      if (hasCode(error, 'INSTANCE_FENCED') && (this.hasJoinedLate || this.world.brokerStarts > 1)) return
      this.failure ??= error
    }
  }

  /** kill -9. */
  kill(): void {
    this.world.loggerOf(this.name).info('is killed')
    this.last?.instance.kill()
  }

  pause(): void {
    this.world.loggerOf(this.name).info('is paused')
    this.last?.instance.pause()
  }

  resume(): void {
    this.world.loggerOf(this.name).info('goes on')
    this.last?.instance.resume()
  }

  /** SIGTERM, and the time that it takes. */
  async stop(): Promise<void> {
    const { last } = this
    if (!last) return
    this.world.loggerOf(this.name).info('is stopped')
    last.stop.abort()
    while (!last.isOver) {
      // A script may pause it on its way.
      this.resume()
      await Promise.race([last.over, this.clock.sleep(1000)])
    }
  }
}
