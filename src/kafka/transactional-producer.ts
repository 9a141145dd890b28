import { assert } from '../core/assert.ts'
import type { StepHook } from '../core/steps.ts'
import { type ProducerIdentity, RecordBatchWriter } from '../protocol/record-batch-writer.ts'
import { type Attempt, BatchSender } from './batch-sender.ts'
import type { ClusterMetadata } from './cluster-metadata.ts'
import type { KafkaClient } from './kafka-client.ts'
import type { GroupIdentity, OffsetCommit } from './offset-commit.ts'
import { type OutputOwner, PartitionOutput, type SealedBatch } from './partition-output.ts'
import { initTransactionalId } from './producer-id.ts'
import type { TopicLimits } from './topic-limits.ts'
import { asUnknownOutcome, TransactionRequests } from './transaction-requests.ts'

/** What a producer is made with. */
export interface TransactionalProducerOptions {
  readonly client: KafkaClient
  readonly metadata: ClusterMetadata
  readonly transactionalId: string
  readonly transactionTimeoutMs: number
  readonly steps: StepHook
  /** What the topics take. */
  readonly limits: TopicLimits
}

/**
 * Writes record batches under one transactional id and ends their transactions.
 *
 * A transaction begins with its first batch. Batches go out while records still come in, one request at a time and
 * broker, in sequence; those behind a `hold` belong to the next transaction and wait until the one before it was committed. Any failure is kept and thrown by the next `flush`: the outcome of what was sent is unknown then,
 * and only `init` leads on (X4). Requests are repeated only where the broker said that it did nothing.
 */
export class TransactionalProducer implements OutputOwner {
  readonly transactionalId: string
  private readonly client: KafkaClient
  private readonly transactionTimeoutMs: number
  private readonly steps: StepHook
  private readonly limits: TopicLimits
  private readonly sender: BatchSender
  private readonly requests: TransactionRequests
  private readonly outputs = new Map<string, PartitionOutput[]>()
  private readonly open = new Set<PartitionOutput>()
  private readonly spare: RecordBatchWriter[] = []
  private ready: SealedBatch[] = []
  /** Batches of the next transaction, while the one before it is being committed; else null. */
  private held: SealedBatch[] | null = null
  private identity: ProducerIdentity | null = null
  private draining: Promise<void> | null = null
  /** What went wrong since the last `init`, if anything. */
  private failure: { readonly error: unknown } | null = null
  /** Grows with each `init`: what an older attempt still does must change nothing. */
  private attempt = 0
  /** Whether anything was sent since the last end. */
  private isOpen = false
  /** Bytes sealed and not yet acknowledged, held ones among them: beyond its limit the caller stops appending until `drained`. */
  pendingBytes = 0

  constructor(options: TransactionalProducerOptions) {
    this.client = options.client
    this.sender = new BatchSender(options.client, options.metadata, options.limits, options.transactionalId)
    this.requests = new TransactionRequests(options.client, options.transactionalId)
    this.transactionalId = options.transactionalId
    this.transactionTimeoutMs = options.transactionTimeoutMs
    this.steps = options.steps
    this.limits = options.limits
  }

  /** The id and epoch that `init` got. */
  get producer(): ProducerIdentity {
    assert(this.identity, 'a producer is initialised before it is used')
    return this.identity
  }

  /** Which transactions it makes: only those of version 1 have {@link addOffsets}. */
  get transactionVersion(): 1 | 2 {
    return this.client.transactionVersion
  }

  /** Whether a transaction is open at the broker. */
  get hasTransaction(): boolean {
    return this.isOpen
  }

  /**
   * Gets a producer id: ends what this transactional id left open, fences who else holds it, forgets all that was not
   * sent. Also the way back after any failure.
   */
  async init(): Promise<void> {
    this.giveUp()
    this.failure = null
    this.isOpen = false
    this.draining = null
    for (const outputs of this.outputs.values()) for (const output of outputs) output?.reset()
    this.identity = await initTransactionalId(this.client, this.transactionalId, this.transactionTimeoutMs)
  }

  /** Nothing more is sent of what was appended so far. */
  private giveUp(): void {
    this.attempt++
    this.ready = []
    this.held = null
    this.pendingBytes = 0
    this.open.clear()
  }

  /**
   * Aborts the open transaction and gives up what belongs to it: only `init` leads on. What is under way is waited for,
   * since behind the abort it would begin a transaction of its own, which nobody ends.
   * @throws {StreamError} action `reset-task`: the outcome is unknown then
   */
  async abort(): Promise<void> {
    this.giveUp()
    await this.draining
    const { producer } = this
    this.identity = null
    if (this.isOpen) await this.requests.end(producer, false)
    this.isOpen = false
  }

  /** The end of this producer at one partition; the same object every time. */
  output(topic: string, partition: number): PartitionOutput {
    let outputs = this.outputs.get(topic)
    if (!outputs) {
      outputs = []
      this.outputs.set(topic, outputs)
    }
    let output = outputs[partition]
    if (!output) {
      output = new PartitionOutput(this, this.limits.of(topic), partition)
      outputs[partition] = output
    }
    return output
  }

  takeWriter(batchBytes: number): RecordBatchWriter {
    // Where a topic takes small batches only, thousands of them may wait.
    return this.spare.pop() ?? new RecordBatchWriter(Math.min(batchBytes, 64 * 1024))
  }

  opened(output: PartitionOutput): void {
    this.open.add(output)
  }

  sealed(batch: SealedBatch): void {
    this.pendingBytes += batch.writer.sizeBytes
    if (this.held !== null) {
      this.held.push(batch)
      return
    }
    this.ready.push(batch)
    this.drain()
  }

  /** Ends the open transaction's share: what is appended from here on belongs to the next, and is not sent before {@link commit}. */
  hold(): void {
    assert(this.held === null, 'one transaction at a time is held back')
    this.seal()
    this.held = []
  }

  /** Resolves when nothing is on its way; throws what went wrong. No open batch is sealed for it, and held ones stay. */
  async drained(): Promise<void> {
    while (this.draining) await this.draining
    if (this.failure) throw this.failure.error
  }

  /** Ends the open batches: what was appended goes out while the caller does something else. */
  seal(): void {
    for (const output of [...this.open]) output.cut()
    this.open.clear()
  }

  /**
   * Sends all that was appended to the open transaction and waits until every batch is acknowledged.
   * @throws {StreamError} action `reset-task`
   */
  async flush(): Promise<void> {
    if (this.held === null) this.seal()
    await this.drained()
  }

  private drain(): void {
    if (this.draining || this.failure) return
    const attempt = this.attempt
    this.draining = this.sendReady(() => attempt !== this.attempt)
      .catch((error: unknown) => {
        if (attempt === this.attempt) this.failure = { error: asUnknownOutcome(error) }
      })
      .finally(() => {
        if (attempt !== this.attempt) return
        this.draining = null
        if (this.ready.length > 0) this.drain()
      })
  }

  private async sendReady(isOver: () => boolean): Promise<void> {
    while (this.ready.length > 0 && !isOver()) {
      // Of this moment, since the end of a transaction may have brought another epoch.
      const attempt: Attempt = { ...this.producer, isOver }
      const round = this.takeRound()
      const fresh = round.map((batch) => batch.output).filter((output) => !output.isInTransaction)
      if (fresh.length > 0) {
        this.isOpen = true
        if (this.transactionVersion === 1) {
          await this.steps('B1.addPartitions', () => this.requests.addPartitions(attempt, fresh))
          if (isOver()) return
        }
        for (const output of fresh) output.isInTransaction = true
      }
      await this.steps('B1.produce', () => this.sender.send(attempt, round))
      if (isOver()) return
      for (const { writer } of round) {
        this.pendingBytes -= writer.sizeBytes
        writer.reset()
        if (this.spare.length < 64) this.spare.push(writer)
      }
    }
  }

  /** The first waiting batch of each partition: a request holds one batch a partition. */
  private takeRound(): SealedBatch[] {
    const round = new Map<PartitionOutput, SealedBatch>()
    const rest: SealedBatch[] = []
    for (const batch of this.ready) {
      if (round.has(batch.output)) rest.push(batch)
      else round.set(batch.output, batch)
    }
    this.ready = rest
    return [...round.values()]
  }

  /**
   * B2, first half, in transactions of version 1 alone: enters the group into the transaction, opening it where nothing was
   * written. In version 2 {@link commitOffsets} does that.
   */
  async addOffsets(groupId: string): Promise<void> {
    this.isOpen = true
    await this.requests.addOffsets(this.producer, groupId)
  }

  /** B2, second half: see {@link TransactionRequests.commitOffsets}. */
  async commitOffsets(group: GroupIdentity, offsets: readonly OffsetCommit[]): Promise<void> {
    this.isOpen = true
    await this.requests.commitOffsets(this.producer, group, offsets)
  }

  /** B3: commits, and lets go of what was held. @throws {StreamError} action `reset-task`: the outcome is unknown then */
  async commit(): Promise<void> {
    const { producer, attempt } = this
    const next = await this.requests.end(producer, true)
    if (attempt !== this.attempt) return
    this.identity = next
    this.isOpen = false
    const isNewEpoch = next.producerId !== producer.producerId || next.producerEpoch !== producer.producerEpoch
    for (const outputs of this.outputs.values()) for (const output of outputs) output?.ended(isNewEpoch)
    const { held } = this
    this.held = null
    if (held === null || held.length === 0) return
    // Numbers and epoch are put into a batch when it is sent: here they are those of the new transaction.
    this.ready.push(...held)
    this.drain()
  }
}
