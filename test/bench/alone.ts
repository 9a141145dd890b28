import { spawn } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { nodeFlags } from './node-flags.ts'
import { type Comparison, printed, type Round, type Unit } from './results.ts'

/** A scenario of scenario.ts, which Millrace does by itself. */
export interface Alone {
  readonly what: string
  readonly name: 'pass' | 'count' | 'words'
  readonly unit: Unit
  readonly records: number
  readonly rounds: number
  /** A Kafka; null for the embedded broker. */
  readonly brokers: string | null
  /** The least figure; null where nothing is demanded. */
  readonly least: number | null
  readonly say: (text: string) => void
}

/**
 * A process a round, the first of which does not count. Its `millrace` is the built one, as it is shipped: the sources as
 * tsx transforms them are up to a fifth slower.
 */
export async function alone(folder: string, scenario: Alone): Promise<Comparison> {
  const { what, unit, rounds, least, say } = scenario
  const own: Round[] = []
  for (let round = 0; round <= rounds; round++) {
    const place = join(folder, `alone-${round}`)
    const one = await child(place, scenario)
    await rm(place, { recursive: true, force: true })
    if (round > 0) own.push(one)
    say(`${what}, ${round === 0 ? 'not counted' : `round ${round}`}: ${printed(one.figure, unit)}`)
  }
  return { what, unit, own, peer: null, least }
}

/** The figures are the last line that the child prints, as JSON. One whose output is wrong fails, and so does the run. */
function child(place: string, { name, records, brokers }: Alone): Promise<Round> {
  const args = [...nodeFlags, '--import', 'tsx', 'test/bench/scenario.ts', name, place, String(records), brokers ?? '']
  return new Promise((resolve, reject) => {
    const process_ = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    let output = ''
    process_.stdout.on('data', (data: Buffer) => {
      output += data.toString()
    })
    process_.once('close', (code) => {
      if (code !== 0) return reject(new Error(`${name} ended with ${code}: ${output}`))
      const { perSecond, processorSeconds, residentMb } = JSON.parse(output.trim().split('\n').at(-1) ?? '')
      resolve({ figure: perSecond, processorSeconds, residentMb, fault: null })
    })
  })
}
