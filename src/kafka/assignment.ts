import { StreamError } from '../core/errors.ts'
import { compareTaskIds, formatTaskId, parseTaskId, type TaskId } from '../core/task-id.ts'
import type { TopicPartition } from '../core/topic-partition.ts'

/** What a member says of itself when it joins: the user data of its subscription. */
export interface MemberData {
  readonly v: 1
  /** `<app>-<instance>-<thread>`: by it a successor fences what the member leaves behind (X3). */
  readonly transactionalId: string
  /** Hash of its plan and of the partition counts it saw: members of different plans do not mix. */
  readonly planHash: string
  /** Tasks it has open, by their printed ids: they stay where they are if the balance allows. */
  readonly tasks: readonly string[]
}

/** What the leader tells every member: the user data of its assignment. */
export interface AssignmentData {
  readonly v: 1
  /** The member's own tasks. */
  readonly tasks: readonly string[]
  /** All members with what they said and got. */
  readonly members: readonly (MemberData & { readonly memberId: string })[]
}

/** A task that has to run somewhere, with the partitions that it consumes. */
export interface AssignableTask {
  readonly id: TaskId
  readonly inputs: readonly TopicPartition[]
}

/**
 * Deals tasks to members: each keeps what it has, up to its share; the rest goes to those with the least.
 *
 * Deterministic in its arguments, and within one task of even. Never splits a task: all its partitions go together (D4).
 */
export function assignTasks(
  tasks: readonly AssignableTask[],
  members: ReadonlyMap<string, MemberData>,
): ReadonlyMap<string, readonly AssignableTask[]> {
  const ids = [...members.keys()].sort()
  const assigned = new Map<string, AssignableTask[]>(ids.map((id) => [id, []]))
  if (ids.length === 0) return assigned
  const least = Math.floor(tasks.length / ids.length)
  let oneMore = tasks.length % ids.length
  const waiting = new Map(
    [...tasks].sort((a, b) => compareTaskIds(a.id, b.id)).map((task) => [formatTaskId(task.id), task]),
  )
  for (const id of ids) {
    const kept = assigned.get(id) as AssignableTask[]
    for (const name of [...(members.get(id)?.tasks ?? [])].sort(byTaskId)) {
      const task = waiting.get(name)
      if (!task || kept.length > least || (kept.length === least && oneMore === 0)) continue
      if (kept.length === least) oneMore--
      kept.push(task)
      waiting.delete(name)
    }
  }
  for (const task of waiting.values()) {
    const poorest = ids.reduce((a, b) => ((assigned.get(b)?.length ?? 0) < (assigned.get(a)?.length ?? 0) ? b : a))
    assigned.get(poorest)?.push(task)
  }
  for (const all of assigned.values()) all.sort((a, b) => compareTaskIds(a.id, b.id))
  return assigned
}

function byTaskId(a: string, b: string): number {
  const [left, right] = [parseTaskId(a), parseTaskId(b)]
  return left && right ? compareTaskIds(left, right) : 0
}

/** JSON text as bytes. */
export function encodeUserData(data: MemberData | AssignmentData): Buffer {
  return Buffer.from(JSON.stringify(data))
}

/**
 * Reads user data of either kind.
 * @throws {StreamError} `PLAN_CHANGED` for bytes of another program or version in the same group
 */
export function decodeUserData<T extends MemberData | AssignmentData>(bytes: Uint8Array | null): T {
  try {
    const data = JSON.parse(Buffer.from(bytes ?? new Uint8Array()).toString()) as T
    if (data.v === 1 && Array.isArray(data.tasks)) return data
  } catch {
    // Falls through to the one error for all that is not ours.
  }
  throw new StreamError(
    'PLAN_CHANGED',
    'another program is a member of this consumer group: its subscription is not that of a Millrace job of this version; give this application another id with --app-id',
  )
}
