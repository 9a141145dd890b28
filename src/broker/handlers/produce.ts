import { hasCode, StreamError } from '../../core/errors.ts'
import type { RequestOf, ResponseInput } from '../../protocol/api.ts'
import { type BatchHeader, batchAttribute } from '../../protocol/batch-header.ts'
import { kafkaError } from '../../protocol/kafka-errors.ts'
import type { produce } from '../../protocol/messages/produce.ts'
import { checkBatch } from '../log/batch-check.ts'
import type { PartitionLog } from '../log/partition-log.ts'
import type { RequestContext, Services } from '../services.ts'

type PartitionAnswer = ResponseInput<typeof produce>['topics'][number]['partitions'][number]

/**
 * Produce (0): one batch a partition. All partitions are judged and queued at once, so that their files are written
 * side by side; the answer comes when every one has been written.
 */
export async function handleProduce(
  services: Services,
  request: RequestOf<typeof produce>,
  context: RequestContext,
): Promise<ResponseInput<typeof produce> | null> {
  const { acks, transactionalId } = request
  const topics = await Promise.all(
    request.topics.map(async ({ name, partitions }) => ({
      name,
      partitions: await Promise.all(
        partitions.map(async ({ index, records }) => {
          if (acks < -1 || acks > 1) return refused(index, kafkaError.INVALID_REQUIRED_ACKS)
          const place = { name, index, transactionalId, version: context.version }
          return append(services, place, records)
        }),
      ),
    })),
  )
  if (acks !== 0) return { topics }
  const failed = topics.flatMap(({ partitions }) => partitions).find(({ errorCode }) => errorCode !== kafkaError.NONE)
  // A client that wants no answers learns of an error only by losing its connection, as with Kafka.
  if (failed) throw new StreamError('REQUEST_FAILED', `a Produce without acknowledgement met error ${failed.errorCode}`)
  return null
}

interface Place {
  readonly name: string
  readonly index: number
  readonly transactionalId: string | null
  readonly version: number
}

async function append(services: Services, place: Place, records: Buffer | null): Promise<PartitionAnswer> {
  const { name, index } = place
  const topic = services.topics.get(name)
  const log = topic?.logs[index]
  if (!topic || !log) return refused(index, kafkaError.UNKNOWN_TOPIC_OR_PARTITION)
  const now = services.clock.now()
  const checked = checkBatch(records, place.version, place.transactionalId !== null, topic.config, now)
  if ('error' in checked) return refused(index, checked.error, checked.message, checked.records)
  const { header } = checked
  const verdict = judgeProducer(services, place, log, header)
  if (typeof verdict === 'number') return refused(index, verdict)
  const appendTime = topic.config.usesAppendTime ? now : null
  try {
    const baseOffset = verdict?.baseOffset ?? log.append(checked.records, header, appendTime)
    await log.written(verdict ? verdict.lastOffset + 1 : baseOffset + header.lastOffsetDelta + 1)
    return {
      index,
      errorCode: kafkaError.NONE,
      baseOffset,
      logAppendTimeMs: verdict && appendTime !== null ? verdict.timestamp : (appendTime ?? -1),
      logStartOffset: log.startOffset,
    }
  } catch (error) {
    // Deleted while the request was under way, or the disk failed.
    return refused(
      index,
      hasCode(error, 'ILLEGAL_STATE') ? kafkaError.UNKNOWN_TOPIC_OR_PARTITION : kafkaError.KAFKA_STORAGE_ERROR,
    )
  }
}

/** @returns null to append, where a duplicate is in the log already, or an error number */
function judgeProducer(
  services: Services,
  place: Place,
  log: PartitionLog,
  header: BatchHeader,
): null | number | { readonly baseOffset: number; readonly lastOffset: number; readonly timestamp: number } {
  if (header.producerId < 0) return null
  const isTransactional = (header.attributes & batchAttribute.transactional) !== 0
  const verdict = log.producers.judge(header)
  if (verdict.kind === 'duplicate') return verdict
  const isOpen = (log.producers.get(header.producerId)?.openSince ?? null) !== null
  if (isTransactional && !isOpen) {
    const { producerId, producerEpoch: epoch } = header
    const claim = { transactionalId: place.transactionalId ?? '', producerId, epoch }
    const error = services.transactions.verifyPartition(claim, { topic: place.name, partition: place.index })
    if (error !== kafkaError.NONE) return error
  }
  if (verdict.kind === 'refused') return verdict.error
  return isOpen && !isTransactional ? kafkaError.INVALID_TXN_STATE : null
}

function refused(index: number, errorCode: number, message?: string, records?: readonly number[]): PartitionAnswer {
  return {
    index,
    errorCode,
    baseOffset: -1,
    errorMessage: message ?? null,
    recordErrors: (records ?? []).map((batchIndex) => ({ batchIndex, message: message ?? null })),
  }
}
