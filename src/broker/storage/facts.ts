import type { BrokerStorage, FactChange } from './broker-storage.ts'

/**
 * The small facts of a broker, as JSON under a key of its kind and names, each name percent-encoded:
 *
 *     cluster                                  {id}
 *     starts                                   how often the broker was started: the leader epoch
 *     producer-ids                             the first producer id that was never handed out
 *     topic/<name>                             {id, partitions, configs}
 *     log/<topic id>/<partition>               {startOffset, snapshot}: what DeleteRecords left
 *     group/<group>                            members, generation, assignments of a group that is stable
 *     offset/<group>/<topic>/<partition>       a committed offset
 *     pending/<producer id>/<group>            offsets of a transaction that is still open
 *     transaction/<transactional id>           a row of the transaction coordinator's table
 */
export type FactKind =
  | 'cluster'
  | 'starts'
  | 'producer-ids'
  | 'topic'
  | 'log'
  | 'group'
  | 'offset'
  | 'pending'
  | 'transaction'

/** A change to one fact; `null` removes it. */
export function fact(kind: FactKind, names: readonly (string | number)[], value: unknown): FactChange {
  const key = [kind, ...names.map((name) => encodeURIComponent(name))].join('/')
  return { key, value: value === null ? null : JSON.stringify(value) }
}

/** One fact as it was when the broker started. */
export interface LoadedFact<T> {
  readonly names: readonly string[]
  readonly value: T
}

/** Reads all facts once and writes changes to them. */
export class Facts {
  private readonly storage: BrokerStorage
  private readonly sync: boolean
  private readonly failed: (error: unknown) => void
  private loaded: Map<FactKind, LoadedFact<unknown>[]>

  private constructor(storage: BrokerStorage, sync: boolean, failed: (error: unknown) => void) {
    this.storage = storage
    this.sync = sync
    this.failed = failed
    this.loaded = new Map()
  }

  /** @param failed told of a failed write, after which the broker must not go on */
  static async load(storage: BrokerStorage, sync: boolean, failed: (error: unknown) => void): Promise<Facts> {
    const facts = new Facts(storage, sync, failed)
    for (const [key, text] of await storage.facts()) {
      const [kind, ...names] = key.split('/')
      const entry = { names: names.map(decodeURIComponent), value: JSON.parse(text) as unknown }
      const known = facts.loaded.get(kind as FactKind)
      if (known) known.push(entry)
      else facts.loaded.set(kind as FactKind, [entry])
    }
    return facts
  }

  /** The facts of a kind as they were at the start. Each kind is asked for once, by its owner. */
  take<T>(kind: FactKind): readonly LoadedFact<T>[] {
    const found = this.loaded.get(kind) ?? []
    this.loaded.delete(kind)
    return found as LoadedFact<T>[]
  }

  /** Writes the changes as one batch. When it resolves they outlive this process. @throws what the storage threw */
  async write(changes: readonly FactChange[]): Promise<void> {
    try {
      await this.storage.writeFacts(changes, { sync: this.sync })
    } catch (error) {
      this.failed(error)
      throw error
    }
  }
}
