import type { AppContext } from '../checkpoint/app-context.ts'
import { ChangelogReader } from '../checkpoint/changelog-reader.ts'
import type { Json } from '../connector/source.ts'
import type { TopicPartition } from '../core/topic-partition.ts'
import { binaryKeyOf, reservedKey, userKey } from '../state/row-format.ts'

/** Where a split is. */
export interface SplitPosition {
  /** What the reader said; null before its first word. */
  readonly position: Json
  /** Bytes read so far, for progress. */
  readonly bytes: number
}

interface Row {
  readonly key: Buffer
  readonly value: Buffer
}

const roundKey = reservedKey('round')
const choicePrefix = 'choice '

/**
 * What a source's positions topic holds, and how its tasks agree on who reads what (X16).
 *
 *     0x01 + split id               in the partition of its task     {position, bytes}
 *     0x00 "choice " + split id     in partition 0                   the partition whose task reads the split, for ever
 *     0x00 "round"                  in partition 0                   how often the splits have been looked for
 *
 * The task of partition 0 alone deals splits, in its own transactions; the others read its partition. A choice never
 * moves, so no split is read by two tasks, whatever the processes do. The round is the token of a source's end (X18): it
 * tells this run's discovery from an earlier one's.
 */
export class SplitLog {
  private readonly own: TopicPartition
  private readonly partitions: number
  private readonly reader: ChangelogReader
  private readonly positions = new Map<string, SplitPosition>()
  private readonly choices = new Map<string, number>()
  private readonly changes = new Map<string, Row>()
  private dealerPosition = 0
  private round = 0
  /** Whether the round was begun by the dealer since this task was opened, as far as this task can know. */
  private hasDealt = false

  constructor(app: AppContext, own: TopicPartition, partitions: number) {
    this.own = own
    this.partitions = partitions
    this.reader = new ChangelogReader(app)
  }

  /** Whether this task deals the splits. */
  get isDealer(): boolean {
    return this.own.partition === 0
  }

  /** The token of a source's end; null before the first round. */
  get roundToken(): string | null {
    return this.round === 0 ? null : `round ${this.round}`
  }

  /** A3: reads its own partition, and that of the dealer. @returns the end of its own */
  async restore(): Promise<number> {
    const start = await this.reader.startOffset(this.own)
    const end = await this.reader.readToEnd(this.own, start, async (records) => {
      for (const { key, value } of records) this.apply(key, value, true)
    })
    if (!this.isDealer) {
      this.dealerPosition = await this.reader.startOffset(this.dealer)
      await this.follow()
    }
    return end
  }

  private get dealer(): TopicPartition {
    return { topic: this.own.topic, partition: 0 }
  }

  /** Learns what the dealer has committed since. Not for the dealer itself. @returns whether there was anything */
  async follow(): Promise<boolean> {
    const before = this.dealerPosition
    this.dealerPosition = await this.reader.readSome(this.dealer, before, async (records) => {
      for (const { key, value } of records) this.apply(key, value, false)
    })
    return this.dealerPosition > before
  }

  private apply(key: Buffer, value: Buffer | null, isOwn: boolean): void {
    const name = Buffer.from(binaryKeyOf(key), 'latin1').toString()
    if (key.equals(roundKey)) this.round = Number(value?.toString() ?? 0)
    else if (key[0] === roundKey[0] && name.startsWith(choicePrefix)) {
      this.choices.set(name.slice(choicePrefix.length), Number(value?.toString()))
    } else if (isOwn && key[0] !== roundKey[0]) {
      if (value === null) this.positions.delete(name)
      else this.positions.set(name, JSON.parse(value.toString()) as SplitPosition)
    }
  }

  /** Begins a round: splits that nobody has yet are dealt round robin in order of id. The dealer's alone. */
  deal(ids: readonly string[]): void {
    if (!this.hasDealt) {
      this.hasDealt = true
      this.round++
      this.change(roundKey, String(this.round))
    }
    for (const id of [...ids].sort()) {
      if (this.choices.has(id)) continue
      const partition = this.choices.size % this.partitions
      this.choices.set(id, partition)
      this.change(reservedKey(choicePrefix + id), String(partition))
    }
  }

  /** Whether this task reads the split. False, too, for one that is not dealt yet. */
  isMine(id: string): boolean {
    return this.choices.get(id) === this.own.partition
  }

  /** Where a split is; the start for one that was never read. */
  position(id: string): SplitPosition {
    return this.positions.get(id) ?? { position: null, bytes: 0 }
  }

  /** Moves a split. */
  move(id: string, position: SplitPosition): void {
    this.positions.set(id, position)
    this.change(userKey(Buffer.from(id)), JSON.stringify(position))
  }

  private change(key: Buffer, value: string): void {
    this.changes.set(key.latin1Slice(), { key, value: Buffer.from(value) })
  }

  /** Whether a cut would have anything in it. */
  get hasChanges(): boolean {
    return this.changes.size > 0
  }

  /** What changed since the last cut, the last per row. */
  cut(): readonly Row[] {
    const all = [...this.changes.values()]
    this.changes.clear()
    return all
  }
}
