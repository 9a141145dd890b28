import type { RequestOf, ResponseInput } from '../../protocol/api.ts'
import { kafkaError } from '../../protocol/kafka-errors.ts'
import type { apiVersions } from '../../protocol/messages/api-versions.ts'
import type { RequestContext, Services } from '../services.ts'

const softwareName = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/

/** The ranges that a broker tells its clients, in the order of the keys. */
export function advertisedRanges(services: Services): { apiKey: number; minVersion: number; maxVersion: number }[] {
  return [...services.apis.values()]
    .map((served) => ({
      apiKey: served.description.key,
      minVersion: served.advertisedMinVersion,
      maxVersion: served.maxVersion,
    }))
    .sort((a, b) => a.apiKey - b.apiKey)
}

/**
 * ApiVersions (18). No feature is advertised: without `transaction.version` clients keep to the transactions of
 * Kafka 3, which is what this broker serves.
 */
export function handleApiVersions(
  services: Services,
  request: RequestOf<typeof apiVersions>,
  context: RequestContext,
): ResponseInput<typeof apiVersions> {
  const { clientSoftwareName, clientSoftwareVersion } = request
  if (context.version >= 3 && !(softwareName.test(clientSoftwareName) && softwareName.test(clientSoftwareVersion))) {
    return { errorCode: kafkaError.INVALID_REQUEST, apiKeys: [] }
  }
  return { errorCode: kafkaError.NONE, apiKeys: advertisedRanges(services) }
}
