import { partitionOf } from '../../src/kafka/partitioner.ts'
import type { Analysis, Group, Place } from './analysis.ts'
import type { Case, CaseNode, CaseSource } from './case.ts'
import { computed, holds, keyOf, noKey, several } from './functions.ts'
import { foldedOf, Thrown } from './naive-fold.ts'
import { byTimestamp, ofConnector, ofTopic } from './naive-inputs.ts'
import { type Expected, NaiveOutputs } from './naive-outputs.ts'
import type { Doubt, Lanes, NaiveLog, NaiveRecord } from './naive-record.ts'
import { bytesOf } from './serdes.ts'

interface Touch {
  readonly phase: number
  readonly lane: string
  readonly doubt: Doubt
  readonly timeDoubts: Doubt[]
}

/** The work of one task on one record: kept back until the record is through, for it has all of its effects or none. */
interface Turn {
  readonly group: Group
  readonly partition: number
  readonly phase: number
  readonly lane: string
  readonly effects: (() => void)[]
  readonly undo: (() => void)[]
  /** Records in front of the one pipe of the task that waits, from the first that does on. */
  readonly queue: { readonly place: Place; readonly record: NaiveRecord }[]
}

/**
 * Evaluates a case by the definition of the verbs, in memory: phase by phase, task by task, record by record.
 *
 * A task takes its inputs by lowest timestamp, ties by topic. Where its order is not determined it takes them writer by
 * writer, which is one order of many; {@link Doubt} marks what another order might have made otherwise.
 */
export function evaluate(given: Case, analysis: Analysis): Expected {
  return new Naive(given, analysis).run()
}

/** Verbs whose functions a record without a value passes by at once: a pipe may have records before it that wait. */
const passedBy: ReadonlySet<CaseNode['kind']> = new Set(['map', 'filter', 'flat-map', 'tap'])

class Naive {
  private readonly given: Case
  private readonly analysis: Analysis
  private readonly outputs: NaiveOutputs
  private readonly touches = new Map<string, Touch>()

  constructor(given: Case, analysis: Analysis) {
    this.given = given
    this.analysis = analysis
    this.outputs = new NaiveOutputs(given, analysis)
  }

  run(): Expected {
    for (let phase = 0; phase < this.given.script.length; phase++) {
      for (const group of this.analysis.groups) {
        for (let partition = 0; partition < group.partitions; partition++) this.runTask(group, partition, phase)
      }
    }
    return this.outputs
  }

  private runTask(group: Group, partition: number, phase: number): void {
    const whole = group.inputs.filter(({ role }) => role === 'external')
    const lanes: { readonly lane: string; readonly taken: readonly { input: number; record: NaiveRecord }[] }[] = []
    const logs = whole.map((input) => ({
      input: group.inputs.indexOf(input),
      records: ofTopic(this.given.topics[input.name], partition, phase),
    }))
    lanes.push({ lane: `${partition}`, taken: byTimestamp(logs) })
    for (const [index, { role, name }] of group.inputs.entries()) {
      if (role === 'ingest') {
        const records = ofConnector(this.given.connectors[name], partition, phase)
        lanes.push({ lane: `${name}`, taken: records.map((record) => ({ input: index, record })) })
      }
      if (role === 'repartition') {
        const written: Lanes = this.outputs.repartitions.get(name)?.lanes(partition, phase) ?? new Map()
        for (const [lane, records] of written) {
          lanes.push({ lane: `${name} ${lane}`, taken: records.map((record) => ({ input: index, record })) })
        }
      }
    }
    for (const { lane, taken } of lanes) {
      for (const { input, record } of taken) this.take(group, input, { partition, phase, lane, record })
    }
  }

  private take(
    group: Group,
    index: number,
    { partition, phase, lane, record }: { partition: number; phase: number; lane: string; record: NaiveRecord },
  ): void {
    const input = group.inputs[index] as Group['inputs'][number]
    const turn: Turn = {
      group,
      partition,
      phase,
      lane: `${group.members[0]}/${partition}/${lane}`,
      effects: [],
      undo: [],
      queue: [],
    }
    try {
      for (const target of input.targets) this.visit(target, record, turn)
      if (input.role !== 'repartition') for (const source of input.from) this.toTopics(source, record, turn)
      for (let next = turn.queue[0]; next !== undefined; next = turn.queue[0]) {
        this.leavePipe(next.place, next.record, turn)
        turn.queue.shift()
      }
    } catch (error) {
      if (!(error instanceof Thrown)) throw error
      for (const undo of turn.undo.reverse()) undo()
      return
    }
    for (const effect of turn.effects) effect()
  }

  /** Hands a record to all who take it: those in the same task, then topics. */
  private forward(place: Place, record: NaiveRecord, turn: Turn): void {
    for (const child of this.analysis.direct(place)) this.visit(child, record, turn)
    this.toTopics(place, record, turn)
  }

  /** Writes a record to the topics of the engine's own that lead from a node on. */
  private toTopics(place: Place, record: NaiveRecord, turn: Turn): void {
    for (const { name } of this.analysis.repartitions(place)) {
      const { key, holdsNull } = this.analysis.fact(place)
      this.write(this.outputs.repartitions.get(name), key, holdsNull, record, turn)
    }
    for (const sink of this.analysis.connectorSinks(place)) {
      const node = this.analysis.node(sink)
      if (node.kind !== 'connector-sink') continue
      const log = this.outputs.streams.get(node.sink)
      // A sink outside Kafka is given null for both.
      if (!this.analysis.readsAlone(sink)) this.write(log, this.analysis.fact(place).key, true, record, turn)
      else turn.effects.push(() => log?.append(turn.partition, turn.phase, turn.lane, record))
    }
  }

  /** Writes a record where its key belongs; a null as none where the serde of its values holds null. */
  private write(
    log: NaiveLog | undefined,
    serde: CaseSource['key'],
    holdsNull: boolean,
    given: NaiveRecord,
    turn: Turn,
  ): void {
    if (log === undefined) return
    const record = holdsNull && given.value === null ? { ...given, hasValue: false } : given
    const key = bytesOf(serde, record.key)
    const count = log.partitions.length
    // A record without a key stays in the partition of who writes it.
    const partition = key === null ? turn.partition % count : partitionOf(key, count)
    turn.effects.push(() => log.append(partition, turn.phase, turn.lane, record))
  }

  private visit(place: Place, record: NaiveRecord, turn: Turn): void {
    const node = this.analysis.node(place)
    const { key, value } = record
    // What has no value passes functions by where its serde holds no null.
    const isShown = record.hasValue || this.analysis.fact(node.inputs[0] ?? place).holdsNull
    if (!isShown && passedBy.has(node.kind)) {
      this.forward(place, record, turn)
      return
    }
    const fails = (): void => {
      if ('throwsWhen' in node && holds(node.throwsWhen, value, key)) throw new Thrown()
    }
    switch (node.kind) {
      case 'map': {
        fails()
        const valueDoubts = node.to.of === 'key' ? [] : record.valueDoubts
        this.forward(place, { ...record, value: computed(node.to, value, key), hasValue: true, valueDoubts }, turn)
        return
      }
      case 'filter':
        fails()
        if (!holds(node.unless, value, key)) this.forward(place, record, turn)
        return
      case 'tap':
        fails()
        this.forward(place, record, turn)
        return
      case 'flat-map': {
        for (const one of several(node.most, node.by, value, key)) {
          this.forward(place, { ...record, value: one, hasValue: true }, turn)
          fails()
        }
        return
      }
      case 'pipe':
        if (turn.queue.some((one) => one.place === place) || (isShown && holds(node.waits?.when, value, key))) {
          turn.queue.push({ place, record })
        } else this.leavePipe(place, record, turn)
        return
      case 'key-by': {
        if (!isShown) return
        fails()
        this.forward(place, { ...record, key: keyOf(node, value, key) }, turn)
        return
      }
      case 'merge':
      case 'updates':
        this.forward(place, record, turn)
        return
      case 'aggregate':
        this.fold(place, node, record, turn)
        return
      case 'topic-sink': {
        const facts = this.analysis.fact(place)
        this.write(
          this.outputs.streams.get(node.topic),
          facts.key,
          facts.holdsNull || node.holdsNull === true,
          record,
          turn,
        )
        return
      }
      case 'topic-source':
      case 'connector-source':
      case 'connector-sink':
        throw new Error(`a ${node.kind} takes no records here`)
      default:
        node satisfies never
    }
  }

  private leavePipe(place: Place, record: NaiveRecord, turn: Turn): void {
    const node = this.analysis.node(place)
    if (node.kind !== 'pipe') return
    const { key, value } = record
    if (!record.hasValue && !this.analysis.fact(node.inputs[0]).holdsNull) {
      this.forward(place, record, turn)
      return
    }
    if (holds(node.throwsWhen, value, key)) throw new Thrown()
    // What a record gives is held back until it is complete.
    for (const one of [...several(node.most, node.by, value, noKey)])
      this.forward(place, { ...record, value: one, hasValue: true }, turn)
  }

  private fold(place: Place, node: CaseNode & { kind: 'aggregate' }, record: NaiveRecord, turn: Turn): void {
    const { key, value } = record
    if (key === null || value === null) return
    const id = bytesOf(this.analysis.fact(place).key, key)?.toString('hex') ?? ''
    const store = this.outputs.stores.get(node.store)?.[turn.partition]
    if (store === undefined) return
    const before = store.rows.get(id)
    const facts = this.analysis.fact(node.inputs[0])
    const next = foldedOf(node, before?.value, value, key, facts)
    const timestamp = before === undefined ? record.timestamp : Math.max(before.timestamp, record.timestamp)
    if (next === null) store.rows.delete(id)
    else store.rows.set(id, { value: next, timestamp })
    const { doubt, timeDoubts } = this.touch(`${node.store} ${turn.partition} ${id}`, record, turn)
    const change: NaiveRecord = {
      ...record,
      value: next,
      hasValue: next !== null,
      timestamp,
      valueDoubts: [doubt, ...(node.operation === 'count' ? [] : record.valueDoubts)],
      timeDoubts: [...timeDoubts],
    }
    const changes = store.changes.get(id) ?? []
    store.changes.set(id, [...changes, { phase: turn.phase, record: change }])
    turn.undo.push(() => {
      if (before === undefined) store.rows.delete(id)
      else store.rows.set(id, before)
      store.changes.set(id, changes)
    })
    for (const child of this.analysis.direct(place)) {
      if (this.analysis.node(child).kind === 'updates') this.visit(child, change, turn)
    }
  }

  /** Two lanes that change one row in one phase make all of its changes in that phase uncertain. */
  private touch(row: string, record: NaiveRecord, { phase, lane }: Turn): Touch {
    let touch = this.touches.get(row)
    if (touch === undefined || touch.phase !== phase) {
      const doubt: Doubt = { isReal: false }
      touch = { phase, lane, doubt, timeDoubts: [doubt] }
      this.touches.set(row, touch)
    } else if (touch.lane !== lane) touch.doubt.isReal = true
    touch.timeDoubts.push(...record.timeDoubts)
    return touch
  }
}
