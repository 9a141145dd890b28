import type { RequestOf, ResponseInput } from '../../protocol/api.ts'
import { kafkaError } from '../../protocol/kafka-errors.ts'
import {
  type findCoordinator,
  groupCoordinator,
  transactionCoordinator,
} from '../../protocol/messages/find-coordinator.ts'
import type { RequestContext, Services } from '../services.ts'

/** FindCoordinator (10): this broker coordinates every group and every transactional id. */
export function handleFindCoordinator(
  services: Services,
  request: RequestOf<typeof findCoordinator>,
  context: RequestContext,
): ResponseInput<typeof findCoordinator> {
  const isKnownType = request.keyType === groupCoordinator || request.keyType === transactionCoordinator
  const errorCode = isKnownType ? kafkaError.NONE : kafkaError.INVALID_REQUEST
  const nobody = { nodeId: -1, host: '', port: -1 }
  const place = isKnownType ? { nodeId: services.options.nodeId, ...context.connection.advertised } : nobody
  if (context.version < 4) return { errorCode, errorMessage: isKnownType ? 'NONE' : null, ...place }
  return {
    coordinators: request.coordinatorKeys.map((key) => ({ key, ...place, errorCode, errorMessage: null })),
  }
}
