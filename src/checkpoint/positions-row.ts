import { reservedKey } from '../state/row-format.ts'

/**
 * The reserved row that each commit of a stateful task writes into each of its changelogs (X9): restored with the state,
 * it says where to go on, and cannot disagree with it.
 */
export interface PositionsRow {
  readonly commitId: number
  /** Positions of all inputs of the task, by `topic-partition`: the next offset to read. */
  readonly positions: Readonly<Record<string, number>>
  /** Partition times of the inputs, where there is one. */
  readonly partitionTimes: Readonly<Record<string, number>>
}

/** The store key of the positions row. */
export const positionsKey: Buffer = reservedKey('positions')

/** As the row's value. */
export function encodePositions(row: PositionsRow): Buffer {
  return Buffer.from(JSON.stringify(row))
}

/** @throws {SyntaxError} for bytes that no commit wrote: the store is to be given up */
export function decodePositions(value: Uint8Array): PositionsRow {
  return JSON.parse(Buffer.from(value).toString()) as PositionsRow
}
