import { reservedKey } from '../state/row-format.ts'

/**
 * The reserved row that each commit of a stateful task writes into each of its changelogs (X9): restored with the state,
 * it says where to go on, and cannot disagree with it.
 */
export interface PositionsRow {
  /** Of its layout. */
  readonly v: 1
  readonly commitId: number
  /** The version of the plan under which it was committed. */
  readonly plan: number
  /** The stores that were in the commit, this one among them: they show it, or have lost it. */
  readonly stores: readonly string[]
  /** Positions of all inputs of the task, by `topic-partition`: the next offset to read. */
  readonly positions: Readonly<Record<string, number>>
  /** Partition times of the inputs, where there is one. */
  readonly partitionTimes: Readonly<Record<string, number>>
  /** The ids of the inputs' topics, by name: a topic of another id has other records at these positions. */
  readonly topicIds: Readonly<Record<string, string>>
}

/** The store key of the positions row. */
export const positionsKey: Buffer = reservedKey('positions')

/** As the row's value. */
export function encodePositions(row: PositionsRow): Buffer {
  return Buffer.from(JSON.stringify(row))
}

/** @throws {SyntaxError} for bytes that no commit of this layout wrote: the store is to be given up */
export function decodePositions(value: Uint8Array): PositionsRow {
  const read = JSON.parse(Buffer.from(value).toString()) as PositionsRow
  if (read.v === 1 && Array.isArray(read.stores)) return read
  throw new SyntaxError(`expected a positions row of layout 1, found ${read.v ?? 'none'}`)
}
