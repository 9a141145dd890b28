import type { RequestOf, ResponseInput } from '../../protocol/api.ts'
import { kafkaError } from '../../protocol/kafka-errors.ts'
import type { offsetForLeaderEpoch } from '../../protocol/messages/offsets.ts'
import type { PartitionLog } from '../log/partition-log.ts'
import type { Services } from '../services.ts'

/** Compares the epoch that a client knows with the log's; -1 is a client that does not say. */
export function checkLeaderEpoch(log: PartitionLog, clientEpoch: number): number {
  if (clientEpoch < 0 || clientEpoch === log.leaderEpoch) return kafkaError.NONE
  return clientEpoch < log.leaderEpoch ? kafkaError.FENCED_LEADER_EPOCH : kafkaError.UNKNOWN_LEADER_EPOCH
}

/** OffsetForLeaderEpoch (23): where an epoch ended, so that a client notices that a log was cut off. */
export function handleOffsetForLeaderEpoch(
  services: Services,
  request: RequestOf<typeof offsetForLeaderEpoch>,
): ResponseInput<typeof offsetForLeaderEpoch> {
  return {
    topics: request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ index, currentLeaderEpoch, leaderEpoch }) => {
        const log = services.topics.log(name, index)
        const errorCode = log ? checkLeaderEpoch(log, currentLeaderEpoch) : kafkaError.UNKNOWN_TOPIC_OR_PARTITION
        if (!log || errorCode !== kafkaError.NONE) return { errorCode, index, leaderEpoch: -1, endOffset: -1 }
        const end = log.endOfEpoch(leaderEpoch)
        return { errorCode, index, leaderEpoch: end.epoch, endOffset: end.endOffset }
      }),
    })),
  }
}
