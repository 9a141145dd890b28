import type { RequestOf, ResponseInput } from '../../protocol/api.ts'
import { kafkaError } from '../../protocol/kafka-errors.ts'
import { type apiVersions, transactionFeature } from '../../protocol/messages/api-versions.ts'
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
 * ApiVersions (18). The feature `transaction.version` tells clients which transactions they may use (KIP-890). It is only
 * told: the version of each request decides what is done, as with Kafka, so clients of either may come.
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
  const level = services.options.transactionVersion
  return {
    errorCode: kafkaError.NONE,
    apiKeys: advertisedRanges(services),
    // A range that begins at 0 is left out below version 4, since clients of that time stumble over it (KAFKA-17011).
    supportedFeatures: context.version < 4 ? [] : [{ name: transactionFeature, minVersion: 0, maxVersion: 2 }],
    finalizedFeaturesEpoch: 0,
    finalizedFeatures: [{ name: transactionFeature, minVersionLevel: level, maxVersionLevel: level }],
  }
}
