import { api } from '../api.ts'
import { array, boolean, int16, int32, int64, nullableArray, nullableString, string } from '../codec.ts'
import { between, since, struct } from '../struct.ts'

/** Commits a group's offsets outside any transaction (key 8). */
export const offsetCommit = api({
  key: 8,
  name: 'OffsetCommit',
  versions: [2, 9],
  flexibleSince: 8,
  request: struct({
    groupId: string,
    generationId: since(1, int32, -1),
    memberId: since(1, string),
    groupInstanceId: since(7, nullableString),
    retentionTimeMs: between(2, 4, int64, -1),
    topics: array(
      struct({
        name: string,
        partitions: array(
          struct({
            index: int32,
            committedOffset: int64,
            committedLeaderEpoch: since(6, int32, -1),
            committedMetadata: nullableString,
          }),
        ),
      }),
    ),
  }),
  response: struct({
    throttleTimeMs: since(3, int32),
    topics: array(struct({ name: string, partitions: array(struct({ index: int32, errorCode: int16 })) })),
  }),
})

const fetchedPartition = struct({
  index: int32,
  committedOffset: int64,
  committedLeaderEpoch: since(5, int32, -1),
  metadata: nullableString,
  errorCode: int16,
})

/**
 * Reads a group's committed offsets (key 9). `topics: null` asks for all; `requireStable` (version 7) answers 88 for a
 * partition with an offset pending in an open transaction. From version 8 on for several groups at once.
 */
export const offsetFetch = api({
  key: 9,
  name: 'OffsetFetch',
  versions: [1, 9],
  flexibleSince: 6,
  request: struct({
    groupId: between(0, 7, string),
    topics: between(0, 7, nullableArray(struct({ name: string, partitionIndexes: array(int32) }))),
    groups: since(
      8,
      array(
        struct({
          groupId: string,
          memberId: since(9, nullableString),
          memberEpoch: since(9, int32, -1),
          topics: nullableArray(struct({ name: string, partitionIndexes: array(int32) })),
        }),
      ),
    ),
    requireStable: since(7, boolean),
  }),
  response: struct({
    throttleTimeMs: since(3, int32),
    topics: between(0, 7, array(struct({ name: string, partitions: array(fetchedPartition) }))),
    errorCode: between(2, 7, int16),
    groups: since(
      8,
      array(
        struct({
          groupId: string,
          topics: array(struct({ name: string, partitions: array(fetchedPartition) })),
          errorCode: int16,
        }),
      ),
    ),
  }),
})

/** Deletes committed offsets of partitions that no member of the group subscribes to (key 47). */
export const offsetDelete = api({
  key: 47,
  name: 'OffsetDelete',
  versions: [0, 0],
  flexibleSince: 32767,
  request: struct({
    groupId: string,
    topics: array(struct({ name: string, partitions: array(struct({ index: int32 })) })),
  }),
  response: struct({
    errorCode: int16,
    throttleTimeMs: int32,
    topics: array(struct({ name: string, partitions: array(struct({ index: int32, errorCode: int16 })) })),
  }),
})

/** The leader epoch's end offset (key 23), with which a client notices a truncated log. */
export const offsetForLeaderEpoch = api({
  key: 23,
  name: 'OffsetForLeaderEpoch',
  versions: [2, 4],
  flexibleSince: 4,
  request: struct({
    replicaId: since(3, int32, -2),
    topics: array(
      struct({
        name: string,
        partitions: array(struct({ index: int32, currentLeaderEpoch: since(2, int32, -1), leaderEpoch: int32 })),
      }),
    ),
  }),
  response: struct({
    throttleTimeMs: since(2, int32),
    topics: array(
      struct({
        name: string,
        partitions: array(
          struct({ errorCode: int16, index: int32, leaderEpoch: since(1, int32, -1), endOffset: int64 }),
        ),
      }),
    ),
  }),
})
