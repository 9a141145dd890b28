import { api } from '../api.ts'
import { array, boolean, bytes, int16, int32, nullableSince, nullableString, string } from '../codec.ts'
import { between, since, struct } from '../struct.ts'

/** Enters a group or a new round of its rebalance (key 11); answered when every member has joined or the time is up. */
export const joinGroup = api({
  key: 11,
  name: 'JoinGroup',
  versions: [0, 9],
  flexibleSince: 6,
  request: struct({
    groupId: string,
    sessionTimeoutMs: int32,
    rebalanceTimeoutMs: since(1, int32, -1),
    memberId: string,
    groupInstanceId: since(5, nullableString),
    protocolType: string,
    protocols: array(struct({ name: string, metadata: bytes })),
    reason: since(8, nullableString),
  }),
  response: struct({
    throttleTimeMs: since(2, int32),
    errorCode: int16,
    generationId: int32,
    protocolType: since(7, nullableString),
    // Below version 7 the name is never null: an error answers the empty text.
    protocolName: nullableSince(7, nullableString, ''),
    leader: string,
    skipAssignment: since(9, boolean),
    memberId: string,
    members: array(struct({ memberId: string, groupInstanceId: since(5, nullableString), metadata: bytes })),
  }),
})

/** Hands out the leader's assignment (key 14). */
export const syncGroup = api({
  key: 14,
  name: 'SyncGroup',
  versions: [0, 5],
  flexibleSince: 4,
  request: struct({
    groupId: string,
    generationId: int32,
    memberId: string,
    groupInstanceId: since(3, nullableString),
    protocolType: since(5, nullableString),
    protocolName: since(5, nullableString),
    assignments: array(struct({ memberId: string, assignment: bytes })),
  }),
  response: struct({
    throttleTimeMs: since(1, int32),
    errorCode: int16,
    protocolType: since(5, nullableString),
    protocolName: since(5, nullableString),
    assignment: bytes,
  }),
})

/** Keeps a member alive (key 12); answers 27 while the group rebalances. */
export const heartbeat = api({
  key: 12,
  name: 'Heartbeat',
  versions: [0, 4],
  flexibleSince: 4,
  request: struct({
    groupId: string,
    generationId: int32,
    memberId: string,
    groupInstanceId: since(3, nullableString),
  }),
  response: struct({ throttleTimeMs: since(1, int32), errorCode: int16 }),
})

/** Leaves a group (key 13); from version 3 on for several members, static ones by instance id. */
export const leaveGroup = api({
  key: 13,
  name: 'LeaveGroup',
  versions: [0, 5],
  flexibleSince: 4,
  request: struct({
    groupId: string,
    memberId: between(0, 2, string),
    members: since(
      3,
      array(struct({ memberId: string, groupInstanceId: nullableString, reason: since(5, nullableString) })),
    ),
  }),
  response: struct({
    throttleTimeMs: since(1, int32),
    errorCode: int16,
    members: since(3, array(struct({ memberId: string, groupInstanceId: nullableString, errorCode: int16 }))),
  }),
})

/** Members, state and assignments of groups (key 15). */
export const describeGroups = api({
  key: 15,
  name: 'DescribeGroups',
  versions: [0, 5],
  flexibleSince: 5,
  request: struct({ groups: array(string), includeAuthorizedOperations: since(3, boolean) }),
  response: struct({
    throttleTimeMs: since(1, int32),
    groups: array(
      struct({
        errorCode: int16,
        groupId: string,
        groupState: string,
        protocolType: string,
        protocolData: string,
        members: array(
          struct({
            memberId: string,
            groupInstanceId: since(4, nullableString),
            clientId: string,
            clientHost: string,
            memberMetadata: bytes,
            memberAssignment: bytes,
          }),
        ),
        authorizedOperations: since(3, int32, -2147483648),
      }),
    ),
  }),
})

/** All groups of a broker (key 16). */
export const listGroups = api({
  key: 16,
  name: 'ListGroups',
  versions: [0, 4],
  flexibleSince: 3,
  request: struct({ statesFilter: since(4, array(string)) }),
  response: struct({
    throttleTimeMs: since(1, int32),
    errorCode: int16,
    groups: array(struct({ groupId: string, protocolType: string, groupState: since(4, string) })),
  }),
})

/** Deletes empty groups with their offsets (key 42). */
export const deleteGroups = api({
  key: 42,
  name: 'DeleteGroups',
  versions: [0, 2],
  flexibleSince: 2,
  request: struct({ groupIds: array(string) }),
  response: struct({ throttleTimeMs: since(0, int32), results: array(struct({ groupId: string, errorCode: int16 })) }),
})
