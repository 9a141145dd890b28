import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Digest } from './judge.ts'
import type { KafkaWorld, Side } from './kafka-world.ts'
import { resetPeak, useOf } from './process-use.ts'
import { type Comparison, printed, type Round } from './results.ts'
import type { StandingProcess } from './standing-process.ts'

/** Work that both sides do on one input. */
export interface Work {
  readonly what: string
  /** As the programs of the sides call it. */
  readonly work: 'pass' | 'count' | 'rekey'
  readonly keys: number
  readonly digest: Digest
  /** How many times the rate of Kafka Streams is demanded. */
  readonly least: number
}

/** How often each side runs. */
export interface Rounds {
  readonly records: number
  /** Those that count; one goes before them. */
  readonly rounds: number
  readonly say: (text: string) => void
}

export const sides: readonly Side[] = ['Kafka Streams', 'Millrace']

/**
 * Both sides on one Kafka, in turn. The program of each side stays up through all rounds, and so does Kafka, so that all are
 * warm; a first round of each does not count. Each round is a new application with a new output.
 */
export async function beside(world: KafkaWorld, work: Work, { records, rounds, say }: Rounds): Promise<Comparison> {
  await world.input(records, work.keys)
  const programs = new Map(sides.map((side) => [side, world.side(side)]))
  const found = new Map<Side, Round[]>(sides.map((side) => [side, []]))
  try {
    for (let round = 0; round <= rounds; round++) {
      for (const [side, program] of programs) {
        const one = await roundOf(
          world,
          program,
          work,
          records,
          `run-${work.work}-${work.keys}-${program.pid}-${round}`,
        )
        if (round > 0) found.get(side)?.push(one)
        say(`${work.what}, ${side}, ${round === 0 ? 'not counted' : `round ${round}`}: ${saidOf(one)}`)
      }
    }
  } finally {
    for (const program of programs.values()) await program.end()
  }
  const { what, least } = work
  const own = found.get('Millrace') as Round[]
  return { what, unit: 'records/s', own, peer: found.get('Kafka Streams') as Round[], least }
}

const saidOf = ({ figure, processorSeconds, residentMb, fault }: Round): string =>
  fault ?? `${printed(figure, 'records/s')}, ${processorSeconds.toFixed(1)} processor s, ${residentMb.toFixed(0)} MB`

async function roundOf(
  world: KafkaWorld,
  program: StandingProcess,
  { work, keys, digest }: Work,
  records: number,
  app: string,
): Promise<Round> {
  const { judge } = world
  const { topic, expected } = await world.input(records, keys)
  const output = `${app}-out`
  const folder = join(world.folder, app)
  await judge.create(output)
  resetPeak(program.pid)
  const before = useOf(program.pid).processorSeconds
  await program.ask('start', work, topic, output, app, folder)
  const endMs = await judge.watch(output, expected, digest)
  const firstMs = Number((await program.ask('stop'))['firstMs'])
  const { processorSeconds, residentMb } = useOf(program.pid)
  const fault = await judge.faultOf(output, expected, digest)
  await judge.drop(app)
  await rm(folder, { recursive: true, force: true })
  return {
    figure: expected.records / ((endMs - firstMs) / 1000),
    processorSeconds: processorSeconds - before,
    residentMb,
    fault,
  }
}
