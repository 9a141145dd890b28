import type { Manifest } from '../topology/manifest.ts'

/** The one row of the control topic about the application as a whole. */
export interface PlanRow {
  /** Of its layout. */
  readonly v: 1
  /** Counts the plans that ran, from 1 on. */
  readonly version: number
  readonly manifest: Manifest
  /** The ids of all topics that the plan reads or the engine made for it, by name in Kafka. */
  readonly topicIds: Readonly<Record<string, string>>
  /** Every store that ever was in a plan, with the version of the last that had it. */
  readonly stores: Readonly<Record<string, number>>
  /** Stores that were begun anew, with the version at which: what they had before is of no commit. */
  readonly fresh: Readonly<Record<string, number>>
  /** Hashes of the plans before, with the last version of each; the newest few. */
  readonly earlier: readonly (readonly [hash: string, version: number])[]
  /** When the application was started for the first time, epoch milliseconds. */
  readonly firstStartMs: number
}

/** The row of one partition of a store, written by its first commit: from then on its changelog has to show one. */
export interface BeginningRow {
  /** Of its layout. */
  readonly v: 1
  /** The commit of its task. */
  readonly commitId: number
  /** The version of the plan. */
  readonly plan: number
  /** Where in the changelog it begins: what stands before is of a store that was given up. */
  readonly changelogOffset: number
}

/** The key of the row about the whole. */
export const planKey: Buffer = Buffer.from('plan')

const beginningPattern = /^begin ([^ ]+) (\d+)$/

/** The key of a beginning; names of stores have no spaces. */
export function beginningKey(store: string, partition: number): Buffer {
  return Buffer.from(`begin ${store} ${partition}`)
}

/** What a row of the control topic is about; null for one of a later version. */
export function decodeControlKey(
  key: Uint8Array,
):
  | { readonly kind: 'plan' }
  | { readonly kind: 'beginning'; readonly store: string; readonly partition: number }
  | null {
  if (planKey.equals(key)) return { kind: 'plan' }
  const match = beginningPattern.exec(Buffer.from(key).toString())
  return match && { kind: 'beginning', store: match[1] as string, partition: Number(match[2]) }
}

/** As a row's value. */
export function encodeControlRow(row: PlanRow | BeginningRow): Buffer {
  return Buffer.from(JSON.stringify(row))
}

/** @throws {SyntaxError} for bytes that are no row of this layout */
export function decodeControlRow<R extends PlanRow | BeginningRow>(value: Uint8Array): R {
  const read = JSON.parse(Buffer.from(value).toString()) as R
  if (read.v === 1) return read
  throw new SyntaxError(`expected a control row of layout 1, found ${read.v ?? 'none'}`)
}
