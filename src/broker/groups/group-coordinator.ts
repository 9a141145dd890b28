import { kafkaError } from '../../protocol/kafka-errors.ts'
import { Group } from './group.ts'
import { type JoinAnswer, joinRefused, type SyncAnswer, synced, syncRefused } from './group-answers.ts'
import type { GroupEnvironment } from './group-environment.ts'
import { groupFact, loadGroups } from './group-facts.ts'
import { Rebalance } from './group-rebalance.ts'
import { type JoinTerms, type Member, sameProtocols } from './member.ts'

/** How long a member that has never been answered is kept, in milliseconds: its client may be gone without a word. */
const newMemberJoinMs = 300_000

/** Who asks, and for which group. */
export interface JoinRequest {
  readonly groupId: string
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly protocolType: string
  readonly terms: JoinTerms
  readonly clientId: string
  readonly clientHost: string
  /** Give a new dynamic member its id first and let it join with that (JoinGroup 4 and newer). */
  readonly requiresMemberId: boolean
  /** The client knows `skipAssignment` (JoinGroup 9). */
  readonly knowsSkipAssignment: boolean
}

/** Names the member and generation that a request speaks for. */
export interface MemberClaim {
  readonly groupId: string
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly generationId: number
}

/** Coordinates consumer groups by the classic protocol. */
export class GroupCoordinator {
  readonly groups: Map<string, Group>
  private readonly environment: GroupEnvironment
  private readonly rebalance: Rebalance

  constructor(environment: GroupEnvironment) {
    this.environment = environment
    this.rebalance = new Rebalance(environment, (group, member) => this.expireSession(group, member))
    this.groups = loadGroups(environment.facts)
    // Members of before are given a whole session from now: while the broker was away they could not be heard.
    for (const group of this.groups.values()) {
      for (const member of group.members.values()) this.heard(group, member)
    }
  }

  /** The group, made where there is none. */
  getOrCreate(groupId: string): Group {
    let group = this.groups.get(groupId)
    if (!group) {
      group = new Group(groupId)
      this.groups.set(groupId, group)
    }
    return group
  }

  /** Answers when the generation begins in which the member is, or at once where nothing changes. */
  async join(request: JoinRequest): Promise<JoinAnswer> {
    const { groupId, memberId, terms } = request
    if (groupId === '') return joinRefused(kafkaError.INVALID_GROUP_ID, memberId)
    const { sessionTimeoutMsMin, sessionTimeoutMsMax } = this.environment.options
    if (terms.sessionTimeoutMs < sessionTimeoutMsMin || terms.sessionTimeoutMs > sessionTimeoutMsMax) {
      return joinRefused(kafkaError.INVALID_SESSION_TIMEOUT, memberId)
    }
    const known = this.groups.get(groupId)
    if (!known && memberId !== '') return joinRefused(kafkaError.UNKNOWN_MEMBER_ID, memberId)
    const group = known ?? this.getOrCreate(groupId)
    if (!group.supports(request.protocolType, terms.protocols)) {
      if (!known) this.groups.delete(groupId)
      return joinRefused(kafkaError.INCONSISTENT_GROUP_PROTOCOL, memberId)
    }
    return memberId === '' ? this.joinNew(group, request) : this.joinAgain(group, request)
  }

  private async joinNew(group: Group, request: JoinRequest): Promise<JoinAnswer> {
    const { groupInstanceId, clientId } = request
    const memberId = `${groupInstanceId ?? clientId}-${this.environment.random.uuid()}`
    if (groupInstanceId !== null) {
      const old = group.staticMember(groupInstanceId)
      return old ? this.returnStatic(group, old, memberId, request) : this.enter(group, memberId, request)
    }
    if (!request.requiresMemberId) return this.enter(group, memberId, request)
    const cancel = this.environment.time.timer(request.terms.sessionTimeoutMs, () => {
      if (group.pendingJoins.delete(memberId)) this.rebalance.continueJoins(group)
    })
    group.pendingJoins.set(memberId, cancel)
    return joinRefused(kafkaError.MEMBER_ID_REQUIRED, memberId)
  }

  private async joinAgain(group: Group, request: JoinRequest): Promise<JoinAnswer> {
    const { memberId, groupInstanceId } = request
    const cancelPending = group.pendingJoins.get(memberId)
    if (cancelPending) {
      cancelPending()
      group.pendingJoins.delete(memberId)
      return this.enter(group, memberId, request)
    }
    const problem = group.checkMember(memberId, groupInstanceId)
    if (problem !== kafkaError.NONE) return joinRefused(problem, memberId)
    const member = group.members.get(memberId) as Member
    const isUnchanged = sameProtocols(member.terms.protocols, request.terms.protocols)
    switch (group.state) {
      case 'PreparingRebalance':
        break
      case 'CompletingRebalance':
        // Its first answer may have been lost: the same generation is answered again.
        if (isUnchanged) return group.joined(memberId)
        break
      case 'Stable':
        // A leader that joins asks for a rebalance, for reasons that its metadata need not show.
        if (isUnchanged && group.leader !== memberId) return group.joined(memberId)
        break
      default:
        return joinRefused(kafkaError.UNKNOWN_MEMBER_ID, memberId)
    }
    member.terms = request.terms
    return this.park(group, member)
  }

  private enter(group: Group, memberId: string, request: JoinRequest): Promise<JoinAnswer> {
    const { groupInstanceId, clientId, clientHost, terms } = request
    const member: Member = {
      memberId,
      groupInstanceId,
      clientId,
      clientHost,
      terms,
      assignment: Buffer.alloc(0),
      isNew: true,
      join: null,
      sync: null,
      cancelSession() {},
    }
    group.add(member, request.protocolType)
    member.cancelSession = this.environment.time.timer(newMemberJoinMs, () => this.expireSession(group, member))
    return this.park(group, member)
  }

  /** A static member comes back under a new id: it takes its old place, and a stable group goes on as it was. */
  private async returnStatic(group: Group, old: Member, memberId: string, request: JoinRequest): Promise<JoinAnswer> {
    const leaderBefore = group.leader ?? ''
    old.join?.(joinRefused(kafkaError.FENCED_INSTANCE_ID, old.memberId))
    old.sync?.(syncRefused(kafkaError.FENCED_INSTANCE_ID))
    const member = group.replaceStatic(old, memberId, request.clientId, request.clientHost)
    member.terms = request.terms
    this.heard(group, member)
    if (group.state !== 'Stable' || group.selectProtocol() !== group.protocolName) return this.park(group, member)
    // What the members last agreed on stays in force; the new metadata reaches the leader with the next rebalance.
    const answer = request.knowsSkipAssignment
      ? group.joined(memberId, group.leader === memberId)
      : { ...group.joined(memberId), leader: leaderBefore, members: [] }
    await this.environment.facts.write([groupFact(group)])
    return answer
  }

  private park(group: Group, member: Member): Promise<JoinAnswer> {
    const answered = new Promise<JoinAnswer>((resolve) => {
      // A member that asks again has given up on its earlier request.
      member.join?.(joinRefused(kafkaError.UNKNOWN_MEMBER_ID, member.memberId))
      member.join = (answer) => {
        member.join = null
        resolve(answer)
      }
    })
    this.rebalance.begin(group)
    return answered
  }

  /** Answers with the member's assignment, once the leader has given it. */
  async sync(
    claim: MemberClaim,
    protocol: { readonly type: string | null; readonly name: string | null },
    assignments: ReadonlyMap<string, Buffer>,
  ): Promise<SyncAnswer> {
    const group = this.groups.get(claim.groupId)
    if (claim.groupId === '') return syncRefused(kafkaError.INVALID_GROUP_ID)
    if (!group) return syncRefused(kafkaError.UNKNOWN_MEMBER_ID)
    const problem = this.checkClaim(group, claim)
    if (problem !== kafkaError.NONE) return syncRefused(problem)
    if (
      (protocol.type !== null && protocol.type !== group.protocolType) ||
      (protocol.name !== null && protocol.name !== group.protocolName)
    ) {
      return syncRefused(kafkaError.INCONSISTENT_GROUP_PROTOCOL)
    }
    const member = group.members.get(claim.memberId) as Member
    if (group.state === 'PreparingRebalance') return syncRefused(kafkaError.REBALANCE_IN_PROGRESS)
    if (group.state === 'Stable') {
      group.pendingSyncs.delete(member.memberId)
      this.heard(group, member)
      return synced(group, member.assignment)
    }
    if (group.state !== 'CompletingRebalance') return syncRefused(kafkaError.UNKNOWN_MEMBER_ID)
    const answered = new Promise<SyncAnswer>((resolve) => {
      member.sync?.(syncRefused(kafkaError.REBALANCE_IN_PROGRESS))
      member.sync = (answer) => {
        member.sync = null
        resolve(answer)
      }
    })
    group.pendingSyncs.delete(member.memberId)
    if (group.leader === member.memberId) await this.rebalance.assign(group, assignments)
    return answered
  }

  /** @returns an error number: 0, or 27 while the group rebalances */
  heartbeat(claim: MemberClaim): number {
    const group = this.groups.get(claim.groupId)
    if (claim.groupId === '') return kafkaError.INVALID_GROUP_ID
    if (!group) return kafkaError.UNKNOWN_MEMBER_ID
    const problem = this.checkClaim(group, claim)
    if (problem !== kafkaError.NONE) return problem
    this.heard(group, group.members.get(claim.memberId) as Member)
    return group.state === 'PreparingRebalance' ? kafkaError.REBALANCE_IN_PROGRESS : kafkaError.NONE
  }

  /** Takes a member out at its own wish; a static one may be named by its instance alone. @returns an error number */
  leave(groupId: string, memberId: string, groupInstanceId: string | null): number {
    const group = this.groups.get(groupId)
    if (!group) return kafkaError.UNKNOWN_MEMBER_ID
    const cancelPending = group.pendingJoins.get(memberId)
    if (cancelPending && groupInstanceId === null) {
      cancelPending()
      group.pendingJoins.delete(memberId)
      this.rebalance.continueJoins(group)
      return kafkaError.NONE
    }
    const named = memberId === '' && groupInstanceId !== null ? group.staticMember(groupInstanceId)?.memberId : memberId
    const problem = group.checkMember(named ?? '', groupInstanceId)
    if (problem !== kafkaError.NONE) return problem
    this.rebalance.dismiss(group, group.members.get(named ?? '') as Member)
    return kafkaError.NONE
  }

  /** Forgets a group that was deleted; whoever still waits in it is told. */
  forget(group: Group): void {
    group.cancelJoinTimer()
    group.cancelSyncTimer()
    for (const cancel of group.pendingJoins.values()) cancel()
    for (const member of [...group.members.values()]) group.remove(member)
    group.transitionTo('Dead')
    this.groups.delete(group.groupId)
  }

  /** Judges whether a request speaks for a member of the current generation. */
  checkClaim(group: Group, claim: MemberClaim): number {
    const problem = group.checkMember(claim.memberId, claim.groupInstanceId)
    if (problem !== kafkaError.NONE) return problem
    return claim.generationId === group.generationId ? kafkaError.NONE : kafkaError.ILLEGAL_GENERATION
  }

  /** Begins the member's session anew. */
  heard(group: Group, member: Member): void {
    member.cancelSession()
    member.cancelSession = this.environment.time.timer(member.terms.sessionTimeoutMs, () =>
      this.expireSession(group, member),
    )
  }

  private expireSession(group: Group, member: Member): void {
    if (group.members.get(member.memberId) !== member) return
    // Whoever waits for our answer cannot send heartbeats meanwhile.
    if (!member.isNew && (member.join || member.sync)) return
    this.environment.logger.info('a group member was not heard of in time and is taken out', {
      group: group.groupId,
      member: member.memberId,
      sessionTimeoutMs: member.terms.sessionTimeoutMs,
    })
    this.rebalance.dismiss(group, member)
  }
}
