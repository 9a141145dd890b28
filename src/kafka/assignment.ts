import { StreamError } from '../core/errors.ts'
import { compareTaskIds, formatTaskId, type TaskId } from '../core/task-id.ts'
import type { TopicPartition } from '../core/topic-partition.ts'
import { CheapestFlow } from './cheapest-flow.ts'

/** What a member says of itself when it joins: the user data of its subscription. */
export interface MemberData {
  readonly v: 1
  /** `<app>-<instance>-<thread>`: by it a successor fences what the member leaves behind (X3). */
  readonly transactionalId: string
  /** Hash of its plan and of the partition counts it saw. */
  readonly planHash: string
  /** The version of that plan, as the process found it when it started: later plans have greater ones. */
  readonly planVersion: number
  /** Tasks it has open, by their printed ids: they stay where they are if the balance allows. */
  readonly tasks: readonly string[]
}

/** What a member says when it joins: whoever leads knows all plans. */
export interface Subscription extends MemberData {
  readonly parts: readonly PlanPart[]
}

/** A sub-topology as the deal of tasks knows it. */
export interface PlanPart {
  readonly name: string
  readonly tasks: number
  /** The topics that it reads, each with its number of partitions. A task reads those that have its partition. */
  readonly reads: readonly (readonly [topic: string, partitions: number])[]
  /** How values are encoded in the internal topics that it reads, by topic. */
  readonly encodings: Readonly<Record<string, string>>
}

/** What the leader tells every member: the user data of its assignment. */
export interface AssignmentData {
  readonly v: 1
  /** The member's own tasks. */
  readonly tasks: readonly string[]
  /** All members with what they said and got. */
  readonly members: readonly (MemberData & { readonly memberId: string })[]
  /** Why this member has to wait while others work, or null. */
  readonly waits: string | null
}

/** A task that has to run somewhere, with the partitions that it consumes. */
export interface AssignableTask {
  readonly id: TaskId
  readonly inputs: readonly TopicPartition[]
}

/**
 * Deals tasks to members, within one task of even: over all, and within each sub-topology, since the tasks of one may cost a
 * hundred times what those of another do. As many tasks stay where they are as that allows; who gets what is left over
 * of a sub-topology is chosen by it.
 *
 * Deterministic in its arguments, whatever their order. Never splits a task: all its partitions go together (D4).
 */
export function assignTasks(
  tasks: readonly AssignableTask[],
  members: ReadonlyMap<string, MemberData>,
): ReadonlyMap<string, readonly AssignableTask[]> {
  const ids = [...members.keys()].sort()
  const dealt = new Map<string, AssignableTask[]>(ids.map((id) => [id, []]))
  if (ids.length === 0) return dealt
  const owners = ownersOf(ids, members)
  const subs = bySubTopology(tasks)
  const owned = subs.map((sub) => ids.map((id) => sub.filter((task) => owners.get(formatTaskId(task.id)) === id)))
  const shares = sharesOf(
    subs.map((sub) => sub.length),
    owned.map((sub) => sub.map((own) => own.length)),
  )
  for (const [at, sub] of subs.entries()) {
    const share = (member: number): number => shares[at]?.[member] ?? 0
    const kept = ids.map((_, member) => owned[at]?.[member]?.slice(0, share(member)) ?? [])
    const isKept = new Set(kept.flat())
    const free = sub.filter((task) => !isKept.has(task))
    for (const [member, id] of ids.entries()) {
      const own = kept[member] ?? []
      dealt.get(id)?.push(...own, ...free.splice(0, share(member) - own.length))
    }
  }
  for (const all of dealt.values()) all.sort((a, b) => compareTaskIds(a.id, b.id))
  return dealt
}

/** Whose a task is by what members say. Two may claim one, when the first was away: it is the first one's by id. */
function ownersOf(ids: readonly string[], members: ReadonlyMap<string, MemberData>): ReadonlyMap<string, string> {
  const owners = new Map<string, string>()
  for (const id of ids) {
    for (const name of members.get(id)?.tasks ?? []) if (!owners.has(name)) owners.set(name, id)
  }
  return owners
}

function bySubTopology(tasks: readonly AssignableTask[]): readonly (readonly AssignableTask[])[] {
  const subs = new Map<string, AssignableTask[]>()
  for (const task of [...tasks].sort((a, b) => compareTaskIds(a.id, b.id))) {
    const known = subs.get(task.id.subtopology)
    if (known) known.push(task)
    else subs.set(task.id.subtopology, [task])
  }
  return [...subs.values()]
}

/**
 * How many tasks of each sub-topology each member gets: an even share, and of what is left over one here and there, so that
 * totals are even, too, and as many tasks as possible are kept.
 *
 * Who gets a left over task is a flow from sub-topologies to members. Out of each member goes what every member gets of
 * them, and for as many members as do not come out even one more. A left over task that its owner can keep is cheaper.
 *
 * @param counts tasks of each sub-topology
 * @param owned of them, how many each member has
 */
function sharesOf(counts: readonly number[], owned: readonly (readonly number[])[]): readonly (readonly number[])[] {
  const members = owned[0]?.length ?? 0
  const leftOver = counts.reduce((sum, count) => sum + (count % members), 0)
  const [source, sink, oneMore, firstSub] = [0, 1, 2, 3]
  const firstMember = firstSub + counts.length
  const flow = new CheapestFlow()
  const gives = counts.map((count, sub) => {
    flow.edge(source, firstSub + sub, count % members, 0)
    const share = Math.floor(count / members)
    return (owned[sub] ?? []).map((has, member) =>
      flow.edge(firstSub + sub, firstMember + member, 1, has > share ? -1 : 0),
    )
  })
  for (let member = 0; member < members; member++) {
    flow.edge(firstMember + member, sink, Math.floor(leftOver / members), 0)
    flow.edge(firstMember + member, oneMore, 1, 0)
  }
  flow.edge(oneMore, sink, leftOver % members, 0)
  flow.send(source, sink)
  return counts.map((count, sub) =>
    (gives[sub] ?? []).map((edge) => Math.floor(count / members) + (flow.flows(edge) ? 1 : 0)),
  )
}

/** The tasks of a plan. */
export function tasksOf(parts: readonly PlanPart[]): readonly AssignableTask[] {
  return parts.flatMap(({ name, tasks, reads }) =>
    Array.from({ length: tasks }, (_, partition) => ({
      id: { subtopology: name, partition },
      inputs: reads.flatMap(([topic, partitions]) => (partition < partitions ? [{ topic, partition }] : [])),
    })),
  )
}

/** JSON text as bytes. */
export function encodeUserData(data: Subscription | AssignmentData): Buffer {
  return Buffer.from(JSON.stringify(data))
}

/**
 * Reads user data of either kind.
 * @throws {StreamError} `PLAN_CHANGED` for bytes of another program or version in the same group
 */
export function decodeUserData<T extends Subscription | AssignmentData>(bytes: Uint8Array | null): T {
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
