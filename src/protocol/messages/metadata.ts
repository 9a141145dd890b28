import { api } from '../api.ts'
import {
  array,
  boolean,
  type Codec,
  int16,
  int32,
  nullableArray,
  nullableSince,
  nullableString,
  string,
  uuid,
} from '../codec.ts'
import { between, since, struct } from '../struct.ts'

/** Topics that are asked for; null asks for all. Version 0 has no null: there an empty list asks for all. */
function topicsOrAll<O, I>(element: Codec<O, I>): Codec<O[] | null, readonly I[] | null> {
  const nullable = nullableArray(element)
  return {
    fallback: null,
    compile: (version, flexible) => {
      const inner = nullable.compile(version, flexible)
      if (version >= 1) return inner
      return {
        read: (r) => {
          const topics = inner.read(r)
          return topics?.length === 0 ? null : topics
        },
        write: (w, value) => inner.write(w, value ?? []),
      }
    },
  }
}

/** The name of a topic in an answer. From version 12 on null for an unknown id, which reads as the empty text. */
const answeredName: Codec<string> = {
  fallback: '',
  compile: (version, flexible) => {
    const nullable = nullableString.compile(version, flexible)
    return version >= 12
      ? { read: (r) => nullable.read(r) ?? '', write: (w, value) => nullable.write(w, value === '' ? null : value) }
      : string.compile(version, flexible)
  },
}

/** Brokers, topics, partitions and their leaders (key 3). `topics: null` asks for all of them. */
export const metadata = api({
  key: 3,
  name: 'Metadata',
  versions: [0, 12],
  flexibleSince: 9,
  request: struct({
    topics: topicsOrAll(struct({ topicId: since(10, uuid), name: nullableSince(10, nullableString, '') })),
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
        name: answeredName,
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
