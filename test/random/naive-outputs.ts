import type { Analysis, Place } from './analysis.ts'
import type { Case, CaseNode } from './case.ts'
import { NaiveLog, type NaiveStore } from './naive-record.ts'

/** What a case has to give. */
export interface Expected {
  /** Streams: topics that `to` writes, and what connector sinks get, by name. */
  readonly streams: ReadonlyMap<string, NaiveLog>
  /** Each store, by name, a task each. */
  readonly stores: ReadonlyMap<string, readonly NaiveStore[]>
  /** The aggregates behind which a sink stands, by the name of the topic or sink: it gets the last change per commit. */
  readonly lastChanges: ReadonlyMap<string, { readonly store: string; readonly partitions: number }>
}

/** The logs and stores of a case, empty at first. */
export class NaiveOutputs implements Expected {
  readonly streams = new Map<string, NaiveLog>()
  readonly stores = new Map<string, NaiveStore[]>()
  readonly lastChanges = new Map<string, { readonly store: string; readonly partitions: number }>()
  /** Topics of the engine's own that lead records to where their keys are, by the names that they are called after. */
  readonly repartitions = new Map<string, NaiveLog>()
  private readonly given: Case
  private readonly analysis: Analysis

  constructor(given: Case, analysis: Analysis) {
    this.given = given
    this.analysis = analysis
    for (const [place, node] of given.nodes.entries()) this.declare(place, node)
  }

  private declare(place: Place, node: CaseNode): void {
    const from = node.inputs[0] as Place
    const partitionsOf = (at: Place): number => this.analysis.groups[this.analysis.fact(at).group]?.partitions ?? 0
    for (const { name, targets } of this.analysis.repartitions(place)) {
      this.repartitions.set(name, new NaiveLog(partitionsOf(targets[0] as Place), this.given.script.length))
    }
    if (node.kind === 'aggregate') {
      const empty = (): NaiveStore => ({ rows: new Map(), changes: new Map() })
      this.stores.set(node.store, Array.from({ length: partitionsOf(place) }, empty))
    }
    if (node.kind !== 'topic-sink' && node.kind !== 'connector-sink') return
    const [name, partitions] =
      node.kind === 'topic-sink' ? [node.topic, node.partitions] : [node.sink, partitionsOf(from)]
    const table = this.given.nodes[from]
    if (table?.kind === 'aggregate') this.lastChanges.set(name, { store: table.store, partitions })
    else if (!this.streams.has(name)) this.streams.set(name, new NaiveLog(partitions, this.given.script.length))
  }
}
