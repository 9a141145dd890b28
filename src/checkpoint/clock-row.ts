import { reservedKey } from '../state/row-format.ts'

/** The reserved row in which a task keeps its times (X8): restored with the state, so that no clock of it goes back. */
export interface ClockRow {
  /** The greatest timestamp that was taken (R1), epoch milliseconds; -1 before the first. */
  readonly streamTime: number
  /** The latest wall time that was read, epoch milliseconds; -1 before the first. */
  readonly wallTime: number
}

/** The store key of the clock row. */
export const clockKey: Buffer = reservedKey('clock')

/** As the row's value. */
export function encodeClock(row: ClockRow): Buffer {
  return Buffer.from(JSON.stringify(row))
}

/** @throws {SyntaxError} for bytes that no commit wrote: the store is to be given up */
export function decodeClock(value: Uint8Array): ClockRow {
  const { streamTime, wallTime } = JSON.parse(Buffer.from(value).toString()) as Partial<ClockRow>
  if (typeof streamTime !== 'number' || typeof wallTime !== 'number') throw new SyntaxError('no times')
  return { streamTime, wallTime }
}
