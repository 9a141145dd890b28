import { kafkaError } from '../../protocol/kafka-errors.ts'
import type { Group } from './group.ts'
import { joinRefused, synced, syncRefused } from './group-answers.ts'
import type { GroupEnvironment } from './group-environment.ts'
import { groupFact } from './group-facts.ts'
import type { Member } from './member.ts'

/** Leads groups from one generation to the next. */
export class Rebalance {
  private readonly environment: GroupEnvironment
  private readonly expire: (group: Group, member: Member) => void

  constructor(environment: GroupEnvironment, expire: (group: Group, member: Member) => void) {
    this.environment = environment
    this.expire = expire
  }

  /** Asks all members to join again, or, where that is under way, looks whether they all have. */
  begin(group: Group): void {
    if (group.state === 'PreparingRebalance') {
      this.continueJoins(group)
      return
    }
    if (group.state === 'CompletingRebalance') this.cancelSyncs(group)
    const { initialRebalanceDelayMs } = this.environment.options
    group.isGathering = group.state === 'Empty' && initialRebalanceDelayMs > 0
    group.transitionTo('PreparingRebalance')
    if (group.hasAllJoined && !group.isGathering) this.complete(group)
    else this.completeIn(group, group.isGathering ? initialRebalanceDelayMs : group.rebalanceTimeoutMs)
  }

  /** Somebody who was waited for has come or gone. */
  continueJoins(group: Group): void {
    if (group.state === 'PreparingRebalance' && group.hasAllJoined && !group.isGathering) this.complete(group)
  }

  /** Takes a member out and rebalances without it. */
  dismiss(group: Group, member: Member): void {
    member.join?.(joinRefused(kafkaError.UNKNOWN_MEMBER_ID, member.memberId))
    member.sync?.(syncRefused(kafkaError.UNKNOWN_MEMBER_ID))
    group.remove(member)
    if (group.state === 'Stable' || group.state === 'CompletingRebalance') this.begin(group)
    else this.continueJoins(group)
  }

  /** The leader's assignment: kept, handed out, and the group is stable. Members it does not name get nothing. */
  async assign(group: Group, assignments: ReadonlyMap<string, Buffer>): Promise<void> {
    const { generationId } = group
    const before = new Map([...group.members.values()].map((member) => [member, member.assignment]))
    for (const member of group.members.values()) {
      member.assignment = assignments.get(member.memberId) ?? Buffer.alloc(0)
    }
    const isCurrent = (): boolean => group.state === 'CompletingRebalance' && group.generationId === generationId
    try {
      await this.environment.facts.write([groupFact(group)])
    } catch {
      for (const [member, assignment] of before) member.assignment = assignment
      if (isCurrent()) this.begin(group)
      return
    }
    // A member may have come or gone while the disk was busy: then the next round has begun.
    if (!isCurrent()) return
    group.transitionTo('Stable')
    for (const member of group.members.values()) {
      member.sync?.(synced(group, member.assignment))
      this.restartSession(group, member)
    }
  }

  private completeIn(group: Group, ms: number): void {
    group.cancelJoinTimer()
    group.cancelJoinTimer = this.environment.time.timer(ms, () => this.complete(group))
  }

  /** Ends the wait for members: those who are missing are out, unless they are static and their session goes on. */
  private complete(group: Group): void {
    if (group.state !== 'PreparingRebalance') return
    group.cancelJoinTimer()
    group.isGathering = false
    for (const member of [...group.members.values()]) {
      if (!member.join && member.groupInstanceId === null) group.remove(member)
    }
    if (group.members.size > 0 && !group.electJoinedLeader()) {
      // Only static members, and none has come back yet: their sessions decide.
      this.completeIn(group, group.rebalanceTimeoutMs)
      return
    }
    group.nextGeneration()
    if (group.members.size === 0) {
      this.environment.facts.write([groupFact(group)]).catch(() => {})
      return
    }
    for (const member of group.members.values()) {
      group.pendingSyncs.add(member.memberId)
      member.isNew = false
      member.join?.(group.joined(member.memberId))
      this.restartSession(group, member)
    }
    group.cancelSyncTimer()
    group.cancelSyncTimer = this.environment.time.timer(group.rebalanceTimeoutMs, () => this.expireSyncs(group))
  }

  /** Members that joined and then never asked for their assignment are out. */
  private expireSyncs(group: Group): void {
    if (group.state !== 'CompletingRebalance' && group.state !== 'Stable') return
    for (const memberId of [...group.pendingSyncs]) {
      const member = group.members.get(memberId)
      if (member) this.dismiss(group, member)
    }
  }

  private cancelSyncs(group: Group): void {
    group.cancelSyncTimer()
    for (const member of group.members.values()) {
      member.assignment = Buffer.alloc(0)
      member.sync?.(syncRefused(kafkaError.REBALANCE_IN_PROGRESS))
    }
  }

  private restartSession(group: Group, member: Member): void {
    member.cancelSession()
    const { sessionTimeoutMs } = member.terms
    member.cancelSession = this.environment.time.timer(sessionTimeoutMs, () => this.expire(group, member))
  }
}
