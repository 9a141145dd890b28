import type { TopicPartition } from '../core/topic-partition.ts'

/**
 * Groups what is said of partitions by topic, as most requests of the protocol want it; topics in the order in which
 * they first appear.
 */
export function byTopic<T extends TopicPartition, E>(
  items: Iterable<T>,
  entry: (item: T) => E,
): { name: string; partitions: E[] }[] {
  const topics = new Map<string, E[]>()
  for (const item of items) {
    const known = topics.get(item.topic)
    if (known) known.push(entry(item))
    else topics.set(item.topic, [entry(item)])
  }
  return [...topics].map(([name, partitions]) => ({ name, partitions }))
}
