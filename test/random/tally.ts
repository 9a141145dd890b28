import type { Case, Fault } from './case.ts'
import type { Verdict } from './check.ts'

/** What random cases have covered. */
export class Tally {
  cases = 0
  failed = 0
  /** Cases of which no fault came to pass: they count as undisturbed. */
  undisturbed = 0
  /** Lives of processes beyond one a phase, in disturbed runs. */
  restarts = 0
  commits = 0
  besides = 0
  trickled = 0
  moves = 0
  readonly counts: Record<'kinds' | 'pairs' | 'fired' | 'missed' | 'shapes', Record<string, number>> = {
    kinds: {},
    pairs: {},
    fired: {},
    missed: {},
    shapes: {},
  }

  add(given: Case, { wrongs, analysis, disturbed }: Verdict): void {
    this.cases++
    if (wrongs.length > 0) this.failed++
    for (const { kind, inputs } of given.nodes) {
      this.count('kinds', kind)
      for (const input of inputs) this.count('pairs', `${given.nodes[input]?.kind} > ${kind}`)
    }
    for (const { isExact, partitions, inputs } of analysis.groups) {
      this.count('shapes', isExact ? 'tasks in one order' : 'tasks in any order')
      this.count('shapes', `sub-topologies of ${partitions}`)
      this.count('shapes', `sub-topologies with ${inputs.length} inputs`)
      for (const { role, from } of inputs) {
        const isOwn = role === 'repartition' && analysis.node(from[0] as number).kind !== 'key-by'
        if (isOwn) this.count('shapes', 'stores behind a topic of their own')
      }
    }
    this.count('shapes', `cases of ${given.script.length} phases`)
    if (disturbed === null) return
    if (disturbed.fired.length === 0) this.undisturbed++
    this.restarts += disturbed.lives - given.script.length
    this.commits += disturbed.commits
    this.besides += given.script.filter(({ beside }) => beside !== undefined).length
    this.trickled += given.script.filter(({ trickle }) => trickle !== undefined).length
    this.moves += new Set(given.script.flatMap(({ lives }) => lives.map(({ directory }) => directory))).size - 1
    for (const fault of disturbed.fired) this.count('fired', nameOf(fault))
    for (const fault of disturbed.missed) this.count('missed', nameOf(fault))
  }

  private count(what: keyof Tally['counts'], name: string, by = 1): void {
    const counts = this.counts[what]
    counts[name] = (counts[name] ?? 0) + by
  }

  /** Adds what another process has tallied. */
  merge(other: Tally): void {
    for (const what of [
      'cases',
      'failed',
      'undisturbed',
      'restarts',
      'commits',
      'besides',
      'trickled',
      'moves',
    ] as const) {
      this[what] += other[what]
    }
    for (const [what, counts] of Object.entries(other.counts)) {
      for (const [name, n] of Object.entries(counts)) this.count(what as 'kinds', name, n)
    }
  }

  /** As tables of names and counts. */
  lines(): string[] {
    const { cases, failed, undisturbed, restarts, commits, besides, trickled, moves } = this
    const table = (title: string, counts: Readonly<Record<string, number>>): string[] => [
      `${title}:`,
      ...columns(Object.entries(counts).sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))),
    ]
    return [
      `${cases} cases, ${failed} failed; ${undisturbed} without a fault that came to pass count as undisturbed`,
      `${restarts} restarts, ${moves} in other directories; ${besides} phases with a second process, ${trickled} with inputs that grow; ${(commits / Math.max(1, cases)).toFixed(1)} commits a disturbed run`,
      ...table('nodes', this.counts.kinds),
      ...table('neighbours', this.counts.pairs),
      ...table('shapes', this.counts.shapes),
      ...table('faults that came to pass', this.counts.fired),
      ...table('faults that did not', this.counts.missed),
    ]
  }
}

function nameOf(fault: Fault): string {
  if ('request' in fault) return `${fault.request} late`
  if ('pauseAtMs' in fault) return fault.forMs >= 10_000 ? 'pause past the session' : 'pause'
  if ('storesLateMs' in fault) return 'stores late'
  return 'at' in fault ? `${fault.do} ${fault.when} ${fault.at}` : 'broker down'
}

const columnsCount = 3
const columnWidth = 44

function columns(rows: readonly (readonly [string, number])[]): string[] {
  const cells = rows.map(([name, n]) => `${name.padEnd(columnWidth - 8)}${String(n).padStart(7)} `)
  const lines: string[] = []
  for (let at = 0; at < cells.length; at += columnsCount)
    lines.push(`  ${cells.slice(at, at + columnsCount).join(' ')}`)
  return lines
}
