import { apiVersions } from '../../protocol/messages/api-versions.ts'
import { describeCluster } from '../../protocol/messages/cluster.ts'
import { alterConfigs, describeConfigs, incrementalAlterConfigs } from '../../protocol/messages/configs.ts'
import { fetch } from '../../protocol/messages/fetch.ts'
import { findCoordinator } from '../../protocol/messages/find-coordinator.ts'
import {
  deleteGroups,
  describeGroups,
  heartbeat,
  joinGroup,
  leaveGroup,
  listGroups,
  syncGroup,
} from '../../protocol/messages/group.ts'
import { listOffsets } from '../../protocol/messages/list-offsets.ts'
import { metadata } from '../../protocol/messages/metadata.ts'
import { offsetCommit, offsetDelete, offsetFetch, offsetForLeaderEpoch } from '../../protocol/messages/offsets.ts'
import { produce } from '../../protocol/messages/produce.ts'
import { createPartitions, createTopics, deleteRecords, deleteTopics } from '../../protocol/messages/topics.ts'
import {
  addOffsetsToTxn,
  addPartitionsToTxn,
  describeProducers,
  describeTransactions,
  endTxn,
  initProducerId,
  listTransactions,
  txnOffsetCommit,
} from '../../protocol/messages/transaction.ts'
import { handleApiVersions } from '../handlers/api-versions.ts'
import { handleAlterConfigs, handleDescribeConfigs, handleIncrementalAlterConfigs } from '../handlers/configs.ts'
import { fetchSizeHint, handleFetch } from '../handlers/fetch.ts'
import { handleFindCoordinator } from '../handlers/find-coordinator.ts'
import {
  handleDeleteGroups,
  handleDescribeGroups,
  handleListGroups,
  handleOffsetDelete,
} from '../handlers/group-admin.ts'
import { handleHeartbeat, handleJoinGroup, handleLeaveGroup, handleSyncGroup } from '../handlers/group-membership.ts'
import { handleOffsetCommit, handleOffsetFetch, handleTxnOffsetCommit } from '../handlers/group-offsets.ts'
import { handleOffsetForLeaderEpoch } from '../handlers/leader-epoch.ts'
import { handleListOffsets } from '../handlers/list-offsets.ts'
import { handleDescribeCluster, handleMetadata } from '../handlers/metadata.ts'
import { handleProduce } from '../handlers/produce.ts'
import {
  handleCreatePartitions,
  handleCreateTopics,
  handleDeleteRecords,
  handleDeleteTopics,
} from '../handlers/topics.ts'
import {
  handleDescribeProducers,
  handleDescribeTransactions,
  handleListTransactions,
} from '../handlers/transaction-admin.ts'
import {
  handleAddOffsetsToTxn,
  handleAddPartitionsToTxn,
  handleEndTxn,
  handleInitProducerId,
} from '../handlers/transactions.ts'
import { type ServedApi, serve } from './served-api.ts'

/** Every API that the broker serves, with the versions that clients may use. */
export const servedApis: readonly ServedApi[] = [
  // Advertised from 0, since older librdkafka turns compression off otherwise (KAFKA-18659).
  serve(produce, [3, 12], handleProduce, { advertisedMinVersion: 0 }),
  // Version 13 addresses topics by id.
  serve(fetch, [4, 12], handleFetch, { sizeHint: fetchSizeHint }),
  serve(listOffsets, [1, 8], handleListOffsets),
  serve(metadata, [0, 12], handleMetadata),
  serve(offsetCommit, [2, 9], handleOffsetCommit),
  serve(offsetFetch, [1, 9], handleOffsetFetch),
  serve(findCoordinator, [0, 4], handleFindCoordinator),
  serve(joinGroup, [0, 9], handleJoinGroup),
  serve(heartbeat, [0, 4], handleHeartbeat),
  serve(leaveGroup, [0, 5], handleLeaveGroup),
  serve(syncGroup, [0, 5], handleSyncGroup),
  serve(describeGroups, [0, 5], handleDescribeGroups),
  serve(listGroups, [0, 4], handleListGroups),
  serve(apiVersions, [0, 4], handleApiVersions),
  serve(createTopics, [2, 7], handleCreateTopics),
  serve(deleteTopics, [1, 6], handleDeleteTopics),
  serve(deleteRecords, [0, 2], handleDeleteRecords),
  serve(initProducerId, [0, 4], handleInitProducerId),
  serve(offsetForLeaderEpoch, [2, 4], handleOffsetForLeaderEpoch),
  serve(addPartitionsToTxn, [0, 3], handleAddPartitionsToTxn),
  serve(addOffsetsToTxn, [0, 4], handleAddOffsetsToTxn),
  serve(endTxn, [0, 5], handleEndTxn),
  serve(txnOffsetCommit, [0, 5], handleTxnOffsetCommit),
  serve(describeConfigs, [1, 4], handleDescribeConfigs),
  serve(alterConfigs, [0, 2], handleAlterConfigs),
  serve(createPartitions, [0, 3], handleCreatePartitions),
  serve(deleteGroups, [0, 2], handleDeleteGroups),
  serve(incrementalAlterConfigs, [0, 1], handleIncrementalAlterConfigs),
  serve(offsetDelete, [0, 0], handleOffsetDelete),
  serve(describeCluster, [0, 1], handleDescribeCluster),
  serve(describeProducers, [0, 0], handleDescribeProducers),
  serve(describeTransactions, [0, 0], handleDescribeTransactions),
  serve(listTransactions, [0, 1], handleListTransactions),
]
