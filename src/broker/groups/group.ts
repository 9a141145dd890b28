import { assert } from '../../core/assert.ts'
import type { Cancel } from '../../core/clock.ts'
import { consumerProtocolType, decodeSubscription } from '../../protocol/consumer-protocol.ts'
import { kafkaError } from '../../protocol/kafka-errors.ts'
import type { JoinAnswer } from './group-answers.ts'
import type { Member, MemberProtocol } from './member.ts'

/**
 * The states of a classic group:
 *
 *     Empty --join--> PreparingRebalance --all joined, or time is up--> CompletingRebalance --leader's sync--> Stable
 *       ^                   |      ^                                        |                                   |
 *       |                   |      +------- a member joins, leaves or expires ----------------------------------+
 *       +--- nobody left ---+
 *
 * Dead is a group that was deleted while somebody still held it.
 */
export type GroupState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable' | 'Dead'

const transitions: Readonly<Record<GroupState, readonly GroupState[]>> = {
  Empty: ['PreparingRebalance', 'Dead'],
  PreparingRebalance: ['CompletingRebalance', 'Empty', 'Dead'],
  CompletingRebalance: ['Stable', 'PreparingRebalance', 'Dead'],
  Stable: ['PreparingRebalance', 'Dead'],
  Dead: [],
}

/** A group's members and generation, and the rules about them that need neither time nor disk. */
export class Group {
  readonly groupId: string
  state: GroupState = 'Empty'
  generationId = 0
  protocolType = ''
  protocolName: string | null = null
  leader: string | null = null
  readonly members = new Map<string, Member>()
  /** Ids given out with MEMBER_ID_REQUIRED whose owners have not joined yet, with what ends the wait for them. */
  readonly pendingJoins = new Map<string, Cancel>()
  /** Members of this generation whose SyncGroup has not come yet. */
  readonly pendingSyncs = new Set<string>()
  /** It was empty and waits a while for more members before its first generation. */
  isGathering = false
  cancelJoinTimer: Cancel = () => {}
  cancelSyncTimer: Cancel = () => {}
  private readonly instances = new Map<string, string>()

  constructor(groupId: string) {
    this.groupId = groupId
  }

  /** @throws {AssertionError} for a transition that the diagram does not have */
  transitionTo(next: GroupState): void {
    assert(transitions[this.state].includes(next), `group ${this.groupId} goes from ${this.state} to ${next}`)
    this.state = next
  }

  add(member: Member, protocolType: string): void {
    if (this.members.size === 0) this.protocolType = protocolType
    this.members.set(member.memberId, member)
    if (member.groupInstanceId !== null) this.instances.set(member.groupInstanceId, member.memberId)
    this.leader ??= member.memberId
  }

  /** Takes a member out; the first of those who remain leads if it led. */
  remove(member: Member): void {
    member.cancelSession()
    this.members.delete(member.memberId)
    this.pendingSyncs.delete(member.memberId)
    if (member.groupInstanceId !== null && this.instances.get(member.groupInstanceId) === member.memberId) {
      this.instances.delete(member.groupInstanceId)
    }
    if (this.leader === member.memberId) this.leader = this.members.keys().next().value ?? null
  }

  /** Puts a static member's new id in the place of its old one, with all it had. */
  replaceStatic(old: Member, memberId: string, clientId: string, clientHost: string): Member {
    const wasLeader = this.leader === old.memberId
    const wasSyncing = this.pendingSyncs.has(old.memberId)
    this.remove(old)
    const member: Member = { ...old, memberId, clientId, clientHost, join: null, sync: null, cancelSession() {} }
    this.add(member, this.protocolType)
    if (wasLeader) this.leader = memberId
    if (wasSyncing) this.pendingSyncs.add(memberId)
    return member
  }

  /** The member that bears a group instance id. */
  staticMember(groupInstanceId: string): Member | undefined {
    return this.members.get(this.instances.get(groupInstanceId) ?? '')
  }

  /** Judges who a request says it is from: 0, UNKNOWN_MEMBER_ID or FENCED_INSTANCE_ID. */
  checkMember(memberId: string, groupInstanceId: string | null): number {
    if (groupInstanceId !== null) {
      const known = this.instances.get(groupInstanceId)
      if (known === undefined) return kafkaError.UNKNOWN_MEMBER_ID
      if (known !== memberId) return kafkaError.FENCED_INSTANCE_ID
    }
    return this.members.has(memberId) ? kafkaError.NONE : kafkaError.UNKNOWN_MEMBER_ID
  }

  /** Whether somebody with these protocols may join: they must share one with every member. */
  supports(protocolType: string, protocols: readonly MemberProtocol[]): boolean {
    if (this.members.size === 0) return protocolType !== '' && protocols.length > 0
    return protocolType === this.protocolType && protocols.some(({ name }) => this.commonProtocols().includes(name))
  }

  /** The protocol that most members put first among those that all of them know. */
  selectProtocol(): string {
    const common = this.commonProtocols()
    const votes = new Map<string, number>()
    for (const { terms } of this.members.values()) {
      const choice = terms.protocols.find(({ name }) => common.includes(name))
      if (choice) votes.set(choice.name, (votes.get(choice.name) ?? 0) + 1)
    }
    let best: string | undefined
    for (const [name, count] of votes) if (best === undefined || count > (votes.get(best) ?? 0)) best = name
    assert(best !== undefined, `the members of group ${this.groupId} share a protocol`)
    return best
  }

  private commonProtocols(): string[] {
    const [first, ...others] = [...this.members.values()]
    return (first?.terms.protocols ?? [])
      .map(({ name }) => name)
      .filter((name) => others.every(({ terms }) => terms.protocols.some((protocol) => protocol.name === name)))
  }

  /** How long a rebalance waits for its slowest member, in milliseconds. */
  get rebalanceTimeoutMs(): number {
    return Math.max(0, ...[...this.members.values()].map(({ terms }) => terms.rebalanceTimeoutMs))
  }

  get hasAllJoined(): boolean {
    return this.pendingJoins.size === 0 && [...this.members.values()].every(({ join }) => join !== null)
  }

  /** Makes sure that the leader is one of those who have joined again. @returns false when nobody has */
  electJoinedLeader(): boolean {
    const leader = this.members.get(this.leader ?? '')
    if (leader?.join) return true
    const joined = [...this.members.values()].find(({ join }) => join !== null)
    if (!joined) return false
    this.leader = joined.memberId
    return true
  }

  /** Begins the next generation: with members it waits for the leader's assignment, without it is empty. */
  nextGeneration(): void {
    this.generationId++
    this.pendingSyncs.clear()
    if (this.members.size > 0) {
      this.protocolName = this.selectProtocol()
      this.transitionTo('CompletingRebalance')
    } else {
      this.protocolName = null
      this.leader = null
      this.transitionTo('Empty')
    }
  }

  /** What a member's JoinGroup is answered in this generation; only the leader is told the members. */
  joined(memberId: string, skipAssignment = false): JoinAnswer {
    return {
      errorCode: kafkaError.NONE,
      generationId: this.generationId,
      protocolType: this.protocolType,
      protocolName: this.protocolName,
      leader: this.leader ?? '',
      skipAssignment,
      memberId,
      members: memberId === this.leader ? this.memberMetadata() : [],
    }
  }

  private memberMetadata(): JoinAnswer['members'] {
    return [...this.members.values()].map(({ memberId, groupInstanceId, terms }) => ({
      memberId,
      groupInstanceId,
      metadata: metadataOf(terms.protocols, this.protocolName),
    }))
  }

  /** Whether a consumer of this group subscribes to the topic; yes where its metadata cannot tell. */
  subscribes(topic: string): boolean {
    if (this.protocolType !== consumerProtocolType || this.members.size === 0) return false
    return [...this.members.values()].some(({ terms }) => {
      try {
        return decodeSubscription(metadataOf(terms.protocols, this.protocolName)).topics.includes(topic)
      } catch {
        return true
      }
    })
  }
}

/** What a member told of a protocol. */
export function metadataOf(protocols: readonly MemberProtocol[], name: string | null): Buffer {
  return protocols.find((protocol) => protocol.name === name)?.metadata ?? Buffer.alloc(0)
}
