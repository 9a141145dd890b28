/** A task is one sub-topology on one partition; its id prints as `<subtopology>_<partition>`, as in Kafka Streams. */
export interface TaskId {
  readonly subtopology: number
  readonly partition: number
}

/** `0_3`: also the name of the task's directory. */
export function formatTaskId(id: TaskId): string {
  return `${id.subtopology}_${id.partition}`
}

/** @returns the id, or null when the text is not one (a foreign directory, a foreign assignment). */
export function parseTaskId(text: string): TaskId | null {
  const match = /^(\d{1,6})_(\d{1,6})$/.exec(text)
  return match ? { subtopology: Number(match[1]), partition: Number(match[2]) } : null
}

/** Order by sub-topology, then partition. */
export function compareTaskIds(a: TaskId, b: TaskId): number {
  return a.subtopology - b.subtopology || a.partition - b.partition
}
