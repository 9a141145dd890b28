import { byTopic } from './by-topic.ts'

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

/** Offsets as the requests want them that commit some, with and without a transaction. */
export function offsetsByTopic(offsets: readonly OffsetCommit[]) {
  return byTopic(offsets, ({ partition, offset, metadata }) => ({
    index: partition,
    committedOffset: offset,
    committedMetadata: metadata,
  }))
}
