import type { RequestOf, ResponseInput } from '../../protocol/api.ts'
import { kafkaError } from '../../protocol/kafka-errors.ts'
import {
  earliestTimestamp,
  latestTimestamp,
  type listOffsets,
  maxTimestamp,
} from '../../protocol/messages/list-offsets.ts'
import type { OffsetAndTimestamp } from '../log/batch-walk.ts'
import type { PartitionLog } from '../log/partition-log.ts'
import type { Services } from '../services.ts'
import { checkLeaderEpoch } from './leader-epoch.ts'

/** `timestamp` of version 8: the first offset on the broker's own disk, which here is the first at all. */
const earliestLocalTimestamp = -4

/** ListOffsets (2): ends of a log, or the first record of a time. Offset -1 where no record is that young. */
export async function handleListOffsets(
  services: Services,
  request: RequestOf<typeof listOffsets>,
): Promise<ResponseInput<typeof listOffsets>> {
  const isCommitted = request.isolationLevel === 1
  const topics = []
  for (const { name, partitions } of request.topics) {
    const answers = []
    for (const { index, timestamp, currentLeaderEpoch } of partitions) {
      const log = services.topics.log(name, index)
      const errorCode = log ? checkLeaderEpoch(log, currentLeaderEpoch) : kafkaError.UNKNOWN_TOPIC_OR_PARTITION
      if (!log || errorCode !== kafkaError.NONE) {
        answers.push({ index, errorCode, timestamp: -1, offset: -1 })
        continue
      }
      const found = await lookUp(log, timestamp, isCommitted)
      answers.push({ index, errorCode, ...found, leaderEpoch: found.offset < 0 ? -1 : log.leaderEpoch })
    }
    topics.push({ name, partitions: answers })
  }
  return { topics }
}

async function lookUp(log: PartitionLog, timestamp: number, isCommitted: boolean): Promise<OffsetAndTimestamp> {
  const end = isCommitted ? log.lastStableOffset : log.highWatermark
  if (timestamp === latestTimestamp) return { offset: end, timestamp: -1 }
  if (timestamp === earliestTimestamp || timestamp === earliestLocalTimestamp) {
    return { offset: log.startOffset, timestamp: -1 }
  }
  const found = timestamp === maxTimestamp ? await log.findMaxTimestamp() : await log.findTimestamp(timestamp)
  return found && found.offset < end ? found : { offset: -1, timestamp: -1 }
}
