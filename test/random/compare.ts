import type { Headers } from '../../src/core/record.ts'
import { reservedPrefix } from '../../src/state/row-format.ts'
import type { Analysis } from './analysis.ts'
import type { Case, CaseNode, SerdeName } from './case.ts'
import { caseHeaders, shownHeaders } from './headers.ts'
import type { LogRecord } from './log-client.ts'
import type { Expected } from './naive-outputs.ts'
import type { Lanes, NaiveChange, NaiveRecord } from './naive-record.ts'
import { appId } from './pipeline.ts'
import type { RunResult } from './run.ts'
import { isInterleaved, isThinned } from './sequences.ts'
import { bytesOf, nullBytes } from './serdes.ts'

/** A record in bytes, as text. */
interface Shown {
  readonly key: string
  readonly value: string
  readonly time: string
}

/**
 * What must be equal, and how equal:
 *
 * - *A stream's topic or sink*, partition by partition and phase by phase, record by record: key, value, timestamp, headers.
 *   What one task writes is in order. Several tasks that write one partition interleave as they happen to, and so do the
 *   inputs of a task that grow while it reads; so a partition is an interleaving of its writers' sequences, which is
 *   equality where there is one writer. A value or time that depends on such an order is not looked at.
 * - *A table's topic or sink* gets the last change of each key at each commit: for each key a subsequence of its changes,
 *   in which the last change of each phase stands, for a phase ends with a commit.
 * - *Stores*: every row of every partition, value and time, in the changelog (folded), on disk, and as a job shows them.
 *   Folds are such that the last row is the same for every order that may come.
 * - No transaction is open.
 *
 * @returns what is not so
 */
export function compare(given: Case, analysis: Analysis, expected: Expected, found: RunResult): string[] {
  const wrongs: string[] = []
  for (const at of found.read.open) wrongs.push(`${at}: a transaction is open`)
  for (const [place, node] of given.nodes.entries()) {
    if (node.kind === 'aggregate') compareStore(place, node)
    if (node.kind === 'topic-sink') {
      const logs = found.read.logs.get(node.topic) ?? []
      compareOutput(
        node.topic,
        node.inputs[0],
        node.value,
        logs.map((log) => log.map(shownLog)),
      )
    }
    if (node.kind === 'connector-sink') {
      const memory = found.sinks.get(node.sink)
      for (const wrong of memory?.wrongs ?? []) wrongs.push(`${node.sink}: ${wrong}`)
      const { key, value } = analysis.fact(node.inputs[0])
      compareOutput(node.sink, node.inputs[0], value, byPartition(memory?.records.values() ?? [], key, value))
    }
  }
  return wrongs

  function compareStore(place: number, { store }: CaseNode & { kind: 'aggregate' }): void {
    const { key, value } = analysis.fact(place)
    const stores = expected.stores.get(store) ?? []
    const wanted = stores.map(({ rows }) => {
      const shown = [...rows].map(([id, row]) => `${id}=${hex(value, row.value)}@${row.timestamp}`)
      return shown.sort()
    })
    const logs = found.read.logs.get(`${appId}-${store}-changelog`) ?? []
    for (const [partition, rows] of wanted.entries()) {
      differ(`${store}/${partition}: its changelog`, rows, folded(logs[partition] ?? []))
      const disk = found.disk.get(store)?.get(partition) ?? new Map()
      differ(
        `${store}/${partition}: its rows`,
        rows,
        [...disk].map(([id, row]) => `${id}=${row.value}@${row.timestamp}`).sort(),
      )
    }
    const untimed = wanted.flatMap((rows) => rows.map((row) => row.slice(0, row.lastIndexOf('@')))).sort()
    differ(`${store}: as its job shows it`, untimed, found.shown.get(store) ?? [])
    void key
  }

  function differ(what: string, wanted: readonly string[], got: readonly string[]): void {
    if (wanted.join('\n') === got.join('\n')) return
    const missing = wanted.filter((row) => !got.includes(row))
    const added = got.filter((row) => !wanted.includes(row))
    wrongs.push(
      `${what}: expected ${printed(missing)}, found ${printed(added)} (${wanted.length} and ${got.length} rows)`,
    )
  }

  function compareOutput(name: string, from: number, serde: SerdeName, logs: readonly (readonly Shown[])[]): void {
    const { key } = analysis.fact(from)
    const last = expected.lastChanges.get(name)
    if (last === undefined) compareStream(name, key, serde, logs)
    else compareTable(name, key, serde, last.store, logs)
  }

  function compareStream(
    name: string,
    key: SerdeName | 'nothing',
    serde: SerdeName,
    logs: readonly (readonly Shown[])[],
  ): void {
    const stream = expected.streams.get(name)
    for (const [partition, phases] of (stream?.partitions ?? []).entries()) {
      let left = logs[partition] ?? []
      for (const [phase, lanes] of phases.entries()) {
        const size = [...lanes.values()].reduce((sum, lane) => sum + lane.length, 0)
        const own = left.slice(0, size)
        left = left.slice(size)
        const wanted = lanesOf(lanes, key, serde)
        if (own.length === size && isInterleaved(wanted, own, matches)) continue
        const all = wanted.flat().map(({ shown }) => text(shown))
        wrongs.push(
          `${name}/${partition}, phase ${phase}: expected ${wanted.length === 1 ? '' : `an interleaving of ${wanted.length} writers: `}${printed(all)}, found ${printed(own.map(text))}`,
        )
        return
      }
      if (left.length > 0) wrongs.push(`${name}/${partition}: found more than there is: ${printed(left.map(text))}`)
    }
  }

  function compareTable(
    name: string,
    key: SerdeName | 'nothing',
    serde: SerdeName,
    store: string,
    logs: readonly (readonly Shown[])[],
  ): void {
    const got = new Map<string, Shown[]>()
    for (const record of logs.flat()) got.set(record.key, [...(got.get(record.key) ?? []), record])
    const tasks = new Map<string, NaiveChange[][]>()
    for (const { changes } of expected.stores.get(store) ?? []) {
      for (const [id, all] of changes) if (all.length > 0) tasks.set(id, [...(tasks.get(id) ?? []), all])
    }
    for (const id of new Set([...got.keys(), ...tasks.keys()])) {
      const found = got.get(id) ?? []
      const wanted = (tasks.get(id) ?? []).map((changes) =>
        changes.map(({ phase, record }, n) => {
          const isLast = changes[n + 1]?.phase !== phase
          // A row's last change of a phase is certain, whatever came before it.
          const shown = shownNaive(
            { ...record, headers: [], ...(isLast ? { valueDoubts: [], timeDoubts: [] } : {}) },
            key,
            serde,
          )
          return { shown: shown.shown, isCertain: shown.isCertain, isLast }
        }),
      )
      if (isThinned(wanted, found, matches, ({ isLast }) => isLast)) continue
      const all = wanted.flat().map((one) => `${text(one.shown)}${one.isLast ? '!' : ''}`)
      wrongs.push(`${name}, key ${id}: expected changes out of ${printed(all)}, found ${printed(found.map(text))}`)
    }
  }
}

interface Wanted {
  readonly shown: Shown
  readonly isCertain: { readonly value: boolean; readonly time: boolean }
}

const matches = ({ shown, isCertain }: Wanted, { key, value, time }: Shown): boolean =>
  shown.key === key && (!isCertain.value || shown.value === value) && (!isCertain.time || shown.time === time)

function shownNaive(record: NaiveRecord, key: SerdeName | 'nothing', value: SerdeName): Wanted {
  const { hasValue, timestamp, headers, valueDoubts, timeDoubts } = record
  const isCertain = { value: !valueDoubts.some(isReal), time: !timeDoubts.some(isReal) }
  const shown = {
    key: hex(key, record.key),
    value: hasValue && record.value === null ? nullBytes.toString('hex') : hex(value, record.value),
    time: `${timestamp}${shownHeaders(headers)}`,
  }
  return { shown, isCertain }
}

const isReal = ({ isReal }: { readonly isReal: boolean }): boolean => isReal
const lanesOf = (lanes: Lanes, key: SerdeName | 'nothing', value: SerdeName): Wanted[][] =>
  [...lanes.values()].map((lane) => lane.map((record) => shownNaive(record, key, value)))
const hex = (serde: SerdeName | 'nothing', value: unknown): string => bytesOf(serde, value)?.toString('hex') ?? 'null'
const shownLog = ({ key, value, timestamp, headers }: LogRecord): Shown => ({
  key: key?.toString('hex') ?? 'null',
  value: value?.toString('hex') ?? 'null',
  time: `${timestamp}${shownHeaders(headers)}`,
})

/** Records of a sink in order of offset, by partition; their ids are `topic/partition/offset`. */
function byPartition(
  records: Iterable<{
    id: string
    key: unknown
    value: unknown
    timestamp: number
    headers: Headers
  }>,
  key: SerdeName | 'nothing',
  value: SerdeName,
): Shown[][] {
  const logs: [offset: number, shown: Shown][][] = []
  for (const record of records) {
    const [, partition = 0, offset = 0] = record.id.split('/').map(Number)
    const time = `${record.timestamp}${shownHeaders(caseHeaders(record.headers))}`
    ;(logs[partition] ??= []).push([offset, { key: hex(key, record.key), value: hex(value, record.value), time }])
  }
  return Array.from(logs, (log = []) => log.sort(([a], [b]) => a - b).map(([, shown]) => shown))
}

/** The last value of each row. */
function folded(log: readonly LogRecord[]): string[] {
  const rows = new Map<string, string>()
  for (const { key, value, timestamp } of log) {
    if (key === null || key[0] === reservedPrefix) continue
    const id = key.subarray(1).toString('hex')
    if (value === null) rows.delete(id)
    else rows.set(id, `${id}=${value.toString('hex')}@${timestamp}`)
  }
  return [...rows.values()].sort()
}

const readable = (bytes: string): string => {
  if (!/^([0-9a-f]{2})+$/.test(bytes)) return bytes
  const decoded = Buffer.from(bytes, 'hex').toString()
  return /^[\x20-\x7e]+$/.test(decoded) ? decoded : `0x${bytes}`
}
const text = ({ key, value, time }: Shown): string => `${readable(key)}=${readable(value)}@${time}`
const shownMax = 12
const printed = (all: readonly string[]): string =>
  `[${all.slice(0, shownMax).join(', ')}${all.length > shownMax ? `, and ${all.length - shownMax} more` : ''}]`
