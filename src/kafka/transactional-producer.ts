import { assert } from '../core/assert.ts'
import { actionOf, messageOf, StreamError } from '../core/errors.ts'
import type { StepHook } from '../core/steps.ts'
import { kafkaError } from '../protocol/kafka-errors.ts'
import { addOffsetsToTxn, addPartitionsToTxn, endTxn, txnOffsetCommit } from '../protocol/messages/transaction.ts'
import { type ProducerIdentity, RecordBatchWriter } from '../protocol/record-batch-writer.ts'
import { type Attempt, BatchSender } from './batch-sender.ts'
import { byTopic } from './by-topic.ts'
import type { ClusterMetadata } from './cluster-metadata.ts'
import type { KafkaClient } from './kafka-client.ts'
import { isRetriable, kafkaFailure } from './kafka-error.ts'
import { type OutputOwner, PartitionOutput, type SealedBatch } from './partition-output.ts'
import { initTransactionalId } from './producer-id.ts'
import type { NodeId } from './transport.ts'

/** The membership under which offsets are committed: the fence of KIP-447. */
export interface GroupIdentity {
  readonly groupId: string
  readonly generationId: number
  readonly memberId: string
  readonly groupInstanceId: string | null
}

/** An offset to commit: the next to read, and up to 4,095 bytes of metadata (X5). */
export interface OffsetCommit {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly metadata: string
}

/** What a producer is made with. */
export interface TransactionalProducerOptions {
  readonly client: KafkaClient
  readonly metadata: ClusterMetadata
  readonly transactionalId: string
  readonly transactionTimeoutMs: number
  readonly steps: StepHook
  /** Bytes of a batch, at most `max.message.bytes` of the topics. Default 256 KiB: larger ones were no faster and held 30 MB more. */
  readonly batchBytes?: number
}

/**
 * Writes record batches under one transactional id and ends their transactions.
 *
 * A transaction begins with its first batch. Batches go out while records still come in, one request at a time and
 * broker, in sequence. Any failure is kept and thrown by the next `flush`: the outcome of what was sent is unknown then,
 * and only `init` leads on (X4). Requests are repeated only where the broker said that it did nothing.
 */
export class TransactionalProducer implements OutputOwner {
  readonly transactionalId: string
  readonly batchBytesMax: number
  private readonly client: KafkaClient
  private readonly transactionTimeoutMs: number
  private readonly steps: StepHook
  private readonly sender: BatchSender
  private readonly outputs = new Map<string, PartitionOutput[]>()
  private readonly open = new Set<PartitionOutput>()
  private readonly spare: RecordBatchWriter[] = []
  private ready: SealedBatch[] = []
  private identity: ProducerIdentity | null = null
  private draining: Promise<void> | null = null
  private failure: StreamError | null = null
  /** Grows with each `init`: what an older attempt still does must change nothing. */
  private attempt = 0
  /** Whether anything was sent since the last end. */
  private isOpen = false
  /** Bytes sealed and not yet acknowledged: beyond its limit the caller stops appending until `drained`. */
  pendingBytes = 0

  constructor(options: TransactionalProducerOptions) {
    this.client = options.client
    this.sender = new BatchSender(options.client, options.metadata, options.transactionalId)
    this.transactionalId = options.transactionalId
    this.transactionTimeoutMs = options.transactionTimeoutMs
    this.steps = options.steps
    this.batchBytesMax = options.batchBytes ?? 256 * 1024
  }

  /** The id and epoch that `init` got. */
  get producer(): ProducerIdentity {
    assert(this.identity, 'a producer is initialised before it is used')
    return this.identity
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
    this.attempt++
    this.failure = null
    this.ready = []
    this.pendingBytes = 0
    this.isOpen = false
    this.open.clear()
    this.draining = null
    for (const outputs of this.outputs.values()) for (const output of outputs) output?.reset()
    this.identity = await initTransactionalId(this.client, this.transactionalId, this.transactionTimeoutMs)
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
      output = new PartitionOutput(this, topic, partition)
      outputs[partition] = output
    }
    return output
  }

  takeWriter(): RecordBatchWriter {
    return this.spare.pop() ?? new RecordBatchWriter(64 * 1024)
  }

  opened(output: PartitionOutput): void {
    this.open.add(output)
  }

  sealed(batch: SealedBatch): void {
    this.pendingBytes += batch.writer.sizeBytes
    this.ready.push(batch)
    this.drain()
  }

  /** Resolves when nothing is on its way; throws what went wrong. Without an open batch being sealed for it. */
  async drained(): Promise<void> {
    while (this.draining) await this.draining
    if (this.failure) throw this.failure
  }

  /** Sends all that was appended and waits until every batch is acknowledged. @throws {StreamError} action `reset-task` */
  async flush(): Promise<void> {
    for (const output of [...this.open]) output.cut()
    this.open.clear()
    await this.drained()
  }

  private drain(): void {
    if (this.draining || this.failure) return
    const attempt = this.attempt
    this.draining = this.sendReady({ ...this.producer, isOver: () => attempt !== this.attempt })
      .catch((error: unknown) => {
        if (attempt === this.attempt) this.failure = asUnknownOutcome(error)
      })
      .finally(() => {
        if (attempt !== this.attempt) return
        this.draining = null
        if (this.ready.length > 0) this.drain()
      })
  }

  private async sendReady(attempt: Attempt): Promise<void> {
    while (this.ready.length > 0 && !attempt.isOver()) {
      const round = this.takeRound()
      const fresh = round.map((batch) => batch.output).filter((output) => !output.isInTransaction)
      if (fresh.length > 0) await this.steps('B1.addPartitions', () => this.addPartitions(attempt, fresh))
      if (attempt.isOver()) return
      await this.steps('B1.produce', () => this.sender.send(attempt, round))
      if (attempt.isOver()) return
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

  private async addPartitions(attempt: Attempt, outputs: readonly PartitionOutput[]): Promise<void> {
    this.isOpen = true
    const { producerId, producerEpoch } = attempt
    await this.toCoordinator(async (node) => {
      const answer = await this.client.send('data', node, addPartitionsToTxn, {
        transactionalId: this.transactionalId,
        producerId,
        producerEpoch,
        topics: byTopic(outputs, ({ partition }) => partition),
      })
      for (const topic of answer.topics) {
        for (const { index, errorCode } of topic.partitions) {
          // 55 only says that another partition of the request failed.
          if (errorCode !== kafkaError.NONE && errorCode !== operationNotAttempted) {
            throw kafkaFailure(errorCode, addPartitionsToTxn.name, { topic: topic.name, partition: index })
          }
        }
      }
    })
    if (attempt.isOver()) return
    for (const output of outputs) output.isInTransaction = true
  }

  /** B2, first half: enters the group's offsets into the transaction, opening it where nothing was written. */
  async addOffsets(groupId: string): Promise<void> {
    this.isOpen = true
    await this.toCoordinator(async (node) => {
      const request = { transactionalId: this.transactionalId, ...this.producer, groupId }
      const { errorCode } = await this.client.send('data', node, addOffsetsToTxn, request)
      if (errorCode !== kafkaError.NONE) throw kafkaFailure(errorCode, addOffsetsToTxn.name)
    })
  }

  /**
   * B2, second half: writes the offsets into the transaction, fenced by the membership (X2).
   * @throws {StreamError} `MEMBERSHIP_LOST` (action `rejoin`) when the coordinator does not know this generation or member,
   * `INSTANCE_FENCED` when another process took the instance id
   */
  async commitOffsets(group: GroupIdentity, offsets: readonly OffsetCommit[]): Promise<void> {
    const topics = byTopic(offsets, ({ partition, offset, metadata }) => ({
      index: partition,
      committedOffset: offset,
      committedMetadata: metadata,
    }))
    const deadline = this.client.deadline()
    await this.client.retrying(deadline, async () => {
      const node = await this.client.groupCoordinator('data', group.groupId, deadline)
      const answer = await this.client.send(
        'data',
        node,
        txnOffsetCommit,
        {
          transactionalId: this.transactionalId,
          ...group,
          ...this.producer,
          topics,
        },
        deadline,
        3,
      )
      for (const topic of answer.topics) {
        for (const { index, errorCode } of topic.partitions) {
          if (errorCode !== kafkaError.NONE) {
            throw kafkaFailure(errorCode, txnOffsetCommit.name, { topic: topic.name, partition: index })
          }
        }
      }
    })
  }

  /** B3: commits or aborts. @throws {StreamError} action `reset-task`: the outcome is unknown then */
  async end(committed: boolean): Promise<void> {
    try {
      await this.toCoordinator(async (node) => {
        const request = { transactionalId: this.transactionalId, ...this.producer, committed }
        const { errorCode } = await this.client.send('data', node, endTxn, request)
        if (errorCode !== kafkaError.NONE) throw kafkaFailure(errorCode, endTxn.name)
      })
    } catch (error) {
      throw asUnknownOutcome(error)
    }
    this.isOpen = false
    for (const outputs of this.outputs.values()) {
      for (const output of outputs) {
        if (output) output.isInTransaction = false
      }
    }
  }

  /** Repeats only what a broker answered with an error number that means that it did nothing. */
  private async toCoordinator(attempt: (node: NodeId) => Promise<void>): Promise<void> {
    const deadline = this.client.deadline()
    await this.client.retrying(
      deadline,
      async () => {
        const node = await this.client.transactionCoordinator('data', this.transactionalId, deadline)
        try {
          await attempt(node)
        } catch (error) {
          const code = error instanceof StreamError ? error.context.kafkaCode : undefined
          if (code !== undefined && isRetriable(code)) throw error
          throw actionOf(error) === 'retry' ? asUnknownOutcome(error) : error
        }
      },
      2,
    )
  }
}

const operationNotAttempted = 55

/** A failure after which nobody knows what the broker has: the engine forgets and replays (X4). */
function asUnknownOutcome(error: unknown): StreamError {
  if (error instanceof StreamError && error.action !== 'retry') return error
  return new StreamError(
    'TRANSACTION_UNKNOWN',
    `the outcome of a transaction is unknown (${messageOf(error)}); its work is forgotten and done again`,
    { action: 'reset-task', cause: error },
  )
}
