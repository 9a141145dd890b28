import { api } from '../api.ts'
import { array, int8, int16, int32, int64, nullableArray, nullableChunks, string } from '../codec.ts'
import { since, struct } from '../struct.ts'

/**
 * Reads record batches of partitions (key 1), waiting up to `maxWaitMs` for `minBytes`.
 * `isolationLevel` 1 is read_committed: nothing past the last stable offset, and the aborted transactions in range.
 */
export const fetch = api({
  key: 1,
  name: 'Fetch',
  versions: [4, 12],
  flexibleSince: 12,
  request: struct({
    replicaId: since(0, int32, -1),
    maxWaitMs: int32,
    minBytes: int32,
    maxBytes: int32,
    isolationLevel: int8,
    sessionId: since(7, int32, 0),
    sessionEpoch: since(7, int32, -1),
    topics: array(
      struct({
        name: string,
        partitions: array(
          struct({
            index: int32,
            currentLeaderEpoch: since(9, int32, -1),
            fetchOffset: int64,
            lastFetchedEpoch: since(12, int32, -1),
            logStartOffset: since(5, int64, -1),
            maxBytes: int32,
          }),
        ),
      }),
    ),
    forgottenTopics: since(7, array(struct({ name: string, partitions: array(int32) }))),
    rackId: since(11, string),
  }),
  response: struct({
    throttleTimeMs: since(0, int32),
    errorCode: since(7, int16),
    sessionId: since(7, int32),
    topics: array(
      struct({
        name: string,
        partitions: array(
          struct({
            index: int32,
            errorCode: int16,
            highWatermark: int64,
            lastStableOffset: int64,
            logStartOffset: since(5, int64, -1),
            abortedTransactions: nullableArray(struct({ producerId: int64, firstOffset: int64 })),
            preferredReadReplica: since(11, int32, -1),
            records: nullableChunks,
          }),
        ),
      }),
    ),
  }),
})
