import { api } from '../api.ts'
import { array, int8, int16, int32, int64, string } from '../codec.ts'
import { since, struct } from '../struct.ts'

/** The `timestamp` that asks for the first offset still in the log. */
export const earliestTimestamp = -2
/** The `timestamp` that asks for the end: the high watermark, or the last stable offset under read_committed. */
export const latestTimestamp = -1
/** The `timestamp` that asks for the record with the greatest timestamp (version 7). */
export const maxTimestamp = -3

/** The offset for a time (key 2): the first record not older than `timestamp`, or one of the special values above. */
export const listOffsets = api({
  key: 2,
  name: 'ListOffsets',
  versions: [1, 8],
  flexibleSince: 6,
  request: struct({
    replicaId: since(0, int32, -1),
    isolationLevel: since(2, int8),
    topics: array(
      struct({
        name: string,
        partitions: array(struct({ index: int32, currentLeaderEpoch: since(4, int32, -1), timestamp: int64 })),
      }),
    ),
  }),
  response: struct({
    throttleTimeMs: since(2, int32),
    topics: array(
      struct({
        name: string,
        partitions: array(
          struct({ index: int32, errorCode: int16, timestamp: int64, offset: int64, leaderEpoch: since(4, int32, -1) }),
        ),
      }),
    ),
  }),
})
