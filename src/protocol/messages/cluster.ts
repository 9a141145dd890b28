import { api } from '../api.ts'
import { array, boolean, int8, int16, int32, nullableString, string } from '../codec.ts'
import { since, struct } from '../struct.ts'

/** Brokers and the controller (key 60). */
export const describeCluster = api({
  key: 60,
  name: 'DescribeCluster',
  versions: [0, 1],
  flexibleSince: 0,
  request: struct({ includeClusterAuthorizedOperations: boolean, endpointType: since(1, int8, 1) }),
  response: struct({
    throttleTimeMs: since(0, int32),
    errorCode: int16,
    errorMessage: nullableString,
    endpointType: since(1, int8, 1),
    clusterId: string,
    controllerId: int32,
    brokers: array(struct({ brokerId: int32, host: string, port: int32, rack: nullableString })),
    clusterAuthorizedOperations: since(0, int32, -2147483648),
  }),
})
