import type { RequestOf, ResponseInput } from '../../protocol/api.ts'
import { kafkaError } from '../../protocol/kafka-errors.ts'
import type {
  addOffsetsToTxn,
  addPartitionsToTxn,
  endTxn,
  initProducerId,
} from '../../protocol/messages/transaction.ts'
import type { RequestContext, Services } from '../services.ts'

/** Versions below do not know PRODUCER_FENCED and are told INVALID_PRODUCER_EPOCH, by each API. */
const fencedSince = { initProducerId: 4, others: 2 }

/** The first version of EndTxn that means transactions of version 2. */
const raisingSince = 5

/** InitProducerId (22). Without a transactional id it gives a fresh id to an idempotent producer. */
export async function handleInitProducerId(
  services: Services,
  request: RequestOf<typeof initProducerId>,
  context: RequestContext,
): Promise<ResponseInput<typeof initProducerId>> {
  const { transactionalId, producerId, producerEpoch } = request
  if (producerId < 0 !== producerEpoch < 0) {
    return { errorCode: kafkaError.INVALID_REQUEST, producerId: -1, producerEpoch: -1 }
  }
  if (transactionalId === null) {
    return { errorCode: kafkaError.NONE, producerId: await services.producerIds.take(), producerEpoch: 0 }
  }
  const expected = producerId < 0 ? null : { producerId, epoch: producerEpoch }
  const given = await services.transactions.init(transactionalId, request.transactionTimeoutMs, expected)
  return {
    errorCode: byVersion(given.error, context.version, fencedSince.initProducerId),
    producerId: given.producerId,
    producerEpoch: given.epoch,
  }
}

/** AddPartitionsToTxn (24): all partitions or none. */
export async function handleAddPartitionsToTxn(
  services: Services,
  request: RequestOf<typeof addPartitionsToTxn>,
  context: RequestContext,
): Promise<ResponseInput<typeof addPartitionsToTxn>> {
  const places = request.topics.flatMap(({ name, partitions }) =>
    partitions.map((partition) => ({ topic: name, partition })),
  )
  const isMissing = (topic: string, partition: number): boolean => !services.topics.log(topic, partition)
  const anyMissing = places.some(({ topic, partition }) => isMissing(topic, partition))
  const claim = claimOf(request)
  const error = anyMissing
    ? kafkaError.OPERATION_NOT_ATTEMPTED
    : byVersion(await services.transactions.add(claim, places, []), context.version, fencedSince.others)
  return {
    topics: request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map((index) => ({
        index,
        errorCode: isMissing(name, index) ? kafkaError.UNKNOWN_TOPIC_OR_PARTITION : error,
      })),
    })),
  }
}

/** AddOffsetsToTxn (25). */
export async function handleAddOffsetsToTxn(
  services: Services,
  request: RequestOf<typeof addOffsetsToTxn>,
  context: RequestContext,
): Promise<ResponseInput<typeof addOffsetsToTxn>> {
  const error = await services.transactions.add(claimOf(request), [], [request.groupId])
  return { errorCode: byVersion(error, context.version, fencedSince.others) }
}

/** EndTxn (26). Version 5 raises the epoch, and tells the producer that goes on. */
export async function handleEndTxn(
  services: Services,
  request: RequestOf<typeof endTxn>,
  context: RequestContext,
): Promise<ResponseInput<typeof endTxn>> {
  if (context.version >= raisingSince) {
    const { error, producerId, epoch } = await services.transactions.endAndRaise(claimOf(request), request.committed)
    return { errorCode: error, producerId, producerEpoch: epoch }
  }
  const error = await services.transactions.end(claimOf(request), request.committed)
  return { errorCode: byVersion(error, context.version, fencedSince.others) }
}

function claimOf(request: {
  readonly transactionalId: string
  readonly producerId: number
  readonly producerEpoch: number
}) {
  const { transactionalId, producerId, producerEpoch } = request
  return { transactionalId, producerId, epoch: producerEpoch }
}

function byVersion(error: number, version: number, since: number): number {
  return error === kafkaError.PRODUCER_FENCED && version < since ? kafkaError.INVALID_PRODUCER_EPOCH : error
}
