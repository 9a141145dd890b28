import type { RequestOf, ResponseInput } from '../../protocol/api.ts'
import { kafkaError } from '../../protocol/kafka-errors.ts'
import type { heartbeat, joinGroup, leaveGroup, syncGroup } from '../../protocol/messages/group.ts'
import type { RequestContext, Services } from '../services.ts'

/** JoinGroup (11). Held until the generation begins; what is kept of the request is copied. */
export async function handleJoinGroup(
  services: Services,
  request: RequestOf<typeof joinGroup>,
  context: RequestContext,
): Promise<ResponseInput<typeof joinGroup>> {
  const { sessionTimeoutMs } = request
  const answer = await services.groups.join({
    groupId: request.groupId,
    memberId: request.memberId,
    groupInstanceId: request.groupInstanceId,
    protocolType: request.protocolType,
    terms: {
      sessionTimeoutMs,
      // Version 0 knows one timeout for both.
      rebalanceTimeoutMs: context.version === 0 ? sessionTimeoutMs : request.rebalanceTimeoutMs,
      protocols: request.protocols.map(({ name, metadata }) => ({ name, metadata: Buffer.from(metadata) })),
    },
    clientId: context.clientId,
    clientHost: `/${context.connection.remoteHost}`,
    requiresMemberId: context.version >= 4,
    knowsSkipAssignment: context.version >= 9,
  })
  return answer
}

/** SyncGroup (14). Held until the leader's assignment is there. */
export function handleSyncGroup(
  services: Services,
  request: RequestOf<typeof syncGroup>,
): Promise<ResponseInput<typeof syncGroup>> {
  const assignments = new Map(
    request.assignments.map(({ memberId, assignment }) => [memberId, Buffer.from(assignment)] as const),
  )
  return services.groups.sync(request, { type: request.protocolType, name: request.protocolName }, assignments)
}

/** Heartbeat (12). */
export function handleHeartbeat(
  services: Services,
  request: RequestOf<typeof heartbeat>,
): ResponseInput<typeof heartbeat> {
  return { errorCode: services.groups.heartbeat(request) }
}

/** LeaveGroup (13): one member below version 3, several from there on, each with its own error. */
export function handleLeaveGroup(
  services: Services,
  request: RequestOf<typeof leaveGroup>,
  context: RequestContext,
): ResponseInput<typeof leaveGroup> {
  if (request.groupId === '') return { errorCode: kafkaError.INVALID_GROUP_ID, members: [] }
  if (context.version < 3) return { errorCode: services.groups.leave(request.groupId, request.memberId, null) }
  return {
    errorCode: kafkaError.NONE,
    members: request.members.map(({ memberId, groupInstanceId }) => ({
      memberId,
      groupInstanceId,
      errorCode: services.groups.leave(request.groupId, memberId, groupInstanceId),
    })),
  }
}
