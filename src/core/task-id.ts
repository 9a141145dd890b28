/** A task is one sub-topology on one partition; its id prints as `<subtopology>_<partition>`. */
export interface TaskId {
  /** The name of the sub-topology, which follows from names that the user gave. */
  readonly subtopology: string
  readonly partition: number
}

/** `orders_3`, `word:repartition_0`: what logs, errors and assignments call a task. */
export function formatTaskId(id: TaskId): string {
  return `${id.subtopology}_${id.partition}`
}

/** @returns the id, or null when the text is not one (a foreign assignment) */
export function parseTaskId(text: string): TaskId | null {
  const match = /^(.+)_(\d{1,6})$/.exec(text)
  return match ? { subtopology: match[1] as string, partition: Number(match[2]) } : null
}

/** Order by sub-topology, then partition. */
export function compareTaskIds(a: TaskId, b: TaskId): number {
  if (a.subtopology !== b.subtopology) return a.subtopology < b.subtopology ? -1 : 1
  return a.partition - b.partition
}
