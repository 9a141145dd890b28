import { formatTaskId } from '../core/task-id.ts'
import { partitionKey, type TopicPartition } from '../core/topic-partition.ts'
import { type AssignableTask, assignTasks, type PlanPart, type Subscription, tasksOf } from './assignment.ts'

/** What each member gets, and why some get nothing. */
export interface Deal {
  readonly dealt: ReadonlyMap<string, readonly AssignableTask[]>
  /** By member: for what it waits, as a sentence. */
  readonly waiting: ReadonlyMap<string, string>
}

/** Members that run one plan. */
interface PlanMembers {
  readonly version: number
  readonly parts: readonly PlanPart[]
  readonly members: readonly string[]
}

/**
 * Deals tasks to members that run different plans of one application, as in a rolling restart.
 *
 * A task runs where a plan has it, and never under an older plan than one that has committed for it: its state may have
 * gone where the older does not look. Plans that read topics together in another way, or write what the others cannot read,
 * do not mix: the later one waits until the last member with the earlier one has left.
 *
 * @param committedUnder the version of the plan of the last commit, by input partition
 */
export function dealPlans(
  members: ReadonlyMap<string, Subscription>,
  committedUnder: ReadonlyMap<string, number>,
): Deal {
  const [mixed, apart] = mixable(plansOf(members))
  const waiting = new Map<string, string>()
  for (const { plan, beside } of apart) {
    const reason = `version ${plan.version} of the plan waits until the last process with version ${beside.version} has left: it reads ${beside.topic} otherwise`
    for (const id of plan.members) waiting.set(id, reason)
  }
  const shares = new Map<string, { readonly ids: readonly string[]; readonly tasks: AssignableTask[] }>()
  const orphans: string[] = []
  for (const [name, task] of new Map(
    mixed.flatMap(({ parts }) => tasksOf(parts).map((one) => [formatTaskId(one.id), one])),
  )) {
    const least = Math.max(0, ...task.inputs.map((at) => committedUnder.get(keyOf(at)) ?? 0))
    const ids = mixed
      .filter(({ version, parts }) => version >= least && parts.some(({ name: own }) => own === task.id.subtopology))
      .flatMap((plan) => plan.members)
    if (ids.length === 0) orphans.push(`${name} was committed under version ${least}`)
    const share = shares.get(ids.join(' ')) ?? { ids, tasks: [] }
    share.tasks.push(task)
    shares.set(ids.join(' '), share)
  }
  if (orphans.length > 0) {
    const reason = `tasks wait for a process with a later version of the plan: ${orphans[0]}${orphans.length > 1 ? `, and ${orphans.length - 1} more` : ''}`
    for (const { members: ids } of mixed) for (const id of ids) waiting.set(id, reason)
  }
  const dealt = new Map<string, AssignableTask[]>([...members.keys()].map((id) => [id, []]))
  for (const { ids, tasks } of shares.values()) {
    const eligible = new Map([...members].filter(([id]) => ids.includes(id)))
    for (const [id, own] of assignTasks(tasks, eligible)) dealt.get(id)?.push(...own)
  }
  return { dealt, waiting }
}

/** The earliest first. A plan has the greatest version that any of its members found for it. */
function plansOf(members: ReadonlyMap<string, Subscription>): readonly PlanMembers[] {
  const plans = new Map<string, { version: number; readonly parts: readonly PlanPart[]; readonly members: string[] }>()
  for (const [id, { planHash, planVersion, parts }] of members) {
    const plan = plans.get(planHash) ?? { version: 0, parts, members: [] }
    plan.version = Math.max(plan.version, planVersion)
    plan.members.push(id)
    plans.set(planHash, plan)
  }
  return [...plans.values()].sort((a, b) => a.version - b.version)
}

interface Apart {
  readonly plan: PlanMembers
  readonly beside: { readonly version: number; readonly topic: string }
}

/** Plans that may work side by side, and those that have to wait for one of them. */
function mixable(plans: readonly PlanMembers[]): readonly [mixed: readonly PlanMembers[], apart: readonly Apart[]] {
  const mixed: PlanMembers[] = []
  const apart: Apart[] = []
  for (const plan of plans) {
    const clash = mixed
      .map((other) => ({ version: other.version, topic: clashOf(plan.parts, other.parts) }))
      .find(({ topic }) => topic !== null)
    if (clash === undefined) mixed.push(plan)
    else apart.push({ plan, beside: { version: clash.version, topic: clash.topic as string } })
  }
  return [mixed, apart]
}

/** A topic that two plans read in different tasks, beside different topics, or in different encodings. */
function clashOf(a: readonly PlanPart[], b: readonly PlanPart[]): string | null {
  const readers = new Map(b.flatMap((part) => part.reads.map(([topic]) => [topic, part] as const)))
  for (const part of a) {
    for (const [topic] of part.reads) {
      const other = readers.get(topic)
      if (other === undefined) continue
      const isSame =
        part.name === other.name &&
        JSON.stringify(part.reads) === JSON.stringify(other.reads) &&
        part.encodings[topic] === other.encodings[topic]
      if (!isSame) return topic
    }
  }
  return null
}

function keyOf({ topic, partition }: TopicPartition): string {
  return partitionKey(topic, partition)
}
