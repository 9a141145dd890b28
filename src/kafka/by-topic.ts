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

/**
 * As {@link byTopic}, for requests whose order counts: what stands together is grouped, and a topic is named again where another
 * stood between. Of a fetch a broker fills its answer in that order.
 */
export function byTopicInOrder<T extends TopicPartition, E>(
  items: Iterable<T>,
  entry: (item: T) => E,
): { name: string; partitions: E[] }[] {
  const topics: { name: string; partitions: E[] }[] = []
  for (const item of items) {
    const last = topics.at(-1)
    if (last?.name === item.topic) last.partitions.push(entry(item))
    else topics.push({ name: item.topic, partitions: [entry(item)] })
  }
  return topics
}
