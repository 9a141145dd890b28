import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Rounds, sides } from './beside.ts'
import type { KafkaWorld, Side } from './kafka-world.ts'
import { useOf } from './process-use.ts'
import { type Comparison, printed, type Round } from './results.ts'
import type { StandingProcess } from './standing-process.ts'

const keys = 2_000_000

/** New records that wait when a side is started on an empty directory, and those into the midst of which a kill comes. */
const waiting = { restore: 1000, restart: 300_000 } as const

/**
 * Coming back with the state of a count over 2 million keys, in seconds from the call that starts the job to its first
 * committed output: into an empty directory, and after a kill -9 in the midst of work. Each round is a process of its own;
 * Kafka stays up. Both sides are static members, so that none waits for the session of a dead one.
 */
export async function recovery(world: KafkaWorld, { records, rounds, say }: Rounds): Promise<Comparison[]> {
  const found = new Map<string, Round[]>()
  const keep = (what: keyof typeof waiting, side: Side, round: number, one: Round): void => {
    say(`${what}, ${side}, ${round === 0 ? 'not counted' : `round ${round}`}: ${one.fault ?? printed(one.figure, 's')}`)
    const name = `${what} ${side}`
    if (round > 0) found.set(name, [...(found.get(name) ?? []), one])
  }
  const runs = new Map<Side, Returning>()
  try {
    for (const side of sides) {
      const run = new Returning(world, side, records)
      runs.set(side, run)
      await run.prepare()
    }
    for (const what of ['restore', 'restart'] as const) {
      for (let round = 0; round <= rounds; round++) {
        await world.more(await world.input(records, keys), waiting[what])
        for (const [side, run] of runs) keep(what, side, round, await run[what]())
      }
    }
  } finally {
    for (const run of runs.values()) await run.close()
  }
  const comparison = (what: string, name: keyof typeof waiting): Comparison => {
    const own = found.get(`${name} Millrace`) as Round[]
    return { what, unit: 's', own, peer: found.get(`${name} Kafka Streams`) as Round[], least: 1 }
  }
  return [
    comparison('restore of 2 million keys', 'restore'),
    comparison('restart after kill -9, 2 million keys', 'restart'),
  ]
}

/** One side that comes back again and again, to the same application. */
class Returning {
  private readonly world: KafkaWorld
  private readonly side: Side
  private readonly records: number
  private readonly app: string
  private readonly folder: string
  private program: StandingProcess | null = null

  constructor(world: KafkaWorld, side: Side, records: number) {
    this.world = world
    this.side = side
    this.records = records
    this.app = `return-${side.replace(' ', '-')}`
    this.folder = join(world.folder, this.app)
  }

  private get output(): string {
    return `${this.app}-out`
  }

  /** Starts a program and the job in it. @returns when the job was started, epoch milliseconds */
  private async start(): Promise<number> {
    const { topic } = await this.world.input(this.records, keys)
    this.program = this.world.side(this.side)
    return Number((await this.program.ask('start', 'count', topic, this.output, this.app, this.folder))['startMs'])
  }

  /** Lets it work to the end of the input, and stops it. @returns what is wrong with the output */
  private async finish(): Promise<string | null> {
    const { expected } = await this.world.input(this.records, keys)
    await this.world.judge.watch(this.output, expected, 'keys')
    await this.program?.ask('stop')
    return this.world.judge.faultOf(this.output, expected, 'keys')
  }

  /** Makes the state, and stops in order. */
  async prepare(): Promise<void> {
    await this.world.judge.create(this.output)
    await this.start()
    await this.finish()
    await this.program?.end()
  }

  /** Into an empty directory. */
  async restore(): Promise<Round> {
    await rm(this.folder, { recursive: true, force: true })
    return this.returning()
  }

  /** After a kill in the midst of work. */
  async restart(): Promise<Round> {
    await this.world.judge.mark(this.output)
    await this.start()
    await this.world.judge.first(this.output)
    await this.program?.kill()
    return this.returning()
  }

  private async returning(): Promise<Round> {
    const { judge } = this.world
    await judge.mark(this.output)
    const startMs = await this.start()
    const firstMs = await judge.first(this.output)
    const use = useOf((this.program as StandingProcess).pid)
    const fault = await this.finish()
    await this.program?.end()
    return { figure: (firstMs - startMs) / 1000, ...use, fault }
  }

  async close(): Promise<void> {
    await this.program?.kill()
    await this.world.judge.drop(this.app)
    await rm(this.folder, { recursive: true, force: true })
  }
}
