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
  /** Appends the changelog records and positions rows of its stores to the open batches. Part of B1. */
  writeChangelogs(): void
  /** All its records are acknowledged and nothing behind them was sent: takes the ends of the partitions that it wrote. */
  acknowledged(): void
  /** All input partitions of the task, moved or not: by them the transaction is fenced (X2). Asked in B2. */
  offsets(): readonly OffsetCommit[]
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

/**
 * A commit that has been cut. The thread works on at once: what it appends belongs to the next transaction, which the
 * producer holds back. Both promises reject like any failed commit (X4), and a rejection drops what was cut and what was
 * done since: both transactions read rows that are in no store.
 */
export interface CommitUnderWay {
  readonly records: number
  readonly cuts: readonly TaskCut[]
  /** B1's acknowledgements, B2 and B3: it has happened, and the held transaction is on its way. */
  readonly known: Promise<void>
  /** B4 and B5, behind {@link known}. Must have settled before the next cut and before a store is closed. */
  readonly stored: Promise<void>
}

/**
 * Commits everything that the tasks of a thread did: the one place where exactly-once is decided.
 *
 * Called between records and with no other commit under way. What is lost when the process dies at any point, and why nothing
 * is counted twice, stands in the table of exactly-once in ARCHITECTURE.md: until EndTxn is durable at the broker the
 * transaction is aborted by the successor and the work is done again; from there on the changelog has it and restoring brings
 * the stores up to it. Of the transaction behind the cut nothing is at a broker before EndTxn was answered: with the process
 * it is lost whole, and done again from the positions that the cut has, or those before it.
 *
 * @returns when all is cut; null when nothing moved: no transaction then (X15)
 * @throws {StreamError} any action but `retry`: all uncommitted work of the thread must be forgotten (X4)
 */
export async function commit(
  context: CommitContext,
  participants: Iterable<CommitParticipant>,
): Promise<CommitUnderWay | null> {
  const { clock, producer } = context

  // B1, the cut: stop between records and cut the open generations. What one task wrote is on its way while the next is cut: no
  // task takes a record before all are.
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
  producer.hold()
  const known = end(context, cuts)
  return { records: cuts.reduce((sum, cut) => sum + cut.records, 0), cuts, known, stored: store(context, cuts, known) }
}

async function end({ producer, steps, group }: CommitContext, cuts: readonly TaskCut[]): Promise<void> {
  // B1: every output and changelog record is acknowledged.
  await producer.flush()
  for (const cut of cuts) cut.acknowledged()

  // B2: the positions of every task that wrote join the transaction, checked against the membership (KIP-447).
  if (producer.transactionVersion === 1) await steps('B2.addOffsets', () => producer.addOffsets(group.groupId))
  const offsets = cuts.flatMap((cut) => cut.offsets())
  await steps('B2.txnOffsetCommit', () => producer.commitOffsets(group, offsets))

  // B3: from here on it has happened, whether or not the answer arrives. With the answer the next transaction may be sent.
  await steps('B3.endTxn', () => producer.commit())
}

async function store({ steps }: CommitContext, cuts: readonly TaskCut[], known: Promise<void>): Promise<void> {
  await known
  // B4: only now do the stores change. No store may be closed while one of them is written, whatever becomes of the others.
  await allDone(cuts.map((cut) => steps('B4.writeStore', () => cut.writeStores())))
  // B5: and only now does anybody see it.
  await steps('B5.publish', async () => {
    for (const cut of cuts) cut.publish()
  })
}
