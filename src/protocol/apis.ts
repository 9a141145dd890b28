import type { Api } from './api.ts'
import { apiVersions } from './messages/api-versions.ts'
import { describeCluster } from './messages/cluster.ts'
import { alterConfigs, describeConfigs, incrementalAlterConfigs } from './messages/configs.ts'
import { fetch } from './messages/fetch.ts'
import { findCoordinator } from './messages/find-coordinator.ts'
import {
  deleteGroups,
  describeGroups,
  heartbeat,
  joinGroup,
  leaveGroup,
  listGroups,
  syncGroup,
} from './messages/group.ts'
import { listOffsets } from './messages/list-offsets.ts'
import { metadata } from './messages/metadata.ts'
import { offsetCommit, offsetDelete, offsetFetch, offsetForLeaderEpoch } from './messages/offsets.ts'
import { produce } from './messages/produce.ts'
import { createPartitions, createTopics, deleteRecords, deleteTopics } from './messages/topics.ts'
import {
  addOffsetsToTxn,
  addPartitionsToTxn,
  describeProducers,
  describeTransactions,
  endTxn,
  initProducerId,
  listTransactions,
  txnOffsetCommit,
} from './messages/transaction.ts'

/** Every API that is described here, in the order of their keys. */
export const apis: readonly Api[] = [
  produce,
  fetch,
  listOffsets,
  metadata,
  offsetCommit,
  offsetFetch,
  findCoordinator,
  joinGroup,
  heartbeat,
  leaveGroup,
  syncGroup,
  describeGroups,
  listGroups,
  apiVersions,
  createTopics,
  deleteTopics,
  deleteRecords,
  initProducerId,
  offsetForLeaderEpoch,
  addPartitionsToTxn,
  addOffsetsToTxn,
  endTxn,
  txnOffsetCommit,
  describeConfigs,
  alterConfigs,
  createPartitions,
  deleteGroups,
  incrementalAlterConfigs,
  offsetDelete,
  describeCluster,
  describeProducers,
  describeTransactions,
  listTransactions,
]

const byKey = new Map(apis.map((one) => [one.key, one]))

/** @returns the description of an API key, or undefined when we know none */
export function apiOf(key: number): Api | undefined {
  return byKey.get(key)
}
