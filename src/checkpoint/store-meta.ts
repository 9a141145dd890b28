import { reservedKey, rowFormat } from '../state/row-format.ts'

/**
 * The reserved row that a task's store keeps about itself; it is not in the changelog. It is written in the same batch as
 * the rows it speaks of, so it is never ahead of them.
 */
export interface StoreMeta {
  /** Of its rows: `rowFormat`. Another one means: restore from the changelog. */
  readonly format: number
  readonly app: string
  readonly store: string
  readonly partition: number
  readonly clusterId: string
  /** The changelog's topic id: another one means that it was deleted and created anew. */
  readonly topicId: string
  /** From which offset on the changelog is of this store: a store that was begun anew leaves behind what stands before. */
  readonly beganAt: number
  /** The changelog up to this offset is in the store. */
  readonly changelogOffset: number
  /** When that was written, epoch milliseconds (X10). */
  readonly writtenMs: number
}

/** The store key of the meta row. */
export const metaKey: Buffer = reservedKey('meta')

/** What a store must say of itself to be used, beside how far it is. */
export type StoreIdentity = Pick<StoreMeta, 'app' | 'store' | 'partition' | 'clusterId' | 'topicId' | 'beganAt'>

/** As the row's value. */
export function encodeMeta(meta: StoreMeta): Buffer {
  return Buffer.from(JSON.stringify(meta))
}

/** @returns null when the bytes are no meta row */
export function decodeMeta(value: Uint8Array): StoreMeta | null {
  try {
    const read = JSON.parse(Buffer.from(value).toString()) as StoreMeta
    return typeof read.changelogOffset === 'number' ? read : null
  } catch {
    return null
  }
}

/** Why a store cannot be used as it is, as the end of a sentence, or null when it can. */
export function misfit(meta: StoreMeta, identity: StoreIdentity, oldestMs: number): string | null {
  if (meta.format !== rowFormat) return `its format is ${meta.format}, this version writes ${rowFormat}`
  for (const name of ['app', 'store', 'partition', 'clusterId', 'topicId', 'beganAt'] as const) {
    if (meta[name] !== identity[name]) return `its ${name} is ${meta[name]}, here it is ${identity[name]}`
  }
  // Tombstones older than delete.retention.ms may be compacted away: an old store would keep the deleted keys (X10).
  if (meta.writtenMs < oldestMs) return 'it was last written before the deletes in its changelog may have expired'
  return null
}
