import type { RequestOf, ResponseInput } from '../../protocol/api.ts'
import { kafkaError } from '../../protocol/kafka-errors.ts'
import type { offsetCommit, offsetFetch } from '../../protocol/messages/offsets.ts'
import type { txnOffsetCommit } from '../../protocol/messages/transaction.ts'
import type { MemberClaim } from '../groups/group-coordinator.ts'
import type { OffsetEntry } from '../groups/group-offsets.ts'
import type { RequestContext, Services } from '../services.ts'
import { inVerification } from '../transactions/producer-claim.ts'

/** Bytes of metadata that a commit may carry: Kafka's `offset.metadata.max.bytes`. */
const metadataBytesMax = 4096

/** The first version of TxnOffsetCommit that enters the group, and the first that may be told TRANSACTION_ABORTABLE. */
const enteringSince = 5
const abortableSince = 4

type CommitTopics = RequestOf<typeof offsetCommit>['topics']
type CommitAnswer = ResponseInput<typeof offsetCommit>['topics']

/** OffsetCommit (8): outside any transaction. */
export async function handleOffsetCommit(
  services: Services,
  request: RequestOf<typeof offsetCommit>,
  context: RequestContext,
): Promise<ResponseInput<typeof offsetCommit>> {
  const problem = checkCommit(services, request, context.version)
  if (problem !== kafkaError.NONE) return { topics: answerAll(request.topics, problem) }
  const { topics, entries } = judge(services, request.topics)
  await services.offsets.commit(request.groupId, entries)
  return { topics }
}

function checkCommit(services: Services, claim: MemberClaim, version: number): number {
  const { groupId, memberId, groupInstanceId, generationId } = claim
  if (groupId === '') return kafkaError.INVALID_GROUP_ID
  const group = services.groups.groups.get(groupId)
  if (!group) {
    if (generationId >= 0) return version >= 9 ? kafkaError.GROUP_ID_NOT_FOUND : kafkaError.ILLEGAL_GENERATION
    services.groups.getOrCreate(groupId)
    return kafkaError.NONE
  }
  // Whoever manages its partitions itself commits to a group without members.
  if (generationId < 0 && group.state === 'Empty') return kafkaError.NONE
  if (generationId < 0 && memberId === '' && groupInstanceId === null) {
    return group.state === 'Empty' ? kafkaError.NONE : kafkaError.UNKNOWN_MEMBER_ID
  }
  const problem = services.groups.checkClaim(group, claim)
  if (problem !== kafkaError.NONE) return problem
  if (group.state === 'CompletingRebalance') return kafkaError.REBALANCE_IN_PROGRESS
  const member = group.members.get(memberId)
  if (member) services.groups.heard(group, member)
  return kafkaError.NONE
}

/**
 * TxnOffsetCommit (28): offsets that take effect with the producer's transaction. From version 3 on the member and its
 * generation are checked, never who owns the partitions (KIP-447). Version 5 enters the group into the transaction first.
 */
export async function handleTxnOffsetCommit(
  services: Services,
  request: RequestOf<typeof txnOffsetCommit>,
  context: RequestContext,
): Promise<ResponseInput<typeof txnOffsetCommit>> {
  const { groupId, transactionalId, producerId, producerEpoch } = request
  const { transactions, offsets } = services
  const { topics, entries } = judge(services, request.topics)
  // Of what is not there nothing is asked, nor does it open a transaction.
  if (entries.length === 0) return { topics }
  const refused = (errorCode: number) => ({ topics: answerAll(request.topics, errorCode) })
  if (groupId === '') return refused(kafkaError.INVALID_GROUP_ID)
  const claim = { transactionalId, producerId, epoch: producerEpoch }
  if (context.version >= enteringSince) {
    const entered = await transactions.add(claim, [], [groupId])
    if (entered !== kafkaError.NONE) return refused(inVerification(entered, true))
  }
  // From here on nothing is awaited before the offsets are held: the transaction may be over a moment later.
  const verified = inVerification(transactions.verifyGroup(claim, groupId), context.version >= abortableSince)
  const problem = verified || checkTransactionalCommit(services, request)
  if (problem !== kafkaError.NONE) return refused(problem)
  await offsets.hold(producerId, groupId, entries)
  return { topics }
}

function checkTransactionalCommit(services: Services, claim: MemberClaim): number {
  const { groupId, memberId, groupInstanceId, generationId } = claim
  const group = services.groups.groups.get(groupId)
  if (!group) return generationId < 0 ? kafkaError.NONE : kafkaError.ILLEGAL_GENERATION
  if (generationId < 0 && group.state === 'Empty') return kafkaError.NONE
  // Old versions, and producers that are told of no group, name nobody: nothing can be checked.
  if (generationId < 0 && memberId === '' && groupInstanceId === null) return kafkaError.NONE
  return services.groups.checkClaim(group, claim)
}

function judge(
  services: Services,
  topics: CommitTopics,
): { readonly topics: CommitAnswer; readonly entries: OffsetEntry[] } {
  const entries: OffsetEntry[] = []
  const answers = topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ index, committedOffset, committedLeaderEpoch, committedMetadata }) => {
      if (!services.topics.log(name, index)) return { index, errorCode: kafkaError.UNKNOWN_TOPIC_OR_PARTITION }
      if (Buffer.byteLength(committedMetadata ?? '') > metadataBytesMax) {
        return { index, errorCode: kafkaError.OFFSET_METADATA_TOO_LARGE }
      }
      entries.push({
        topic: name,
        partition: index,
        offset: committedOffset,
        leaderEpoch: committedLeaderEpoch,
        metadata: committedMetadata,
      })
      return { index, errorCode: kafkaError.NONE }
    }),
  }))
  return { topics: answers, entries }
}

function answerAll(topics: CommitTopics, errorCode: number): CommitAnswer {
  return topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ index }) => ({ index, errorCode })),
  }))
}

type WantedTopics = readonly { readonly name: string; readonly partitionIndexes: readonly number[] }[] | null
type FetchedTopics = ResponseInput<typeof offsetFetch>['topics'] & {}

/** OffsetFetch (9): -1 where nothing was committed; 88 for a partition with an offset in an open transaction, if asked. */
export function handleOffsetFetch(
  services: Services,
  request: RequestOf<typeof offsetFetch>,
  context: RequestContext,
): ResponseInput<typeof offsetFetch> {
  if (context.version < 8) {
    return { topics: fetchOf(services, request.groupId, request.topics, request.requireStable), errorCode: 0 }
  }
  return {
    groups: request.groups.map(({ groupId, topics }) => ({
      groupId,
      topics: fetchOf(services, groupId, topics, request.requireStable),
      errorCode: kafkaError.NONE,
    })),
  }
}

function fetchOf(services: Services, groupId: string, wanted: WantedTopics, requireStable: boolean): FetchedTopics {
  return (wanted ?? committedPartitions(services, groupId)).map(({ name, partitionIndexes }) => ({
    name,
    partitions: partitionIndexes.map((index) => {
      if (requireStable && services.offsets.isPending(groupId, name, index)) {
        return { index, committedOffset: -1, metadata: '', errorCode: kafkaError.UNSTABLE_OFFSET_COMMIT }
      }
      const found = services.offsets.get(groupId, name, index)
      return {
        index,
        committedOffset: found?.offset ?? -1,
        committedLeaderEpoch: found?.leaderEpoch ?? -1,
        metadata: found?.metadata ?? '',
        errorCode: kafkaError.NONE,
      }
    }),
  }))
}

function committedPartitions(services: Services, groupId: string): NonNullable<WantedTopics> {
  const byTopic = new Map<string, number[]>()
  for (const { topic, partition } of services.offsets.all(groupId)) {
    const known = byTopic.get(topic)
    if (known) known.push(partition)
    else byTopic.set(topic, [partition])
  }
  return [...byTopic].map(([name, partitionIndexes]) => ({ name, partitionIndexes }))
}
