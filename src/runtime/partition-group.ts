import type { RecordQueue } from './record-queue.ts'
import type { Purgeable } from './task.ts'

/** What was taken of queues since the last call: of repartition, ingest and egress topics, which only one task reads. */
export function takenOf(queues: readonly RecordQueue[]): Purgeable {
  let bytes = 0
  const positions: (readonly [string, number])[] = []
  for (const queue of queues) {
    const { role } = queue.input.topic
    if (role === 'external') continue
    bytes += queue.bytesTaken
    queue.bytesTaken = 0
    positions.push([queue.key, queue.position])
  }
  return { positions, bytes }
}

/**
 * The input partitions of a task: gives the record with the lowest head timestamp, ties by the order of the inputs (R3).
 *
 * A task with several inputs waits while one of them is empty here and may have more at the broker; else a replay, which
 * finds them all filled, would take records in another order.
 */
export class PartitionGroup {
  readonly queues: readonly RecordQueue[]
  /** Those that records are taken of. */
  private readonly taken: readonly RecordQueue[]
  private readonly only: RecordQueue | null

  /** @param drains whether nothing is taken of outside topics */
  constructor(queues: readonly RecordQueue[], drains = false) {
    this.queues = queues
    this.taken = drains ? queues.filter(({ input }) => input.topic.role !== 'external') : queues
    this.only = this.taken.length === 1 ? (this.taken[0] ?? null) : null
  }

  /** The queue whose head comes next, or null when there is none or one has to be waited for. */
  choose(): RecordQueue | null {
    if (this.only !== null) return this.only.peek() === null ? null : this.only
    let chosen: RecordQueue | null = null
    let lowest = Number.POSITIVE_INFINITY
    for (const queue of this.taken) {
      const head = queue.peek()
      if (head === null) {
        if (queue.mayHaveMore) return null
      } else if (head.timestamp < lowest) {
        chosen = queue
        lowest = head.timestamp
      }
    }
    return chosen
  }
}
