import { api } from '../api.ts'
import {
  array,
  between,
  boolean,
  type Codec,
  int16,
  int32,
  nullableArray,
  nullableString,
  since,
  string,
  struct,
  uuid,
} from '../codec.ts'

/** A topic name that is null from version 12 on where only the id is known. */
const topicName: Codec<string | null> = {
  fallback: null,
  compile: (version, flexible) =>
    version >= 10
      ? nullableString.compile(version, flexible)
      : (string as Codec<string | null>).compile(version, flexible),
}

/** Brokers, topics, partitions and their leaders (key 3). `topics: null` asks for all of them. */
export const metadata = api({
  key: 3,
  name: 'Metadata',
  versions: [0, 12],
  flexibleSince: 9,
  request: struct({
    topics: nullableArray(struct({ topicId: since(10, uuid), name: topicName })),
    allowAutoTopicCreation: since(4, boolean, true),
    includeClusterAuthorizedOperations: between(8, 10, boolean),
    includeTopicAuthorizedOperations: since(8, boolean),
  }),
  response: struct({
    throttleTimeMs: since(3, int32),
    brokers: array(struct({ nodeId: int32, host: string, port: int32, rack: since(1, nullableString) })),
    clusterId: since(2, nullableString),
    controllerId: since(1, int32, -1),
    topics: array(
      struct({
        errorCode: int16,
        name: string,
        topicId: since(10, uuid),
        isInternal: since(1, boolean),
        partitions: array(
          struct({
            errorCode: int16,
            index: int32,
            leaderId: int32,
            leaderEpoch: since(7, int32, -1),
            replicaNodes: array(int32),
            isrNodes: array(int32),
            offlineReplicas: since(5, array(int32)),
          }),
        ),
        authorizedOperations: since(8, int32, -2147483648),
      }),
    ),
    clusterAuthorizedOperations: between(8, 10, int32, -2147483648),
  }),
})
