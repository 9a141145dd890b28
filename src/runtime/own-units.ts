import type { OwnWork } from '../operators/operator.ts'
import type { ErrorPolicy, NodeId, TopologyNode } from '../topology/node.ts'
import { factsOf } from '../topology/node-kinds.ts'
import type { ProcessingSubTopology } from '../topology/plan.ts'

/** What an operator's own work goes by: the task's stream time, the wall clock, or the end of its inputs. */
export type WorkClock = 'stream time' | 'wall clock' | 'end of input'

/** An operator, as its own work is told apart and judged. */
export interface WorkOwner {
  /** Its kind and the name that the user gave, as `aggregate sessions`; its number where there is no name. */
  readonly operator: string
  /** What happens to work of it that fails: what the inputs say that lead to it, and `fail` where they disagree. */
  readonly policy: ErrorPolicy
}

/** A unit of work that no record begins. */
export interface OwnUnit {
  readonly clock: WorkClock
  readonly owner: WorkOwner
  readonly work: OwnWork
}

/** The owners of a sub-topology's work, by node. */
export function ownersOf(sub: ProcessingSubTopology): ReadonlyMap<NodeId, WorkOwner> {
  const policies = new Map<NodeId, ErrorPolicy>()
  const say = (to: NodeId, policy: ErrorPolicy): void => {
    policies.set(to, (policies.get(to) ?? policy) === policy ? policy : 'fail')
  }
  for (const { edges, errors } of sub.inputs) for (const { to } of edges) say(to, errors.process)
  // In order of their ends, so that a node has heard all before it says anything.
  for (const { from, to } of sub.edges) say(to, policies.get(from) ?? 'fail')
  return new Map(
    sub.nodes.map((node) => [node.id, { operator: nameOf(node), policy: policies.get(node.id) ?? 'fail' }]),
  )
}

function nameOf(node: TopologyNode): string {
  return `${node.kind} ${factsOf(node).names(node)[0]?.name ?? node.id}`
}
