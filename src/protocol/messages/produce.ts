import { api } from '../api.ts'
import { array, int16, int32, int64, nullableBytes, nullableString, string } from '../codec.ts'
import { since, struct } from '../struct.ts'

/**
 * Appends record batches to partitions (key 0). `acks` is -1 for a durable answer, 1 for the leader's, 0 for none at all.
 * Version 12 also enters the partitions of transactional batches into the transaction, opening it where there is none.
 */
export const produce = api({
  key: 0,
  name: 'Produce',
  versions: [3, 12],
  flexibleSince: 9,
  secondTransactionsSince: 12,
  request: struct({
    transactionalId: nullableString,
    acks: int16,
    timeoutMs: int32,
    topics: array(struct({ name: string, partitions: array(struct({ index: int32, records: nullableBytes })) })),
  }),
  response: struct({
    topics: array(
      struct({
        name: string,
        partitions: array(
          struct({
            index: int32,
            errorCode: int16,
            baseOffset: int64,
            logAppendTimeMs: since(0, int64, -1),
            logStartOffset: since(5, int64, -1),
            recordErrors: since(8, array(struct({ batchIndex: int32, message: nullableString }))),
            errorMessage: since(8, nullableString),
          }),
        ),
      }),
    ),
    throttleTimeMs: since(0, int32),
  }),
})
