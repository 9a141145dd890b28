import { hasCode, StreamError } from '../../core/errors.ts'
import type { RequestOf, ResponseInput } from '../../protocol/api.ts'
import { type BatchHeader, batchAttribute } from '../../protocol/batch-header.ts'
import { kafkaError } from '../../protocol/kafka-errors.ts'
import type { produce } from '../../protocol/messages/produce.ts'
import { checkBatch, type SoundBatch } from '../log/batch-check.ts'
import type { PartitionLog } from '../log/partition-log.ts'
import type { Verdict } from '../log/producer-states.ts'
import type { RequestContext, Services } from '../services.ts'
import { inVerification } from '../transactions/producer-claim.ts'

type PartitionAnswer = ResponseInput<typeof produce>['topics'][number]['partitions'][number]

/** The first version that enters partitions into the transaction, and the first that may be told TRANSACTION_ABORTABLE. */
const enteringSince = 12
const abortableSince = 11

/**
 * Produce (0): one batch a partition. All partitions are judged and queued at once, so that their files are written
 * side by side; the answer comes when every one has been written. Version 12 enters partitions into the transaction first,
 * all in one step.
 */
export async function handleProduce(
  services: Services,
  request: RequestOf<typeof produce>,
  context: RequestContext,
): Promise<ResponseInput<typeof produce> | null> {
  const { acks } = request
  const places = request.topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ index, records }) => {
      if (acks < -1 || acks > 1) return refused(index, kafkaError.INVALID_REQUIRED_ACKS)
      return placeOf(
        services,
        { name, index, transactionalId: request.transactionalId, version: context.version },
        records,
      )
    }),
  }))
  const sound = places.flatMap(({ partitions }) => partitions.filter((one) => 'log' in one))
  const entered = context.version >= enteringSince ? await enter(services, sound) : kafkaError.NONE
  const topics = await Promise.all(
    places.map(async ({ name, partitions }) => ({
      name,
      partitions: await Promise.all(
        partitions.map(async (one) => ('log' in one ? append(services, one, entered) : one)),
      ),
    })),
  )
  if (acks !== 0) return { topics }
  const failed = topics.flatMap(({ partitions }) => partitions).find(({ errorCode }) => errorCode !== kafkaError.NONE)
  // A client that wants no answers learns of an error only by losing its connection, as with Kafka.
  if (failed) throw new StreamError('REQUEST_FAILED', `a Produce without acknowledgement met error ${failed.errorCode}`)
  return null
}

interface Target {
  readonly name: string
  readonly index: number
  readonly transactionalId: string | null
  readonly version: number
}

/** A sound batch, and the log that it is for. */
interface Place extends Target {
  readonly log: PartitionLog
  readonly batch: SoundBatch
  /** Stamped on the batch as the time of all its records, or null to keep theirs. */
  readonly appendTime: number | null
}

function placeOf(services: Services, target: Target, records: Buffer | null): Place | PartitionAnswer {
  const { name, index, transactionalId, version } = target
  const topic = services.topics.get(name)
  const log = topic?.logs[index]
  if (!topic || !log) return refused(index, kafkaError.UNKNOWN_TOPIC_OR_PARTITION)
  const now = services.clock.now()
  const batch = checkBatch(records, version, transactionalId !== null, topic.config, now)
  if ('error' in batch) return refused(index, batch.error, batch.message, batch.records)
  return { ...target, log, batch, appendTime: topic.config.usesAppendTime ? now : null }
}

/** Enters the partitions of batches that begin something there into their producer's transaction. @returns an error number */
async function enter(services: Services, places: readonly Place[]): Promise<number> {
  const fresh = places.filter(({ log, batch: { header } }) => beginsIn(log, header))
  const [first] = fresh
  if (!first) return kafkaError.NONE
  const partitions = fresh.map(({ name, index }) => ({ topic: name, partition: index }))
  return services.transactions.add(claimOf(first), partitions, [])
}

function claimOf({ transactionalId, batch: { header } }: Place) {
  return { transactionalId: transactionalId ?? '', producerId: header.producerId, epoch: header.producerEpoch }
}

/** Whether a transactional batch is the first of its transaction in the log: not one of before, nor one that is there already. */
function beginsIn(log: PartitionLog, header: BatchHeader): boolean {
  const isTransactional = (header.attributes & batchAttribute.transactional) !== 0
  if (!isTransactional || isOpenIn(log, header)) return false
  const verdict = log.producers.judge(header)
  return verdict.kind !== 'duplicate' && !isStale(verdict)
}

function isStale(verdict: Verdict): boolean {
  return verdict.kind === 'refused' && verdict.error === kafkaError.INVALID_PRODUCER_EPOCH
}

function isOpenIn(log: PartitionLog, header: BatchHeader): boolean {
  const state = log.producers.get(header.producerId)
  return state !== undefined && state.openSince !== null && state.epoch === header.producerEpoch
}

async function append(services: Services, place: Place, entered: number): Promise<PartitionAnswer> {
  const { index, log, batch, appendTime } = place
  const { header } = batch
  const verdict = judgeProducer(services, place, entered)
  if (typeof verdict === 'number') return refused(index, verdict)
  try {
    const baseOffset = verdict?.baseOffset ?? log.append(batch.records, header, appendTime)
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

/**
 * Judged right before the append, whatever was entered before: the transaction may have ended meanwhile.
 * @returns null to append, where a duplicate is in the log already, or an error number
 */
function judgeProducer(
  services: Services,
  place: Place,
  entered: number,
): null | number | { readonly baseOffset: number; readonly lastOffset: number; readonly timestamp: number } {
  const { log, version, name, index } = place
  const { header } = place.batch
  if (header.producerId < 0) return null
  const isTransactional = (header.attributes & batchAttribute.transactional) !== 0
  const verdict = log.producers.judge(header)
  if (verdict.kind === 'duplicate') return verdict
  // The log knows an old epoch even where its producer has another id by now.
  if (isStale(verdict)) return kafkaError.INVALID_PRODUCER_EPOCH
  const state = log.producers.get(header.producerId)
  if (isTransactional && !isOpenIn(log, header)) {
    const error = entered || services.transactions.verifyPartition(claimOf(place), { topic: name, partition: index })
    if (error !== kafkaError.NONE) return inVerification(error, version >= abortableSince)
    // Under an epoch a transaction counts from 0: what comes first with another number has lost its predecessor.
    if (version >= enteringSince && !state && header.baseSequence !== 0) return kafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER
  }
  if (verdict.kind === 'refused') return verdict.error
  return (state?.openSince ?? null) !== null && !isTransactional ? kafkaError.INVALID_TXN_STATE : null
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
