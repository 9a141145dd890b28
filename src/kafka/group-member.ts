import { assert } from '../core/assert.ts'
import type { Cancel } from '../core/clock.ts'
import { messageOf, StreamError } from '../core/errors.ts'
import { formatTaskId } from '../core/task-id.ts'
import { partitionKey, type TopicPartition } from '../core/topic-partition.ts'
import type { ResponseOf } from '../protocol/api.ts'
import {
  consumerProtocolType,
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from '../protocol/consumer-protocol.ts'
import { kafkaError } from '../protocol/kafka-errors.ts'
import { heartbeat, joinGroup, leaveGroup, syncGroup } from '../protocol/messages/group.ts'
import {
  type AssignableTask,
  type AssignmentData,
  assignTasks,
  decodeUserData,
  encodeUserData,
  type Subscription,
  tasksOf,
} from './assignment.ts'
import type { KafkaClient } from './kafka-client.ts'
import { kafkaFailure } from './kafka-error.ts'
import type { GroupIdentity } from './offset-commit.ts'
import { type Deal, dealPlans } from './plan-mix.ts'

/** Membership timing, milliseconds (X12). */
export interface MembershipTiming {
  readonly sessionTimeoutMs: number
  readonly heartbeatMs: number
  readonly rebalanceTimeoutMs: number
}

/** The shipped timing. */
export const defaultMembershipTiming: MembershipTiming = {
  sessionTimeoutMs: 10_000,
  heartbeatMs: 3_000,
  rebalanceTimeoutMs: 60_000,
}

/** What a member is made with. */
export interface GroupMemberOptions {
  readonly client: KafkaClient
  readonly groupId: string
  /** Static membership: the same after a restart, so that a restart takes its tasks back at once (X12). */
  readonly groupInstanceId: string
  /** Topics of all tasks. */
  readonly topics: readonly string[]
  /** What this member says of itself now. */
  readonly self: () => Subscription
  /** The version of the plan that was written down last, asked when this member leads a rebalance. */
  readonly newestPlan: () => Promise<number>
  /** The version of the plan of the last commit of each input partition, where members run different plans. */
  readonly committedUnder: (inputs: readonly TopicPartition[]) => Promise<ReadonlyMap<string, number>>
  readonly timing: MembershipTiming
  /** Called when `needsRejoin` or `lost` became true. */
  readonly onChange: () => void
}

const protocolName = 'millrace-1'

/**
 * A static member of a consumer group on the classic protocol: joins, leads when it is told to, keeps alive on a timer.
 *
 * Heartbeats run by themselves; they only raise `needsRejoin` or `lost`, and its owner decides when to act (X13).
 */
export class GroupMember {
  private readonly options: GroupMemberOptions
  private memberId = ''
  private generationId = -1
  private cancelHeartbeat: Cancel | null = null
  private closed = false
  /** The coordinator has begun a rebalance: commit, then join again. */
  needsRejoin = false
  /** Why the membership is gone, or null. Uncommitted work must be dropped before the next join (X1). */
  lost: StreamError | null = null

  constructor(options: GroupMemberOptions) {
    this.options = options
  }

  /** Under what offsets are committed. */
  get identity(): GroupIdentity {
    return {
      groupId: this.options.groupId,
      generationId: this.generationId,
      memberId: this.memberId,
      groupInstanceId: this.options.groupInstanceId,
    }
  }

  /**
   * Joins, or joins again, and waits for the assignment.
   * @throws {StreamError} `INSTANCE_FENCED` when another process has the instance id
   */
  async join(): Promise<AssignmentData> {
    this.stopHeartbeat()
    for (let again = 0; ; ) {
      const data = await this.joinOnce()
      if (!data) continue
      this.needsRejoin = false
      this.lost = null
      this.scheduleHeartbeat()
      // A static member that returns gets the assignment of before under a new member id, and what it says of itself
      // reaches nobody: it asks for a new round only where that would say something else.
      const self = this.options.self()
      const repeated = data.members.find((member) => member.transactionalId === self.transactionalId)
      const says = repeated?.planHash === self.planHash && repeated.planVersion === self.planVersion
      if (says || again++ > 0) return data
      this.stopHeartbeat()
    }
  }

  private async joinOnce(): Promise<AssignmentData | null> {
    const { client, groupId, groupInstanceId, timing, topics } = this.options
    const deadline = client.deadline(timing.rebalanceTimeoutMs + timing.sessionTimeoutMs + client.requestTimeoutMs)
    return client.retrying(deadline, async () => {
      const node = await client.groupCoordinator('group', groupId, deadline)
      const joined = await client.send(
        'group',
        node,
        joinGroup,
        {
          groupId,
          sessionTimeoutMs: timing.sessionTimeoutMs,
          rebalanceTimeoutMs: timing.rebalanceTimeoutMs,
          memberId: this.memberId,
          groupInstanceId,
          protocolType: consumerProtocolType,
          protocols: [
            {
              name: protocolName,
              metadata: encodeSubscription({
                topics,
                ownedPartitions: [],
                userData: encodeUserData(this.options.self()),
              }),
            },
          ],
        },
        deadline,
        5,
      )
      switch (joined.errorCode) {
        case kafkaError.NONE:
          break
        case kafkaError.MEMBER_ID_REQUIRED:
          this.memberId = joined.memberId
          return null
        case kafkaError.UNKNOWN_MEMBER_ID:
        case kafkaError.ILLEGAL_GENERATION:
          this.memberId = ''
          return null
        case kafkaError.INCONSISTENT_GROUP_PROTOCOL:
          throw new StreamError(
            'PLAN_CHANGED',
            `the consumer group ${groupId} has members of another kind; give this application another id with --app-id, or stop them`,
          )
        default:
          throw kafkaFailure(joined.errorCode, joinGroup.name)
      }
      this.memberId = joined.memberId
      this.generationId = joined.generationId
      const leads = joined.leader === joined.memberId && !joined.skipAssignment
      const synced = await client.send(
        'group',
        node,
        syncGroup,
        {
          groupId,
          generationId: this.generationId,
          memberId: this.memberId,
          groupInstanceId,
          protocolType: consumerProtocolType,
          protocolName,
          assignments: leads ? await this.assign(joined) : [],
        },
        deadline,
        3,
      )
      switch (synced.errorCode) {
        case kafkaError.NONE:
          break
        case kafkaError.REBALANCE_IN_PROGRESS:
        case kafkaError.ILLEGAL_GENERATION:
          return null
        case kafkaError.UNKNOWN_MEMBER_ID:
          this.memberId = ''
          return null
        default:
          throw kafkaFailure(synced.errorCode, syncGroup.name)
      }
      if (synced.assignment.length === 0) {
        // Nobody has led yet: a leader that died between its answers, or a member list that changed meanwhile.
        await client.clock.sleep(50)
        return null
      }
      return decodeUserData<AssignmentData>(decodeAssignment(synced.assignment).userData)
    })
  }

  private async assign(joined: ResponseOf<typeof joinGroup>): Promise<{ memberId: string; assignment: Buffer }[]> {
    const members = new Map<string, Subscription>(
      joined.members.map((member) => [
        member.memberId,
        decodeUserData<Subscription>(decodeSubscription(member.metadata).userData),
      ]),
    )
    const { dealt, waiting } = await this.deal(members)
    const names = (tasks: readonly AssignableTask[]) => tasks.map(({ id }) => formatTaskId(id))
    const all = [...members].map(([memberId, { parts: _, ...data }]) => ({
      ...data,
      memberId,
      tasks: names(dealt.get(memberId) ?? []),
    }))
    return [...members.keys()].map((memberId) => {
      const tasks = dealt.get(memberId) ?? []
      const waits = waiting.get(memberId) ?? null
      return {
        memberId,
        assignment: encodeAssignment({
          assignedPartitions: tasks.flatMap((task) => task.inputs),
          userData: encodeUserData({ v: 1, tasks: names(tasks), members: all, waits }),
        }),
      }
    })
  }

  /** One plan that is the newest has every task for everybody; else it depends on who has committed what. */
  private async deal(members: ReadonlyMap<string, Subscription>): Promise<Deal> {
    const own = members.get(this.memberId)
    assert(own, 'the leader is a member')
    const { newestPlan, committedUnder } = this.options
    const isOne = [...members.values()].every(({ planHash }) => planHash === own.planHash)
    const version = Math.max(...[...members.values()].map(({ planVersion }) => planVersion))
    if (isOne && (await newestPlan()) <= version) {
      return { dealt: assignTasks(tasksOf(own.parts), members), waiting: new Map() }
    }
    const inputs = [...members.values()].flatMap(({ parts }) => tasksOf(parts).flatMap((task) => task.inputs))
    const unique = new Map(inputs.map((at) => [partitionKey(at.topic, at.partition), at]))
    return dealPlans(members, await committedUnder([...unique.values()]))
  }

  private scheduleHeartbeat(): void {
    this.stopHeartbeat()
    if (this.closed) return
    this.cancelHeartbeat = this.options.client.clock.timer(this.options.timing.heartbeatMs, () => {
      this.verify().then(
        () => {
          if (!this.lost && this.cancelHeartbeat) this.scheduleHeartbeat()
        },
        () => undefined,
      )
    })
  }

  private stopHeartbeat(): void {
    this.cancelHeartbeat?.()
    this.cancelHeartbeat = null
  }

  /**
   * One heartbeat: asks the coordinator whether this membership still holds, and sets `needsRejoin` or `lost` when it does
   * not. Errors of the connection are left to the next one: only the coordinator's word changes anything.
   */
  async verify(withinMs: number = this.options.timing.sessionTimeoutMs): Promise<void> {
    const { client, groupId, groupInstanceId, onChange } = this.options
    const generationId = this.generationId
    try {
      const deadline = client.deadline(withinMs)
      const node = await client.groupCoordinator('group', groupId, deadline)
      const request = { groupId, generationId, memberId: this.memberId, groupInstanceId }
      const { errorCode } = await client.send('group', node, heartbeat, request, deadline, 3)
      if (generationId !== this.generationId || this.closed) return
      if (errorCode === kafkaError.NONE) return
      if (errorCode === kafkaError.REBALANCE_IN_PROGRESS) this.needsRejoin = true
      else {
        const failure = kafkaFailure(errorCode, heartbeat.name)
        if (failure.action === 'retry') return client.forgetCoordinators()
        this.lost = failure
      }
      onChange()
    } catch (error) {
      client.logger.debug('a heartbeat failed', { reason: messageOf(error) })
      client.forgetCoordinators()
    }
  }

  /** Stops heartbeats; the coordinator forgets the member when its session ends, or the instance returns. */
  close(): void {
    this.closed = true
    this.stopHeartbeat()
  }

  /** Leaves the group at once: only at a bounded end or with `--leave`, since a restart is otherwise cheaper (X12). */
  async leave(): Promise<void> {
    this.close()
    const { client, groupId, groupInstanceId } = this.options
    const deadline = client.deadline(5_000)
    const node = await client.groupCoordinator('group', groupId, deadline)
    const members = [{ memberId: this.memberId, groupInstanceId }]
    await client.send('group', node, leaveGroup, { groupId, memberId: this.memberId, members }, deadline, 3)
  }
}
