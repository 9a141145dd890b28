import type { Json, ReadResult, SourceConnector, SourceRecord, Split, SplitReader } from '../connector/source.ts'
import { messageOf, type StreamError } from '../core/errors.ts'
import { ConnectorCalls } from './connector-calls.ts'
import type { SplitLog } from './split-log.ts'
import type { ThreadContext } from './thread-context.ts'

/** A read that gave so many was ended by its reader's own measure, and the next gives more; a smaller one is what there was. */
const manyRecords = 256
/** Lines and rows asked for in one read: large enough that the promise costs nothing, small enough for a slice of 5 ms. */
const recordsPerRead = 4096
const idleMs = 50
/** Between two looks at what the dealer says: doubled while it says nothing, for a look is a fetch of its own. */
const followDealerMs = { least: 50, most: 400 }

interface OpenSplit {
  readonly split: Split
  readonly reader: SplitReader<Json>
  isDone: boolean
  /** How many records the last read gave. */
  given: number
  /** Where it was at the last cut. */
  cutAt: Json
  /** What is durable and was not said yet; null where all was. */
  durable: Json
  isAcknowledging: boolean
}

/** Records that were read, handed over once. */
export interface PumpedRecords {
  readonly records: readonly SourceRecord[]
}

/**
 * Reads the splits of one source task ahead by one read, each in turn, and finds new ones.
 *
 * It waits in the background so that its task never does: `take` hands over what is there and lets the next read begin.
 */
export class SplitPump {
  private readonly thread: ThreadContext
  private readonly connector: SourceConnector
  private readonly log: SplitLog
  private readonly calls: ConnectorCalls
  private readonly splits = new Map<string, OpenSplit>()
  private order: OpenSplit[] = []
  private readonly ready: {
    readonly open: OpenSplit
    readonly result: ReadResult<Json>
    readonly taken: () => void
  }[] = []
  private running: Promise<void> | null = null
  private readonly reading: Promise<void>[] = []
  private failure: StreamError | null = null
  private roundOpened: string | null = null
  private discoveredMs = Number.NEGATIVE_INFINITY

  constructor(thread: ThreadContext, connector: SourceConnector, log: SplitLog, taskName: string) {
    this.thread = thread
    this.connector = connector
    this.log = log
    this.calls = new ConnectorCalls(thread, 'source', connector.name, taskName)
  }

  /** Begins to read. Once. */
  start(): void {
    this.running = this.run().catch((error: unknown) => this.fail(error))
  }

  /** Every split of the round in hand is at its end. Never while following. */
  get isDone(): boolean {
    return (
      this.ready.length === 0 &&
      this.roundOpened !== null &&
      this.roundOpened === this.log.roundToken &&
      this.order.length === 0
    )
  }

  /**
   * Records that were read and not taken, with as many as the last read gave where more are to be expected; infinite until
   * bounded splits are at their end.
   */
  get waiting(): number {
    if (!this.thread.follow) return this.isDone ? 0 : Number.POSITIVE_INFINITY
    let waiting = 0
    for (const { result } of this.ready) waiting += result.records.length
    for (const { given } of this.order) if (given >= manyRecords) waiting += given
    return waiting
  }

  /** What was read, once. @throws {StreamError} what the connector failed with */
  take(): PumpedRecords | null {
    if (this.failure) throw this.failure
    const next = this.ready.shift()
    if (!next) return null
    const { open, result } = next
    const { id } = open.split
    const bytesRead = result.bytesRead ?? 0
    this.log.move(id, { position: result.next, bytes: this.log.position(id).bytes + bytesRead })
    this.thread.metrics.sourceBytesRead += bytesRead
    this.thread.metrics.skipped += result.skipped ?? 0
    next.taken()
    return { records: result.records }
  }

  /** What was taken is about to be committed. */
  cut(): void {
    for (const open of this.splits.values()) open.cutAt = this.log.position(open.split.id).position
  }

  /** What was taken before the last cut is durable. */
  committed(): void {
    for (const open of this.splits.values()) {
      open.durable = open.cutAt
      if (!open.isAcknowledging) void this.acknowledge(open)
    }
  }

  /** Tells a reader what is durable, one call at a time: what is committed meanwhile is said in one. */
  private async acknowledge(open: OpenSplit): Promise<void> {
    const { reader } = open
    open.isAcknowledging = true
    while (reader.committed && open.durable !== null) {
      const position = open.durable
      open.durable = null
      try {
        await this.calls.make('committed', async () => reader.committed?.(position))
      } catch (error) {
        if (this.calls.signal.aborted) break
        const reason = messageOf(error)
        this.calls.context.logger.warn(`the source ${this.connector.name} could not acknowledge`, { reason })
      }
    }
    open.isAcknowledging = false
  }

  async close(): Promise<void> {
    const ended = this.calls.end()
    for (const { taken } of this.ready.splice(0)) taken()
    await ended
    await this.running
    await Promise.all(this.reading)
    const all = [...this.splits.values()]
    this.splits.clear()
    this.order = []
    await Promise.all(all.map(({ reader }) => this.calls.close(reader)))
    for (const { split } of all) {
      // A task that is closed for a replay is opened again, and counts its splits again.
      if (this.thread.app.signal.aborted) continue
      this.thread.metrics.sourceBytesRead -= this.log.position(split.id).bytes
      this.thread.metrics.sourceBytesTotal -= split.sizeBytes ?? 0
    }
  }

  private async run(): Promise<void> {
    const { signal, clock, follow } = this.calls.context
    let pauseMs = idleMs
    while (!signal.aborted) {
      const hasNews = await this.discover()
      if (!this.log.isDealer) {
        pauseMs = hasNews ? followDealerMs.least : Math.min(2 * pauseMs, followDealerMs.most)
      }
      // One split after the other where all is there; at the same time where each may wait for its file to grow.
      if (!follow) for (const open of this.order) await this.readSplit(open)
      if (!signal.aborted) await clock.sleep(pauseMs, signal)
    }
  }

  /** Looks for splits: once a round, and every `discoverEveryMs` while following. @returns whether the dealer said anything */
  private async discover(): Promise<boolean> {
    const { clock, signal, follow } = this.calls.context
    const { isDealer } = this.log
    const hasNews = !isDealer && (await this.log.follow())
    const now = clock.monotonicMs()
    const isDue = follow && now - this.discoveredMs >= (this.connector.discoverEveryMs ?? 1000)
    if (this.roundOpened !== null && this.roundOpened === this.log.roundToken && !isDue) return hasNews
    if (!isDealer && this.log.roundToken === null) return hasNews
    this.discoveredMs = now
    const found = await this.calls.begin('splits', () => this.connector.splits(this.calls.context))
    if (signal.aborted) return hasNews
    if (isDealer) this.log.deal(found.map(({ id }) => id))
    const isNewRound = this.roundOpened !== this.log.roundToken
    for (const split of [...found].sort((a, b) => (a.id < b.id ? -1 : 1))) {
      if (!this.log.isMine(split.id)) continue
      const open = this.splits.get(split.id)
      if (open && !(isNewRound && open.isDone)) continue
      if (open) await this.calls.close(open.reader)
      if (signal.aborted) return hasNews
      await this.open(split)
    }
    this.roundOpened = this.log.roundToken
    this.thread.wake()
    return hasNews
  }

  private async open(split: Split): Promise<void> {
    const { position, bytes } = this.log.position(split.id)
    const { context } = this.calls
    const reader = await this.calls.open(() => this.connector.open(split, position, context))
    const open = { split, reader, isDone: false, given: 0, cutAt: null, durable: null, isAcknowledging: false }
    if (!this.splits.has(split.id)) {
      this.thread.metrics.sourceBytesRead += bytes
      this.thread.metrics.sourceBytesTotal += split.sizeBytes ?? 0
    }
    this.splits.set(split.id, open)
    this.order.push(open)
    if (context.follow) this.reading.push(this.readSplit(open).catch((error: unknown) => this.fail(error)))
  }

  /** Reads a split until it is at its end or the task closes, a result at a time. */
  private async readSplit(open: OpenSplit): Promise<void> {
    while (!open.isDone && !this.calls.signal.aborted) await this.readOnce(open)
  }

  /** One read and its delivery: a function of its own, so that nothing holds the last result while the next is waited for. */
  private async readOnce(open: OpenSplit): Promise<void> {
    const { signal } = this.calls
    const result = await this.calls.make('read', () => open.reader.read(recordsPerRead, signal))
    if (signal.aborted) return
    const gaveMany = open.given >= manyRecords
    open.given = result.records.length
    if (result.records.length > 0 || !sameJson(result.next, this.log.position(open.split.id).position)) {
      await this.deliver({ open, result })
    } else if (gaveMany) this.thread.wake()
    if (result.done) {
      open.isDone = true
      this.order = this.order.filter((one) => one !== open)
      this.thread.wake()
    }
  }

  /** Resolves when the task has taken it. */
  private deliver(read: { readonly open: OpenSplit; readonly result: ReadResult<Json> }): Promise<void> {
    return new Promise((resolve) => {
      this.ready.push({ ...read, taken: resolve })
      this.thread.wake()
    })
  }

  private fail(error: unknown): void {
    if (this.calls.signal.aborted || this.failure) return
    this.failure = this.calls.failed(error)
    this.thread.wake()
  }
}

const sameJson = (a: Json, b: Json): boolean => JSON.stringify(a) === JSON.stringify(b)
