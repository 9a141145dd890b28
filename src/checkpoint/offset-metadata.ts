/**
 * What a commit says beside each offset (X5), as JSON text below 4,096 bytes: which commit it was and by whom, so that
 * logs, checkers and successors can name it, and what a task has to know without any state of its own.
 */
export interface OffsetMetadata {
  readonly v: 1
  /** Grows by one with each commit of the task. */
  readonly commitId: number
  /** The version of the plan under which it was committed: a task never goes back to an older one. */
  readonly plan: number
  /** The transactional id of the committer: by it a successor fences what it left open (X3). */
  readonly txnId: string
  /** The id of the topic: one of another id has other records at this offset. */
  readonly topicId: string
  /** The greatest timestamp taken from this partition, epoch milliseconds; null before the first record (R2). */
  readonly partitionTime: number | null
  /** At the end of a bounded input: what its end was derived from (see end-of-input.ts). Null while there is more to come. */
  readonly ended: string | null
}

/** Who commits: what is the same in all that a process says beside its offsets. */
export interface Committer {
  readonly planVersion: number
  readonly transactionalId: string
  readonly topicId: (topic: string) => string
}

/** What a commit of a task says beside an offset of a topic, as the text that goes with it. */
export function committedWith(
  { planVersion, transactionalId, topicId }: Committer,
  topic: string,
  { commitId, partitionTime, ended }: Pick<OffsetMetadata, 'commitId' | 'partitionTime' | 'ended'>,
): string {
  return encodeOffsetMetadata({
    v: 1,
    commitId,
    plan: planVersion,
    txnId: transactionalId,
    topicId: topicId(topic),
    partitionTime,
    ended,
  })
}

/** As the text that goes with an offset. */
export function encodeOffsetMetadata(metadata: OffsetMetadata): string {
  return JSON.stringify(metadata)
}

/** @returns null for text that another program wrote, or none */
export function decodeOffsetMetadata(text: string): OffsetMetadata | null {
  if (text === '') return null
  try {
    const read = JSON.parse(text) as Partial<OffsetMetadata>
    if (read.v !== 1 || typeof read.commitId !== 'number' || typeof read.txnId !== 'string') return null
    return {
      v: 1,
      commitId: read.commitId,
      plan: typeof read.plan === 'number' ? read.plan : 0,
      txnId: read.txnId,
      topicId: typeof read.topicId === 'string' ? read.topicId : '',
      partitionTime: typeof read.partitionTime === 'number' ? read.partitionTime : null,
      ended: typeof read.ended === 'string' ? read.ended : null,
    }
  } catch {
    return null
  }
}
