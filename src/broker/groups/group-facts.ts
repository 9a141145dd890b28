import type { FactChange } from '../storage/broker-storage.ts'
import { type Facts, fact } from '../storage/facts.ts'
import { Group } from './group.ts'

interface StoredGroup {
  readonly generationId: number
  readonly protocolType: string
  readonly protocolName: string | null
  readonly leader: string | null
  readonly members: readonly {
    readonly memberId: string
    readonly groupInstanceId: string | null
    readonly clientId: string
    readonly clientHost: string
    readonly sessionTimeoutMs: number
    readonly rebalanceTimeoutMs: number
    /** Name and metadata in base64. */
    readonly protocols: readonly (readonly [name: string, metadata: string])[]
    readonly assignment: string
  }[]
}

/** A group as it is kept: written when it becomes stable or empty, and when a static member returns. */
export function groupFact(group: Group): FactChange {
  const { generationId, protocolType, protocolName, leader } = group
  const value: StoredGroup = {
    generationId,
    protocolType,
    protocolName,
    leader,
    members: [...group.members.values()].map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      sessionTimeoutMs: member.terms.sessionTimeoutMs,
      rebalanceTimeoutMs: member.terms.rebalanceTimeoutMs,
      protocols: member.terms.protocols.map(({ name, metadata }) => [name, metadata.toString('base64')] as const),
      assignment: member.assignment.toString('base64'),
    })),
  }
  return fact('group', [group.groupId], value)
}

/** The groups that the facts hold: stable ones with their members, or empty ones. */
export function loadGroups(facts: Facts): Map<string, Group> {
  const groups = new Map<string, Group>()
  for (const { names, value } of facts.take<StoredGroup>('group')) {
    const group = new Group(names[0] as string)
    group.generationId = value.generationId
    for (const stored of value.members) {
      const { sessionTimeoutMs, rebalanceTimeoutMs, ...identity } = stored
      const protocols = stored.protocols.map(([name, text]) => ({ name, metadata: Buffer.from(text, 'base64') }))
      group.add(
        {
          memberId: identity.memberId,
          groupInstanceId: identity.groupInstanceId,
          clientId: identity.clientId,
          clientHost: identity.clientHost,
          terms: { sessionTimeoutMs, rebalanceTimeoutMs, protocols },
          assignment: Buffer.from(stored.assignment, 'base64'),
          isNew: false,
          join: null,
          sync: null,
          cancelSession() {},
        },
        value.protocolType,
      )
    }
    group.protocolType = value.protocolType
    group.protocolName = value.protocolName
    group.leader = value.leader
    group.state = value.members.length > 0 ? 'Stable' : 'Empty'
    groups.set(group.groupId, group)
  }
  return groups
}
