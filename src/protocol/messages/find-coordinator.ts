import { api } from '../api.ts'
import { array, int8, int16, int32, nullableString, string } from '../codec.ts'
import { between, since, struct } from '../struct.ts'

/** `keyType` of a group id. */
export const groupCoordinator = 0
/** `keyType` of a transactional id. */
export const transactionCoordinator = 1

/** The broker that coordinates a group or a transactional id (key 10); from version 4 on for several keys at once. */
export const findCoordinator = api({
  key: 10,
  name: 'FindCoordinator',
  versions: [0, 4],
  flexibleSince: 3,
  request: struct({
    key: between(0, 3, string),
    keyType: since(1, int8),
    coordinatorKeys: since(4, array(string)),
  }),
  response: struct({
    throttleTimeMs: since(1, int32),
    errorCode: between(0, 3, int16),
    errorMessage: between(1, 3, nullableString),
    nodeId: between(0, 3, int32),
    host: between(0, 3, string),
    port: between(0, 3, int32),
    coordinators: since(
      4,
      array(
        struct({
          key: string,
          nodeId: int32,
          host: string,
          port: int32,
          errorCode: int16,
          errorMessage: nullableString,
        }),
      ),
    ),
  }),
})
