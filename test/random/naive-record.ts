import type { CaseHeaders } from './headers.ts'

/** Becomes true when two writers whose order nobody knows have touched one row in one phase. */
export interface Doubt {
  isReal: boolean
}

/** A record as the definition gives it. Frozen in effect: nothing here changes a record or its value. */
export interface NaiveRecord {
  readonly key: unknown
  readonly value: unknown
  /** False where it has none: a delete, which is no null that a function gave. */
  readonly hasValue: boolean
  readonly timestamp: number
  readonly headers: CaseHeaders
  /** Its value is certain unless one of these is real. */
  readonly valueDoubts: readonly Doubt[]
  /** Its timestamp is certain unless one of these is real. */
  readonly timeDoubts: readonly Doubt[]
}

/** The log of one partition in one phase: the records of each writer, in order. How the writers interleave is not said. */
export type Lanes = Map<string, NaiveRecord[]>

/** A topic: its partitions, and in each the lanes of each phase. */
export class NaiveLog {
  readonly partitions: Lanes[][]

  constructor(partitions: number, phases: number) {
    this.partitions = Array.from({ length: partitions }, () => Array.from({ length: phases }, (): Lanes => new Map()))
  }

  append(partition: number, phase: number, lane: string, record: NaiveRecord): void {
    const lanes = this.lanes(partition, phase)
    const written = lanes.get(lane)
    if (written === undefined) lanes.set(lane, [record])
    else written.push(record)
  }

  lanes(partition: number, phase: number): Lanes {
    return this.partitions[partition]?.[phase] as Lanes
  }
}

/** A row of a store. */
export interface NaiveRow {
  readonly value: unknown
  readonly timestamp: number
}

/** A change of a row, as a table hands it on. */
export interface NaiveChange {
  readonly phase: number
  readonly record: NaiveRecord
}

/** A store of one task: its rows, and all changes of each row, by the bytes of its key. */
export interface NaiveStore {
  readonly rows: Map<string, NaiveRow>
  readonly changes: Map<string, NaiveChange[]>
}
