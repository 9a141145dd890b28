/** One partition of one topic: the unit of order, of assignment and of offsets. */
export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** The map key of a topic partition, `topic-partition` as Kafka prints it. Injective, since a partition has no `-`. */
export function partitionKey(topic: string, partition: number): string {
  return `${topic}-${partition}`
}

/** The inverse of {@link partitionKey}. */
export function parsePartitionKey(key: string): TopicPartition {
  const dash = key.lastIndexOf('-')
  return { topic: key.slice(0, dash), partition: Number(key.slice(dash + 1)) }
}

/** Total order by topic name, then partition: the tie-break wherever an order has to be the same on replay (R3). */
export function comparePartitions(a: TopicPartition, b: TopicPartition): number {
  if (a.topic !== b.topic) return a.topic < b.topic ? -1 : 1
  return a.partition - b.partition
}
