import { api } from '../api.ts'
import {
  array,
  boolean,
  int8,
  int16,
  int32,
  int64,
  nullableArray,
  nullableSince,
  nullableString,
  string,
  uuid,
} from '../codec.ts'
import { between, since, struct, tagged } from '../struct.ts'

/** Creates topics (key 19). `numPartitions` and `replicationFactor` of -1 mean the broker's defaults (version 4). */
export const createTopics = api({
  key: 19,
  name: 'CreateTopics',
  versions: [2, 7],
  flexibleSince: 5,
  request: struct({
    topics: array(
      struct({
        name: string,
        numPartitions: int32,
        replicationFactor: int16,
        assignments: since(0, array(struct({ index: int32, brokerIds: array(int32) }))),
        configs: since(0, array(struct({ name: string, value: nullableString }))),
      }),
    ),
    timeoutMs: int32,
    validateOnly: since(1, boolean),
  }),
  response: struct({
    throttleTimeMs: since(2, int32),
    topics: array(
      struct({
        name: string,
        topicId: since(7, uuid),
        errorCode: int16,
        errorMessage: since(1, nullableString),
        topicConfigErrorCode: tagged(0, 5, int16),
        numPartitions: since(5, int32, -1),
        replicationFactor: since(5, int16, -1),
        configs: since(
          5,
          nullableArray(
            struct({
              name: string,
              value: nullableString,
              readOnly: boolean,
              configSource: int8,
              isSensitive: boolean,
            }),
          ),
        ),
      }),
    ),
  }),
})

/** Deletes topics (key 20), by name below version 6, by name or id from there on. */
export const deleteTopics = api({
  key: 20,
  name: 'DeleteTopics',
  versions: [1, 6],
  flexibleSince: 4,
  request: struct({
    topics: since(6, array(struct({ name: nullableString, topicId: since(0, uuid) }))),
    topicNames: between(0, 5, array(string)),
    timeoutMs: int32,
  }),
  response: struct({
    throttleTimeMs: since(1, int32),
    responses: array(
      struct({
        name: nullableSince(6, nullableString, ''),
        topicId: since(6, uuid),
        errorCode: int16,
        errorMessage: since(5, nullableString),
      }),
    ),
  }),
})

/** Adds partitions to topics (key 37). */
export const createPartitions = api({
  key: 37,
  name: 'CreatePartitions',
  versions: [0, 3],
  flexibleSince: 2,
  request: struct({
    topics: array(
      struct({ name: string, count: int32, assignments: nullableArray(struct({ brokerIds: array(int32) })) }),
    ),
    timeoutMs: int32,
    validateOnly: boolean,
  }),
  response: struct({
    throttleTimeMs: since(0, int32),
    results: array(struct({ name: string, errorCode: int16, errorMessage: nullableString })),
  }),
})

/** Moves the start of partitions (key 21): all records below `offset` are gone; -1 is the high watermark. */
export const deleteRecords = api({
  key: 21,
  name: 'DeleteRecords',
  versions: [0, 2],
  flexibleSince: 2,
  request: struct({
    topics: array(struct({ name: string, partitions: array(struct({ index: int32, offset: int64 })) })),
    timeoutMs: int32,
  }),
  response: struct({
    throttleTimeMs: since(0, int32),
    topics: array(
      struct({ name: string, partitions: array(struct({ index: int32, lowWatermark: int64, errorCode: int16 })) }),
    ),
  }),
})
