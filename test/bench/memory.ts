import { spawn } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { nodeFlags } from './node-flags.ts'
import type { Table } from './results.ts'

/** What a process held at its peak. */
interface Peaks {
  readonly heapMb: number
  readonly residentMb: number
}

/** What each scenario of memory-scenario.ts may hold. */
const bounds: readonly {
  readonly scenario: string
  readonly what: string
  readonly of: keyof Peaks
  readonly mb: number
  /** A scenario before it, of which the bound is so many beyond. */
  readonly beyond?: string
}[] = [
  { scenario: 'restore', what: 'restore of 1.5 million rows', of: 'residentMb', mb: 300 },
  { scenario: 'count', what: 'count over 2 million keys', of: 'residentMb', mb: 512 },
  { scenario: 'rekey', what: 're-key of 4 million records', of: 'residentMb', mb: 512 },
  { scenario: 'values', what: '40,000 values of 10 kB, memoryBytes 16 MiB', of: 'heapMb', mb: 200 },
  { scenario: 'few-files', what: '4 followed files, 340 MB in all', of: 'residentMb', mb: 300 },
  { scenario: 'files', what: '400 followed files, 340 MB in all', of: 'residentMb', mb: 50, beyond: 'few-files' },
]

function child(scenario: string, part: 'load' | 'measure', folder: string): Promise<Peaks> {
  const args = [...nodeFlags, '--import', 'tsx', 'test/bench/memory-scenario.ts', scenario, part, folder]
  return new Promise((resolve, reject) => {
    const process_ = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    let output = ''
    process_.stdout.on('data', (data: Buffer) => {
      output += data
    })
    process_.once('close', (code) => {
      if (code === 0) resolve(JSON.parse(output.trim().split('\n').at(-1) ?? '') as Peaks)
      else reject(new Error(`${scenario}, ${part} ended with ${code}: ${output}`))
    })
  })
}

/** Runs every scenario of memory, each loaded and measured in processes of its own. @returns a row for each */
export async function memoryTable(folder: string, say: (text: string) => void): Promise<Table> {
  const rows: string[][] = []
  const seen = new Map<string, Peaks>()
  for (const { scenario, what, of, mb, beyond } of bounds) {
    const own = join(folder, `memory-${scenario}`)
    await child(scenario, 'load', own)
    const peaks = await child(scenario, 'measure', own)
    await rm(own, { recursive: true, force: true })
    seen.set(scenario, peaks)
    const figure = `${peaks[of]} MB ${of === 'heapMb' ? 'of heap' : 'resident'}`
    const most = mb + (beyond === undefined ? 0 : (seen.get(beyond)?.[of] ?? 0))
    const row = [what, figure, `${most} MB`, String(peaks.residentMb), peaks[of] < most ? 'yes' : 'no']
    say(row.join('  '))
    rows.push(row)
  }
  return { head: ['memory', 'peak', 'demanded', 'resident MB', 'holds'], rows }
}
