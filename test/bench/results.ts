/** What one round of one side gave. */
export interface Round {
  /** In the unit of the row. */
  readonly figure: number
  readonly processorSeconds: number
  readonly residentMb: number
  /** What is wrong with its output; null when all is there once. */
  readonly fault: string | null
}

/** What a row measures. Of `s` less is better, of the others more. */
export type Unit = 'records/s' | 'MB/s' | 's'

/** One row: rounds of Millrace, and of Kafka Streams where it does the same work. */
export interface Comparison {
  readonly what: string
  readonly unit: Unit
  readonly own: readonly Round[]
  readonly peer: readonly Round[] | null
  /** The least ratio, where there is a peer; the least figure where there is none; null where nothing is demanded. */
  readonly least: number | null
}

/** A table of a run: rows below one head are printed together. */
export interface Table {
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

const residentMbMost = 512

const comparisonHead = [
  'scenario',
  'Millrace',
  'Kafka Streams',
  'ratio',
  'demanded',
  'processor s',
  'of Kafka Streams',
  'peak MB',
  'of Kafka Streams',
  'holds',
]

/** The middle one in order of size; the mean of the two in the middle of an even number. @throws without numbers */
export function median(numbers: readonly number[]): number {
  if (numbers.length === 0) throw new Error('a median needs at least one number')
  const sorted = [...numbers].sort((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  return ((sorted[Math.floor(middle)] as number) + (sorted[Math.ceil(middle)] as number)) / 2
}

/** Medians of each figure by itself; the fault is the first there is. */
export function medians(rounds: readonly Round[]): Round {
  const of = (pick: (round: Round) => number): number => median(rounds.map(pick))
  return {
    figure: of((round) => round.figure),
    processorSeconds: of((round) => round.processorSeconds),
    residentMb: of((round) => round.residentMb),
    fault: rounds.find((round) => round.fault !== null)?.fault ?? null,
  }
}

/** How many times better the first is. @returns null where an output is wrong: a rate of wrong results is none */
export function ratio(own: Round, peer: Round, unit: Unit): number | null {
  if (own.fault !== null || peer.fault !== null) return null
  return unit === 's' ? peer.figure / own.figure : own.figure / peer.figure
}

/** A figure as people read it. */
export function printed(figure: number, unit: Unit): string {
  return `${unit === 'records/s' ? Math.round(figure).toLocaleString('en') : figure.toFixed(2)} ${unit}`
}

/** The row of a comparison, of medians. It holds where outputs are right, what is demanded is reached, and memory is kept. */
export function comparisonTable({ what, unit, own, peer, least }: Comparison): Table {
  const ours = medians(own)
  const theirs = peer === null ? null : medians(peer)
  const found = theirs === null ? null : ratio(ours, theirs, unit)
  const fault = ours.fault ?? theirs?.fault ?? null
  const reached = theirs === null ? ours.figure : found
  const holds =
    fault === null && ours.residentMb < residentMbMost && (least === null || (reached !== null && reached >= least))
  const row = [
    what,
    ours.fault === null ? printed(ours.figure, unit) : `wrong: ${ours.fault}`,
    theirs === null ? '' : theirs.fault === null ? printed(theirs.figure, unit) : `wrong: ${theirs.fault}`,
    found === null ? '' : found.toFixed(2),
    least === null ? '' : theirs === null ? `${least} ${unit}` : `${least} times`,
    ours.processorSeconds.toFixed(1),
    theirs === null ? '' : theirs.processorSeconds.toFixed(1),
    ours.residentMb.toFixed(0),
    theirs === null ? '' : theirs.residentMb.toFixed(0),
    holds ? 'yes' : 'no',
  ]
  return { head: comparisonHead, rows: [row] }
}

/** Tables in markdown, those with the same head as one, in the order in which they came. */
export function markdown(tables: readonly Table[]): string {
  const byHead = new Map<string, string[]>()
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  for (const { head, rows } of tables) {
    const lines = byHead.get(line(head)) ?? [line(head), `|${'---|'.repeat(head.length)}`]
    byHead.set(line(head), [...lines, ...rows.map(line)])
  }
  return [...byHead.values()].map((lines) => `${lines.join('\n')}\n`).join('\n')
}
