import type { TopicPartition } from '../../core/topic-partition.ts'
import { partitionKey } from '../../core/topic-partition.ts'
import type { FactChange } from '../storage/broker-storage.ts'
import { type Facts, fact } from '../storage/facts.ts'

/** An offset as a client committed it. */
export interface OffsetEntry extends TopicPartition {
  readonly offset: number
  readonly leaderEpoch: number
  readonly metadata: string | null
}

interface StoredOffset extends OffsetEntry {
  /** Commits are numbered: an offset of a transaction that ends late does not replace one that was committed after it. */
  readonly order: number
}

type OffsetsByPartition = Map<string, StoredOffset>
type OffsetsByGroup = Map<string, OffsetsByPartition>

/** What an event does to offsets: changes of facts, and, once they are written, the same to what is in memory. */
export interface OffsetsOutcome {
  readonly changes: readonly FactChange[]
  apply(): void
}

/** The committed offsets of all groups, and those that wait for their transaction to end. */
export class GroupOffsets {
  private readonly facts: Facts
  private readonly committed: OffsetsByGroup = new Map()
  /** The last of the commits that are still being written: the facts will hold it before what is written from now on. */
  private readonly underWay: OffsetsByGroup = new Map()
  /** By producer id. */
  private readonly pending = new Map<number, OffsetsByGroup>()
  private order = 0

  constructor(facts: Facts) {
    this.facts = facts
    for (const { names, value } of facts.take<StoredOffset>('offset')) {
      this.put(names[0] as string, value)
    }
    for (const { names, value } of facts.take<readonly StoredOffset[]>('pending')) {
      this.putPending(Number(names[0]), names[1] as string, value)
    }
  }

  /** Groups that have offsets. */
  groupIds(): IterableIterator<string> {
    return this.committed.keys()
  }

  /** The committed offset of a partition, undefined where there is none. */
  get(groupId: string, topic: string, partition: number): OffsetEntry | undefined {
    return this.committed.get(groupId)?.get(partitionKey(topic, partition))
  }

  /** All committed offsets of a group. */
  all(groupId: string): OffsetEntry[] {
    return [...(this.committed.get(groupId)?.values() ?? [])]
  }

  /** Whether an open transaction holds an offset for the partition. */
  isPending(groupId: string, topic: string, partition: number): boolean {
    const key = partitionKey(topic, partition)
    for (const groups of this.pending.values()) if (groups.get(groupId)?.has(key)) return true
    return false
  }

  /** Commits offsets; readers see them once they are safe. */
  async commit(groupId: string, entries: readonly OffsetEntry[]): Promise<void> {
    if (entries.length === 0) return
    const stored = this.numbered(entries)
    for (const entry of stored) set(this.underWay, groupId, entry)
    try {
      await this.facts.write(stored.map((entry) => offsetFact(groupId, entry, entry)))
    } finally {
      for (const entry of stored) unset(this.underWay, groupId, entry)
    }
    for (const entry of stored) this.put(groupId, entry)
  }

  /** Keeps offsets for the end of the producer's transaction. */
  async hold(producerId: number, groupId: string, entries: readonly OffsetEntry[]): Promise<void> {
    if (entries.length === 0) return
    // In memory first, so that a second request of the same transaction adds to this one. Nobody reads them before the
    // transaction ends, and its end is written behind this.
    this.putPending(producerId, groupId, this.numbered(entries))
    const held = [...(this.pending.get(producerId)?.get(groupId)?.values() ?? [])]
    await this.facts.write([fact('pending', [producerId, groupId], held)])
  }

  /** What becomes of a producer's held offsets when its transaction ends. The changes are to be written at once. */
  outcome(producerId: number, isCommit: boolean): OffsetsOutcome {
    const held = this.pending.get(producerId)
    if (!held) return { changes: [], apply() {} }
    const changes: FactChange[] = []
    const winners: [string, StoredOffset][] = []
    for (const [groupId, offsets] of held) {
      changes.push(fact('pending', [producerId, groupId], null))
      for (const [key, entry] of isCommit ? offsets : []) {
        const known = this.underWay.get(groupId)?.get(key) ?? this.committed.get(groupId)?.get(key)
        if (known && known.order > entry.order) continue
        changes.push(offsetFact(groupId, entry, entry))
        winners.push([groupId, entry])
        set(this.underWay, groupId, entry)
      }
    }
    return {
      changes,
      apply: () => {
        this.pending.delete(producerId)
        for (const [groupId, entry] of winners) {
          unset(this.underWay, groupId, entry)
          this.put(groupId, entry)
        }
      },
    }
  }

  /** Removes committed offsets of some partitions of a group. */
  async remove(groupId: string, partitions: readonly TopicPartition[]): Promise<void> {
    if (!this.committed.has(groupId) || partitions.length === 0) return
    await this.facts.write(partitions.map((place) => offsetFact(groupId, place, null)))
    for (const place of partitions) drop(this.committed, groupId, place)
  }

  /** The changes that remove all of a group, and what does so in memory. */
  removeGroup(groupId: string): OffsetsOutcome {
    const changes = this.all(groupId).map((entry) => offsetFact(groupId, entry, null))
    for (const [producerId, groups] of this.pending) {
      if (groups.has(groupId)) changes.push(fact('pending', [producerId, groupId], null))
    }
    return {
      changes,
      apply: () => {
        this.committed.delete(groupId)
        for (const groups of this.pending.values()) groups.delete(groupId)
      },
    }
  }

  /**
   * What becomes of all groups' offsets of a topic that is deleted, so that one of the same name begins without them. No
   * more may be committed for it from now on. The changes are to be written at once.
   */
  removeTopic(topic: string): OffsetsOutcome {
    const changes: FactChange[] = []
    const removed: [string, StoredOffset][] = []
    for (const [groupId, offsets] of [...this.committed, ...this.underWay]) {
      for (const entry of offsets.values()) if (entry.topic === topic) removed.push([groupId, entry])
    }
    for (const [groupId, entry] of removed) changes.push(offsetFact(groupId, entry, null))
    for (const [producerId, groups] of this.pending) {
      for (const [groupId, offsets] of groups) {
        const entries = [...offsets.values()]
        const kept = entries.filter((entry) => entry.topic !== topic)
        if (kept.length === entries.length) continue
        // In memory first, as they were held, so that the transaction does not end with them meanwhile.
        for (const entry of entries) if (entry.topic === topic) unset(groups, groupId, entry)
        changes.push(fact('pending', [producerId, groupId], kept.length > 0 ? kept : null))
      }
    }
    return {
      changes,
      apply: () => {
        for (const [groupId, entry] of removed) drop(this.committed, groupId, entry)
      },
    }
  }

  private numbered(entries: readonly OffsetEntry[]): StoredOffset[] {
    return entries.map((entry) => ({ ...entry, order: ++this.order }))
  }

  private put(groupId: string, entry: StoredOffset): void {
    this.order = Math.max(this.order, entry.order)
    const known = this.committed.get(groupId)?.get(partitionKey(entry.topic, entry.partition))
    if (!known || known.order < entry.order) set(this.committed, groupId, entry)
  }

  private putPending(producerId: number, groupId: string, entries: readonly StoredOffset[]): void {
    const groups: OffsetsByGroup = this.pending.get(producerId) ?? new Map()
    this.pending.set(producerId, groups)
    for (const entry of entries) {
      this.order = Math.max(this.order, entry.order)
      set(groups, groupId, entry)
    }
  }
}

function set(groups: OffsetsByGroup, groupId: string, entry: StoredOffset): void {
  const offsets: OffsetsByPartition = groups.get(groupId) ?? new Map()
  groups.set(groupId, offsets)
  offsets.set(partitionKey(entry.topic, entry.partition), entry)
}

/** Takes an entry away where it is still the one in its place. */
function unset(groups: OffsetsByGroup, groupId: string, entry: StoredOffset): void {
  if (groups.get(groupId)?.get(partitionKey(entry.topic, entry.partition)) === entry) drop(groups, groupId, entry)
}

function drop(groups: OffsetsByGroup, groupId: string, { topic, partition }: TopicPartition): void {
  const offsets = groups.get(groupId)
  offsets?.delete(partitionKey(topic, partition))
  if (offsets?.size === 0) groups.delete(groupId)
}

function offsetFact(groupId: string, place: TopicPartition, value: StoredOffset | null): FactChange {
  return fact('offset', [groupId, place.topic, place.partition], value)
}
