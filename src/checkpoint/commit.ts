import { allDone } from '../core/all-done.ts'
import type { Clock } from '../core/clock.ts'
import type { StepHook } from '../core/steps.ts'
import type { TaskId } from '../core/task-id.ts'
import type { GroupIdentity, OffsetCommit } from '../kafka/offset-commit.ts'
import type { TransactionalProducer } from '../kafka/transactional-producer.ts'

/** What one task puts into a transaction. Made at the cut; nothing in it changes afterwards. */
export interface TaskCut {
  readonly task: TaskId
  /** Records taken since the last commit, from any input. */
  readonly records: number
  /** All input partitions of the task, moved or not: by them the transaction is fenced (X2). Asked in B2, all records acknowledged. */
  offsets(): readonly OffsetCommit[]
  /** Appends the changelog records and positions rows of its stores to the open batches. Part of B1. */
  writeChangelogs(): void
  /** B4: one batch a store: rows, positions, meta. */
  writeStores(): Promise<void>
  /** B5: what was committed becomes visible to queries and watchers. */
  publish(): void
}

/** A task as the commit sees it. */
export interface CommitParticipant {
  /**
   * Freezes what the task did since the last cut: hands on the tables' last values, takes the positions.
   * @returns null when it did nothing
   */
  cut(): TaskCut | null
}

/** What a commit needs beside its participants. */
export interface CommitContext {
  readonly clock: Pick<Clock, 'yield'>
  readonly producer: TransactionalProducer
  readonly steps: StepHook
  /** The membership under which the transaction began (X1). */
  readonly group: GroupIdentity
}

/** What was committed. */
export interface CommitReport {
  readonly records: number
  readonly cuts: readonly TaskCut[]
  /**
   * B4 and B5. The thread goes on meanwhile: what the stores are about to get is still in their memory. It must have
   * settled before the next cut and before a store is closed; a rejection is a failed commit like any other (X4).
   */
  readonly stored: Promise<void>
}

/**
 * Commits everything that the tasks of a thread did: the one place where exactly-once is decided.
 *
 * Called between records. What is lost when the process dies at any point, and why nothing is counted twice, stands in the
 * table of exactly-once in ARCHITECTURE.md: until EndTxn is durable at the broker the transaction is aborted by the
 * successor and the work is done again; from there on the changelog has it and restoring brings the stores up to it.
 *
 * @returns null when nothing moved: no transaction then (X15)
 * @throws {StreamError} any action but `retry`: all uncommitted work of the thread must be forgotten (X4)
 */
export async function commit(
  context: CommitContext,
  participants: Iterable<CommitParticipant>,
): Promise<CommitReport | null> {
  const { clock, producer, steps, group } = context

  // B1: stop between records, cut the open generations, and have every output and changelog record acknowledged. What one task
  // wrote is on its way while the next is cut: no task takes a record before the commit is through.
  const cuts: TaskCut[] = []
  for (const participant of participants) {
    const cut = participant.cut()
    if (!cut) continue
    cuts.push(cut)
    cut.writeChangelogs()
    producer.seal()
    await clock.yield()
  }
  if (cuts.length === 0) return null
  await producer.flush()

  // B2: the positions of every task that wrote join the transaction, checked against the membership (KIP-447).
  if (producer.transactionVersion === 1) await steps('B2.addOffsets', () => producer.addOffsets(group.groupId))
  const offsets = cuts.flatMap((cut) => cut.offsets())
  await steps('B2.txnOffsetCommit', () => producer.commitOffsets(group, offsets))

  // B3: from here on it has happened, whether or not the answer arrives.
  await steps('B3.endTxn', () => producer.commit())

  return { records: cuts.reduce((sum, cut) => sum + cut.records, 0), cuts, stored: store(steps, cuts) }
}

async function store(steps: StepHook, cuts: readonly TaskCut[]): Promise<void> {
  // B4: only now do the stores change. No store may be closed while one of them is written, whatever becomes of the others.
  await allDone(cuts.map((cut) => steps('B4.writeStore', () => cut.writeStores())))
  // B5: and only now does anybody see it.
  await steps('B5.publish', async () => {
    for (const cut of cuts) cut.publish()
  })
}
