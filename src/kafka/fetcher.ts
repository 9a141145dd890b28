import { actionOf, messageOf, StreamError } from '../core/errors.ts'
import { partitionKey, type TopicPartition } from '../core/topic-partition.ts'
import { corrupt } from '../protocol/batch-header.ts'
import { kafkaError } from '../protocol/kafka-errors.ts'
import { fetch } from '../protocol/messages/fetch.ts'
import { byTopicInOrder } from './by-topic.ts'
import type { ByteBudget } from './byte-budget.ts'
import type { ClusterMetadata } from './cluster-metadata.ts'
import { FetchQueue, HeldBytes } from './fetch-queue.ts'
import type { KafkaClient } from './kafka-client.ts'
import { kafkaFailure } from './kafka-error.ts'
import type { Lane, NodeId } from './transport.ts'

/** Limits of fetching. Sizes in bytes. */
export interface FetcherLimits {
  /** Asked for of each partition in one answer. Default 512 KiB. */
  readonly partitionBytes?: number
  /** A partition with more than this waiting is left out of the next fetch. Default 1 MiB. */
  readonly queueBytes?: number
  /** Asked for of a partition that is waited for while the budget is spent. Default 64 KiB. */
  readonly sliceBytes?: number
  /** Of so many partitions in one answer. Default 8. */
  readonly slicesAtOnce?: number
  /** How long a broker may hold a fetch that finds nothing. Default 100 ms. */
  readonly maxWaitMs?: number
}

/** How long partitions at their end are left alone while others have more waiting here than they need. */
const busyPauseMs = 25

/** What one fetch asks for: of whom, and how many bytes at the most, of each and in all. */
interface Wish {
  readonly queues: readonly FetchQueue[]
  readonly partitionBytes: number
  readonly totalBytes: number
  /** Whether the budget is spent. */
  readonly isShort: boolean
}

/**
 * Keeps one fetch in flight at each broker that leads an assigned partition and hands undecoded batches to a queue a
 * partition. Only committed records are asked for, up to the last stable offset.
 *
 * While the budget is spent, partitions that are waited for go on in small slices, a few at a time and each in its turn:
 * what holds the budget may be queues of tasks that wait for just these (R3). So it may be passed by a slice, or one
 * batch that is larger, a partition.
 */
export class Fetcher {
  private readonly client: KafkaClient
  private readonly metadata: ClusterMetadata
  private readonly budget: ByteBudget
  private readonly lane: Lane
  private readonly partitionBytes: number
  private readonly queueBytes: number
  private readonly sliceBytes: number
  private readonly slicesAtOnce: number
  private readonly maxWaitMs: number
  private readonly onFetched: () => void
  private readonly queues = new Map<string, FetchQueue>()
  private readonly leaders = new Map<string, NodeId>()
  private readonly loops = new Map<NodeId, Promise<void>>()
  private readonly resolving = new Set<FetchQueue>()
  private wakeUp: (() => void)[] = []
  private closed = false

  /** @param onFetched called whenever a queue got something, a failure among it */
  constructor(
    client: KafkaClient,
    metadata: ClusterMetadata,
    budget: ByteBudget,
    onFetched: () => void,
    limits: FetcherLimits = {},
    lane: Lane = 'fetch',
  ) {
    this.client = client
    this.metadata = metadata
    this.budget = budget
    this.onFetched = onFetched
    this.lane = lane
    this.partitionBytes = limits.partitionBytes ?? 512 * 1024
    this.queueBytes = limits.queueBytes ?? 1024 * 1024
    this.sliceBytes = limits.sliceBytes ?? 64 * 1024
    this.slicesAtOnce = limits.slicesAtOnce ?? 8
    this.maxWaitMs = limits.maxWaitMs ?? 100
  }

  /** Begins a partition at an offset; what was there of it before is dropped. */
  assign(topic: string, partition: number, offset: number): FetchQueue {
    const key = partitionKey(topic, partition)
    this.queues.get(key)?.clear()
    const queue = new FetchQueue(topic, partition, offset, this.budget, () => this.wake())
    this.queues.set(key, queue)
    this.resolve(queue)
    this.wake()
    return queue
  }

  /** Ends a partition; an answer that is on its way is dropped. */
  unassign({ topic, partition }: TopicPartition): void {
    const key = partitionKey(topic, partition)
    this.queues.get(key)?.clear()
    this.queues.delete(key)
    this.leaders.delete(key)
    // What it held of the budget is free for the others.
    this.wake()
  }

  /** Ends all of it. */
  close(): void {
    this.closed = true
    for (const queue of this.queues.values()) queue.clear()
    this.queues.clear()
    this.wake()
  }

  private wake(): void {
    const waiting = this.wakeUp
    this.wakeUp = []
    for (const go of waiting) go()
  }

  private changed(): Promise<void> {
    return new Promise((resolve) => this.wakeUp.push(resolve))
  }

  /** As {@link changed}, for so long at the most. */
  private changedWithin(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const changed = (): void => {
        cancel()
        resolve()
      }
      const cancel = this.client.clock.timer(ms, () => {
        this.wakeUp = this.wakeUp.filter((one) => one !== changed)
        resolve()
      })
      this.wakeUp.push(changed)
    })
  }

  /** Finds the leader of a partition that has none, each partition for itself, and starts a loop for a broker without one. */
  private resolve(queue: FetchQueue): void {
    if (this.resolving.has(queue) || !this.isCurrent(queue)) return
    this.resolving.add(queue)
    this.findLeader(queue).catch((error: unknown) => this.fail(queue, error))
  }

  private async findLeader(queue: FetchQueue): Promise<void> {
    const { topic, partition } = queue
    const key = partitionKey(topic, partition)
    try {
      while (!this.closed && this.queues.get(key) === queue && queue.failure === null) {
        try {
          const node = await this.metadata.leader(this.lane, topic, partition)
          if (this.queues.get(key) !== queue) break
          this.leaders.set(key, node)
          if (!this.loops.has(node)) this.loops.set(node, this.run(node))
          this.wake()
          break
        } catch (error) {
          if (actionOf(error) !== 'retry') this.fail(queue, error)
          else {
            this.client.logger.debug('a partition has no leader yet', { partition: key, reason: messageOf(error) })
            await this.client.clock.sleep(100)
          }
        }
      }
    } finally {
      this.resolving.delete(queue)
    }
  }

  /** Nothing more comes of a partition, and whoever has it is told why. */
  private fail(queue: FetchQueue, error: unknown): void {
    queue.failure =
      error instanceof StreamError
        ? error
        : new StreamError('REQUEST_FAILED', `${queue.topic} cannot be fetched: ${messageOf(error)}`, { cause: error })
    this.onFetched()
  }

  private async run(node: NodeId): Promise<void> {
    let restUntil: number | null = null
    while (!this.closed) {
      const own = [...this.queues.values()].filter(
        (queue) => this.leaders.get(partitionKey(queue.topic, queue.partition)) === node,
      )
      if (own.length === 0) {
        this.loops.delete(node)
        return
      }
      const alive = own.filter((queue) => queue.failure === null)
      const wish = this.wish(alive)
      const wanted = wish.queues
      if (wanted.length === 0) {
        await this.changed()
        continue
      }
      // A queue that is left out now will want more soon: no broker may sit on the fetch then. Nor is one asked without
      // pause for partitions that had nothing more: that was a fetch every 10 ms, for nothing.
      const isBusy = wanted.length < alive.length
      if (isBusy && wanted.every((queue) => queue.isAtEnd)) {
        const now = this.client.clock.monotonicMs()
        restUntil ??= now + busyPauseMs
        if (now < restUntil) {
          await this.changedWithin(restUntil - now)
          continue
        }
      }
      restUntil = null
      try {
        await this.fetchFrom(node, wish, isBusy ? 0 : this.maxWaitMs)
      } catch (error) {
        if (this.closed) return
        if (actionOf(error) !== 'retry') {
          for (const queue of wanted) this.fail(queue, error)
          continue
        }
        this.client.logger.debug('a fetch failed and is repeated', { node, reason: messageOf(error) })
        for (const queue of wanted) this.forgetLeader(queue)
        await this.client.clock.sleep(50)
        for (const queue of wanted) this.resolve(queue)
      }
    }
  }

  /** What to ask for now; of nobody where there is no room. Those come first who waited longest. */
  private wish(alive: readonly FetchQueue[]): Wish {
    const { budget, partitionBytes, sliceBytes } = this
    if (!budget.isExhausted) {
      const totalBytes = Math.max(partitionBytes, Math.min(4 * 1024 * 1024, budget.limitBytes - budget.takenBytes))
      const queues = alive.filter((queue) => queue.bytes < this.queueBytes)
      return { queues, partitionBytes, totalBytes, isShort: false }
    }
    const queues = alive.filter((queue) => queue.isAwaited).slice(0, this.slicesAtOnce)
    return { queues, partitionBytes: sliceBytes, totalBytes: sliceBytes * queues.length, isShort: true }
  }

  private async fetchFrom(node: NodeId, wish: Wish, maxWaitMs: number): Promise<void> {
    const asked = new Map(wish.queues.map((queue) => [queue, queue.fetchOffset]))
    const topics = byTopicInOrder(wish.queues, ({ partition, fetchOffset }) => ({
      index: partition,
      fetchOffset,
      maxBytes: wish.partitionBytes,
    }))
    const answer = await this.client.send(
      this.lane,
      node,
      fetch,
      {
        maxWaitMs,
        minBytes: 1,
        maxBytes: wish.totalBytes,
        isolationLevel: 1,
        topics,
      },
      this.client.deadline(maxWaitMs + this.client.requestTimeoutMs),
    )
    if (answer.errorCode !== kafkaError.NONE) throw kafkaFailure(answer.errorCode, fetch.name)
    const buffers = new Map<ArrayBufferLike, HeldBytes>()
    let news = false
    for (const topic of answer.topics) {
      for (const found of topic.partitions) {
        const queue = this.queues.get(partitionKey(topic.name, found.index))
        // Assigned anew or elsewhere meanwhile: the answer belongs to nobody.
        if (!queue || asked.get(queue) !== queue.fetchOffset) continue
        const hasNews = this.accept(queue, found, buffers)
        if (hasNews) news = true
        if (hasNews || (wish.isShort && queue.isAtEnd)) this.behindOthers(queue)
      }
    }
    if (news) this.onFetched()
  }

  /** It had its turn: a broker fills an answer in the order of what it is asked for. */
  private behindOthers(queue: FetchQueue): void {
    const key = partitionKey(queue.topic, queue.partition)
    this.queues.delete(key)
    this.queues.set(key, queue)
  }

  private accept(
    queue: FetchQueue,
    found: {
      readonly errorCode: number
      readonly highWatermark: number
      readonly lastStableOffset: number
      readonly logStartOffset: number
      readonly records: Buffer | null
      readonly abortedTransactions: readonly { producerId: number; firstOffset: number }[] | null
    },
    buffers: Map<ArrayBufferLike, HeldBytes>,
  ): boolean {
    switch (found.errorCode) {
      case kafkaError.NONE:
        queue.highWatermark = found.highWatermark
        queue.lastStableOffset = found.lastStableOffset
        queue.logStartOffset = found.logStartOffset
        try {
          if (found.records === null || found.records.length === 0) return false
          // A broker gives the first batch whole, however large it is: a part of one is damage, and asking again is a loop.
          const { buffer } = found.records
          const held = buffers.get(buffer) ?? new HeldBytes(this.budget, buffer.byteLength)
          buffers.set(buffer, held)
          if (!queue.push(found.records, found.abortedTransactions ?? [], held))
            throw corrupt('a batch that is cut off')
          return true
        } catch (error) {
          queue.failure = error as StreamError
          return true
        }
      case kafkaError.OFFSET_OUT_OF_RANGE: {
        queue.failure = new StreamError(
          'OFFSET_OUT_OF_RANGE',
          `${queue.topic}-${queue.partition} was to be read from offset ${queue.fetchOffset}, which its log does not hold; records were deleted before they were read, or the topic was created anew`,
          { topic: queue.topic, partition: queue.partition, offset: queue.fetchOffset },
        )
        return true
      }
      default: {
        const failure = kafkaFailure(found.errorCode, fetch.name, { topic: queue.topic, partition: queue.partition })
        if (failure.action !== 'retry') {
          queue.failure = failure
          return true
        }
        this.forgetLeader(queue)
        this.resolve(queue)
        return false
      }
    }
  }

  /** Of a queue whose partition was assigned anew meanwhile, the leader is the other's. */
  private forgetLeader(queue: FetchQueue): void {
    if (this.isCurrent(queue)) this.leaders.delete(partitionKey(queue.topic, queue.partition))
    this.metadata.forget(queue.topic)
  }

  private isCurrent(queue: FetchQueue): boolean {
    return this.queues.get(partitionKey(queue.topic, queue.partition)) === queue
  }
}
