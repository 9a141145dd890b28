import type { NodeId } from './node.ts'
import { refKey, type TopicRef } from './topic-ref.ts'

/** Why records go through a repartition topic. */
export type RepartitionReason = 'new key' | 'by split' | 'uneven inputs' | 'as before'

/** A way that records take from one node to the next. */
export interface Edge {
  readonly from: NodeId
  readonly to: NodeId
  /** Which of the ways into `to` it is: the place in its `inputs`. */
  readonly port: number
  /** The internal topic that leads over; null where the one hands records to the other in the same task. */
  readonly through: TopicRef | null
  /** Why `through` is a repartition topic; null where it is none. */
  readonly reason: RepartitionReason | null
}

/** Whether an edge leads through the topic. */
export function leadsThrough({ through }: Edge, topic: TopicRef): boolean {
  return through !== null && refKey(through) === refKey(topic)
}
