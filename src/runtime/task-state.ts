import { StreamError } from '../core/errors.ts'

/**
 * The life of a task, in the terms of Kafka Streams.
 *
 *     CREATED ──> RESTORING ──> RUNNING <──> SUSPENDED
 *        │            │            │             │
 *        └────────────┴─────┬──────┴─────────────┘
 *                           v
 *                         CLOSED
 */
export type TaskState = 'CREATED' | 'RESTORING' | 'RUNNING' | 'SUSPENDED' | 'CLOSED'

/** Which states may follow which. */
export const taskTransitions: Readonly<Record<TaskState, readonly TaskState[]>> = {
  CREATED: ['RESTORING', 'CLOSED'],
  RESTORING: ['RUNNING', 'CLOSED'],
  RUNNING: ['SUSPENDED', 'CLOSED'],
  SUSPENDED: ['RUNNING', 'CLOSED'],
  CLOSED: [],
}

/** @throws {StreamError} `ILLEGAL_STATE` naming both states */
export function transition(taskId: string, from: TaskState, to: TaskState): TaskState {
  if (!taskTransitions[from].includes(to)) {
    throw new StreamError('ILLEGAL_STATE', `task ${taskId} cannot go from ${from} to ${to}`, { taskId })
  }
  return to
}
