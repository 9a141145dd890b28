import { StreamError } from '../core/errors.ts'
import { partitionKey, type TopicPartition } from '../core/topic-partition.ts'

/** What one partition of a task's state shows. */
export interface ShownCommit extends TopicPartition {
  /** Of the last positions row; 0 when there is none. */
  readonly commitId: number
}

/**
 * X9: every changelog of a task shows its last commit, once restored to its end. One that shows less than the others, or
 * less than the group has committed, has lost what nothing can bring back, and going on would count from the wrong number.
 *
 * @param committed the last commit that the group's offsets name; 0 when none
 * @throws {StreamError} `STATE_INCOMPLETE` naming the changelog
 */
export function checkAgreement(taskId: string, changelogs: readonly ShownCommit[], committed: number): void {
  const last = Math.max(committed, ...changelogs.map(({ commitId }) => commitId))
  const behind = changelogs.find(({ commitId }) => commitId < last)
  if (behind === undefined) return
  throw stateIncomplete(taskId, behind, `shows commit ${behind.commitId} of task ${taskId}, which has come to ${last}`)
}

/** State that ought to be there is not, and the inputs that it was made of have been read. */
export function stateIncomplete(taskId: string, at: TopicPartition, finding: string): StreamError {
  const { topic, partition } = at
  return new StreamError(
    'STATE_INCOMPLETE',
    `the topic ${partitionKey(topic, partition)} ${finding}: it was deleted or lost records, or its store is new in a pipeline that has run before; restore the topic, or give another application id (--app-id), which reads all inputs again`,
    { taskId, topic, partition },
  )
}
