import type { RequestOf, ResponseInput } from '../../protocol/api.ts'
import { kafkaError } from '../../protocol/kafka-errors.ts'
import type { initProducerId } from '../../protocol/messages/transaction.ts'
import type { Services } from '../services.ts'

/** InitProducerId (22). Without a transactional id it is a fresh id for an idempotent producer. */
export async function handleInitProducerId(
  services: Services,
  request: RequestOf<typeof initProducerId>,
): Promise<ResponseInput<typeof initProducerId>> {
  if (request.transactionalId === null) {
    return { errorCode: kafkaError.NONE, producerId: await services.producerIds.take(), producerEpoch: 0 }
  }
  return { errorCode: kafkaError.INVALID_REQUEST, producerId: -1, producerEpoch: -1 }
}
