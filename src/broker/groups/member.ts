import type { Cancel } from '../../core/clock.ts'
import type { JoinAnswer, SyncAnswer } from './group-answers.ts'

/** A protocol that a member can follow (an assignment strategy), with what it tells the leader. */
export interface MemberProtocol {
  readonly name: string
  readonly metadata: Buffer
}

/** What a member says when it joins. */
export interface JoinTerms {
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly protocols: readonly MemberProtocol[]
}

/** A member of a group, with the requests of it that wait for an answer. */
export interface Member {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  terms: JoinTerms
  assignment: Buffer
  /** It has not been told its first generation yet. */
  isNew: boolean
  join: ((answer: JoinAnswer) => void) | null
  sync: ((answer: SyncAnswer) => void) | null
  cancelSession: Cancel
}

/** Whether both lists hold the same protocols with the same metadata, in the same order. */
export function sameProtocols(a: readonly MemberProtocol[], b: readonly MemberProtocol[]): boolean {
  return (
    a.length === b.length &&
    a.every((one, i) => one.name === b[i]?.name && one.metadata.equals((b[i] as MemberProtocol).metadata))
  )
}
