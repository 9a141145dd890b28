import { apiVersions } from '../protocol/messages/api-versions.ts'
import { describeCluster } from '../protocol/messages/cluster.ts'
import { alterConfigs, describeConfigs, incrementalAlterConfigs } from '../protocol/messages/configs.ts'
import { fetch } from '../protocol/messages/fetch.ts'
import { findCoordinator } from '../protocol/messages/find-coordinator.ts'
import { listOffsets } from '../protocol/messages/list-offsets.ts'
import { metadata } from '../protocol/messages/metadata.ts'
import { offsetForLeaderEpoch } from '../protocol/messages/offsets.ts'
import { produce } from '../protocol/messages/produce.ts'
import { createPartitions, createTopics, deleteRecords, deleteTopics } from '../protocol/messages/topics.ts'
import { initProducerId } from '../protocol/messages/transaction.ts'
import { handleApiVersions } from './handlers/api-versions.ts'
import { handleAlterConfigs, handleDescribeConfigs, handleIncrementalAlterConfigs } from './handlers/configs.ts'
import { fetchSizeHint, handleFetch } from './handlers/fetch.ts'
import { handleFindCoordinator } from './handlers/find-coordinator.ts'
import { handleInitProducerId } from './handlers/init-producer-id.ts'
import { handleOffsetForLeaderEpoch } from './handlers/leader-epoch.ts'
import { handleListOffsets } from './handlers/list-offsets.ts'
import { handleDescribeCluster, handleMetadata } from './handlers/metadata.ts'
import { handleProduce } from './handlers/produce.ts'
import {
  handleCreatePartitions,
  handleCreateTopics,
  handleDeleteRecords,
  handleDeleteTopics,
} from './handlers/topics.ts'
import { type ServedApi, serve } from './served-api.ts'

/** Every API that the broker serves, with the versions that clients may use. */
export const servedApis: readonly ServedApi[] = [
  // Advertised from 0, since older librdkafka turns compression off otherwise (KAFKA-18659).
  serve(produce, [3, 11], handleProduce, { advertisedMinVersion: 0 }),
  // Version 13 addresses topics by id.
  serve(fetch, [4, 12], handleFetch, { sizeHint: fetchSizeHint }),
  serve(listOffsets, [1, 8], handleListOffsets),
  serve(metadata, [0, 12], handleMetadata),
  serve(findCoordinator, [0, 4], handleFindCoordinator),
  serve(apiVersions, [0, 3], handleApiVersions),
  serve(createTopics, [2, 7], handleCreateTopics),
  serve(deleteTopics, [1, 6], handleDeleteTopics),
  serve(deleteRecords, [0, 2], handleDeleteRecords),
  serve(initProducerId, [0, 4], handleInitProducerId),
  serve(offsetForLeaderEpoch, [2, 4], handleOffsetForLeaderEpoch),
  serve(describeConfigs, [1, 4], handleDescribeConfigs),
  serve(alterConfigs, [0, 2], handleAlterConfigs),
  serve(createPartitions, [0, 3], handleCreatePartitions),
  serve(incrementalAlterConfigs, [0, 1], handleIncrementalAlterConfigs),
  serve(describeCluster, [0, 1], handleDescribeCluster),
]
