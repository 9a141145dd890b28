import { comparePartitions, partitionKey, type TopicPartition } from '../core/topic-partition.ts'
import type { CommittedOffset } from '../kafka/admin.ts'
import type { GroupIdentity } from '../kafka/offset-commit.ts'
import type { TransactionalProducer } from '../kafka/transactional-producer.ts'
import { earliestTimestamp } from '../protocol/messages/list-offsets.ts'
import type { AppContext } from './app-context.ts'
import type { LogAccess } from './log-access.ts'
import { committedWith, decodeOffsetMetadata, type OffsetMetadata } from './offset-metadata.ts'

/** Where a partition goes on, as the group has it. */
export interface StartPosition {
  readonly offset: number
  /** Null where the offset was resolved now, or committed by another program. */
  readonly metadata: OffsetMetadata | null
  /** Whether the group had none: then it is committed before the first record is taken (X2). */
  readonly isNew: boolean
}

const unstablePauseMs = 50
const unstableFenceMs = 500

/**
 * A2: reads where the group stands, waiting out or fencing transactions that are about to change it.
 *
 * An offset that a dead producer holds pending is freed by fencing that producer: first the last committer of a partition,
 * if it is no member any more, then whoever of this application still has a transaction open (X3).
 *
 * @returns by {@link partitionKey}; partitions without a committed offset begin at the first offset of their log
 */
export async function readStartPositions(
  app: AppContext,
  partitions: readonly TopicPartition[],
): Promise<ReadonlyMap<string, StartPosition>> {
  if (partitions.length === 0) return new Map()
  const committed = await stableOffsets(app, partitions)
  const missing = partitions.filter((at) => !committed.has(partitionKey(at.topic, at.partition)))
  const earliest =
    missing.length === 0 ? new Map<string, number>() : await app.admin.offsets(missing, earliestTimestamp)
  const positions = new Map<string, StartPosition>()
  for (const { topic, partition } of partitions) {
    const key = partitionKey(topic, partition)
    const found = committed.get(key)
    positions.set(
      key,
      found
        ? { offset: found.offset, metadata: decodeOffsetMetadata(found.metadata), isNew: false }
        : { offset: earliest.get(key) ?? 0, metadata: null, isNew: true },
    )
  }
  return positions
}

type Stable = Exclude<CommittedOffset, 'unstable'>

async function stableOffsets(app: AppContext, partitions: readonly TopicPartition[]): Promise<Map<string, Stable>> {
  const { clock, steps } = app.ports
  let unstableSince: number | null = null
  for (;;) {
    app.signal.throwIfAborted()
    const found = await steps('A2.offsetFetch', () => app.admin.committedOffsets(app.appId, partitions, true))
    const stable = new Map<string, Stable>()
    for (const [key, offset] of found) if (offset !== 'unstable') stable.set(key, offset)
    if (stable.size === found.size) {
      if (!(await fenceDeadCommitters(app, stable))) return stable
      continue
    }
    const now = clock.monotonicMs()
    unstableSince ??= now
    if (now - unstableSince >= unstableFenceMs) {
      await steps('A2.fenceDeadProducer', () => app.fence.fenceOngoing(app.aliveTransactionalIds()))
      unstableSince = null
    }
    await clock.sleep(unstablePauseMs)
  }
}

/** @returns whether any was fenced: then its open transaction is gone, and the offsets must be read again */
async function fenceDeadCommitters(app: AppContext, offsets: ReadonlyMap<string, Stable>): Promise<boolean> {
  const alive = app.aliveTransactionalIds()
  const dead = new Set<string>()
  for (const { metadata } of offsets.values()) {
    const committer = decodeOffsetMetadata(metadata)?.txnId
    if (committer !== undefined && !alive.has(committer) && !app.fence.hasFenced(committer)) dead.add(committer)
  }
  for (const committer of dead) {
    await app.ports.steps('A2.fenceDeadProducer', () => app.fence.fence(committer))
  }
  return dead.size > 0
}

/** The version of the plan of the last commit of each partition, by {@link partitionKey}; 0 where none says one. */
export async function committedPlans(
  app: LogAccess,
  partitions: readonly TopicPartition[],
): Promise<ReadonlyMap<string, number>> {
  const found = await app.admin.committedOffsets(app.appId, partitions, false)
  return new Map(
    [...found].map(([key, offset]) => [
      key,
      offset === 'unstable' ? 0 : (decodeOffsetMetadata(offset.metadata)?.plan ?? 0),
    ]),
  )
}

/** A5: commits start positions that were resolved now, so that from the first transaction on every input has an offset. */
export async function commitStartPositions(
  app: AppContext,
  producer: TransactionalProducer,
  group: GroupIdentity,
  positions: readonly (TopicPartition & { readonly offset: number; readonly commitId: number })[],
): Promise<void> {
  if (positions.length === 0) return
  const offsets = [...positions].sort(comparePartitions).map(({ topic, partition, offset, commitId }) => ({
    topic,
    partition,
    offset,
    metadata: committedWith(app, topic, { commitId, partitionTime: null, ended: null }),
  }))
  await app.ports.steps('A5.commitStartPositions', async () => {
    if (producer.transactionVersion === 1) await producer.addOffsets(group.groupId)
    await producer.commitOffsets(group, offsets)
    await producer.commit()
  })
}
