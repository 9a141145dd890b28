import { api } from '../api.ts'
import { array, int16, int32, int64, string } from '../codec.ts'
import { since, struct, tagged } from '../struct.ts'

/** The feature whose finalized level is the version of transactions of a cluster (KIP-890). */
export const transactionFeature = 'transaction.version'

/**
 * The versions a broker serves (key 18). Answered before authentication; its response header is version 0 always,
 * so that a client can read the answer whatever version it asked with. From version 3 on with the features of the cluster:
 * the finalized ones are agreed on by all brokers, and hold where their epoch is not -1. Version 4 has the form of 3; only
 * there may a supported feature begin at 0 (KAFKA-17011).
 */
export const apiVersions = api({
  key: 18,
  name: 'ApiVersions',
  versions: [0, 4],
  flexibleSince: 3,
  request: struct({ clientSoftwareName: since(3, string), clientSoftwareVersion: since(3, string) }),
  response: struct({
    errorCode: int16,
    apiKeys: array(struct({ apiKey: int16, minVersion: int16, maxVersion: int16 })),
    throttleTimeMs: since(1, int32),
    supportedFeatures: tagged(0, 3, array(struct({ name: string, minVersion: int16, maxVersion: int16 }))),
    finalizedFeaturesEpoch: tagged(1, 3, int64, -1),
    finalizedFeatures: tagged(2, 3, array(struct({ name: string, maxVersionLevel: int16, minVersionLevel: int16 }))),
  }),
})
