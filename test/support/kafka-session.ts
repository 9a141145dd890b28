import { kafkaError } from '../../src/protocol/kafka-errors.ts'
import { describeConfigs, incrementalAlterConfigs, topicResource } from '../../src/protocol/messages/configs.ts'
import { fetch } from '../../src/protocol/messages/fetch.ts'
import { findCoordinator } from '../../src/protocol/messages/find-coordinator.ts'
import { joinGroup, syncGroup } from '../../src/protocol/messages/group.ts'
import { listOffsets } from '../../src/protocol/messages/list-offsets.ts'
import { offsetCommit, offsetFetch } from '../../src/protocol/messages/offsets.ts'
import { produce } from '../../src/protocol/messages/produce.ts'
import { createTopics } from '../../src/protocol/messages/topics.ts'
import {
  addOffsetsToTxn,
  addPartitionsToTxn,
  describeTransactions,
  endTxn,
  initProducerId,
  txnOffsetCommit,
} from '../../src/protocol/messages/transaction.ts'
import type { ProducerIdentity } from '../../src/protocol/record-batch-writer.ts'
import { type BatchBy, textBatch } from './broker-harness.ts'
import { type RawClient, type RawRequest, rawClientAt } from './raw-client.ts'

/** Errors that a cluster gives while it is still getting ready, or busy with the last transaction: asked again. */
const passing: readonly number[] = [
  kafkaError.COORDINATOR_LOAD_IN_PROGRESS,
  kafkaError.COORDINATOR_NOT_AVAILABLE,
  kafkaError.NOT_COORDINATOR,
  kafkaError.CONCURRENT_TRANSACTIONS,
]

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Asks again, up to 15 s, until `done` holds. @returns the last answer */
export async function until<T>(ask: () => Promise<T>, done: (answer: T) => boolean): Promise<T> {
  const deadline = Date.now() + 15_000
  for (;;) {
    const answer = await ask()
    if (done(answer) || Date.now() > deadline) return answer
    await pause(20)
  }
}

/** A member of a group as a test speaks for it. */
export interface MemberIn {
  readonly memberId: string
  readonly generationId: number
  readonly groupInstanceId?: string | null
}

/** What tests ask of a broker, in one line each. Every method is one request, asked again only where it says so. */
export class KafkaSession {
  readonly client: RawClient
  readonly request: RawRequest

  constructor(client: RawClient) {
    this.client = client
    this.request = client.request
  }

  /** Creates a topic and waits until it can be written. */
  async createTopic(name: string, partitions = 1, configs: Readonly<Record<string, string>> = {}): Promise<void> {
    const answer = await this.request(createTopics, 5, {
      topics: [
        {
          name,
          numPartitions: partitions,
          replicationFactor: 1,
          configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
        },
      ],
      timeoutMs: 10_000,
    })
    const created = answer.topics[0]
    if (created?.errorCode !== 0)
      throw new Error(`CreateTopics ${name}: ${created?.errorCode} ${created?.errorMessage}`)
    for (let index = 0; index < partitions; index++) {
      await until(
        () => this.listOffset(name, index, -1),
        (one) => one?.errorCode === 0,
      )
    }
  }

  /** Changes settings of a topic, and waits until the broker says them itself. */
  async alterTopic(name: string, configs: Readonly<Record<string, string>>): Promise<void> {
    const answer = await this.request(incrementalAlterConfigs, 1, {
      resources: [
        {
          resourceType: topicResource,
          resourceName: name,
          configs: Object.entries(configs).map(([key, value]) => ({ name: key, configOperation: 0, value })),
        },
      ],
      validateOnly: false,
    })
    const errorCode = answer.responses[0]?.errorCode
    if (errorCode !== 0) throw new Error(`IncrementalAlterConfigs ${name}: ${errorCode}`)
    const resource = { resourceType: topicResource, resourceName: name, configurationKeys: Object.keys(configs) }
    await until(
      () => this.request(describeConfigs, 4, { resources: [resource] }),
      ({ results }) => results[0]?.configs.every((one) => one.value === configs[one.name]) === true,
    )
  }

  async produce(topic: string, records: Buffer | null, index = 0, transactionalId: string | null = null, version = 9) {
    const answer = await this.request(produce, version, {
      transactionalId,
      acks: -1,
      timeoutMs: 10_000,
      topics: [{ name: topic, partitions: [{ index, records }] }],
    })
    const partition = answer.topics[0]?.partitions[0]
    if (!partition) throw new Error('Produce answered no partition')
    return partition
  }

  send(topic: string, values: readonly string[], by: BatchBy = {}, index = 0) {
    return this.produce(topic, textBatch(values, by), index)
  }

  sendIn(transactionalId: string, topic: string, values: readonly string[], by: BatchBy, index = 0, version = 9) {
    return this.produce(topic, textBatch(values, { ...by, transactional: true }), index, transactionalId, version)
  }

  /** Produce 12, which enters the partition, asked again while the last transaction is being completed. */
  sendEntering(transactionalId: string, topic: string, values: readonly string[], by: BatchBy, index = 0) {
    return until(
      () => this.sendIn(transactionalId, topic, values, by, index, 12),
      ({ errorCode }) => !passing.includes(errorCode),
    )
  }

  async fetch(
    topic: string,
    fetchOffset: number,
    given: {
      readonly index?: number
      readonly maxWaitMs?: number
      readonly minBytes?: number
      readonly maxBytes?: number
      readonly partitionBytes?: number
      readonly committed?: boolean
      readonly currentLeaderEpoch?: number
    } = {},
  ) {
    const { index = 0, maxWaitMs = 0, minBytes = 1, maxBytes = 1 << 20, committed = false } = given
    const answer = await this.request(fetch, 12, {
      maxWaitMs,
      minBytes,
      maxBytes,
      isolationLevel: committed ? 1 : 0,
      topics: [
        {
          name: topic,
          partitions: [
            {
              index,
              fetchOffset,
              maxBytes: given.partitionBytes ?? maxBytes,
              currentLeaderEpoch: given.currentLeaderEpoch ?? -1,
            },
          ],
        },
      ],
    })
    const partition = answer.topics[0]?.partitions[0]
    if (!partition) throw new Error(`Fetch answered no partition, error ${answer.errorCode}`)
    return partition
  }

  async listOffset(topic: string, index: number, timestamp: number, isolationLevel = 0, version = 7) {
    const answer = await this.request(listOffsets, version, {
      isolationLevel,
      topics: [{ name: topic, partitions: [{ index, timestamp }] }],
    })
    return answer.topics[0]?.partitions[0]
  }

  /** The version decides which error numbers are possible. */
  initOnce(
    transactionalId: string | null,
    timeoutMs = 60_000,
    expected: ProducerIdentity = { producerId: -1, producerEpoch: -1 },
    version = 4,
  ) {
    return this.request(initProducerId, version, { transactionalId, transactionTimeoutMs: timeoutMs, ...expected })
  }

  /** InitProducerId, asked again while the coordinator is busy. */
  async init(transactionalId: string | null, timeoutMs = 60_000): Promise<ProducerIdentity> {
    if (transactionalId !== null) await this.findCoordinator(transactionalId, 1)
    const answer = await until(
      () => this.initOnce(transactionalId, timeoutMs),
      ({ errorCode }) => !passing.includes(errorCode),
    )
    if (answer.errorCode !== 0) throw new Error(`InitProducerId: ${answer.errorCode}`)
    return { producerId: answer.producerId, producerEpoch: answer.producerEpoch }
  }

  findCoordinator(key: string, keyType: number) {
    return until(
      () => this.request(findCoordinator, 2, { key, keyType }),
      ({ errorCode }) => !passing.includes(errorCode),
    )
  }

  async addPartitionsOnce(transactionalId: string, by: ProducerIdentity, topic: string, partitions = [0], version = 3) {
    const answer = await this.request(addPartitionsToTxn, version, {
      transactionalId,
      ...by,
      topics: [{ name: topic, partitions }],
    })
    return answer.topics[0]?.partitions.map(({ errorCode }) => errorCode) ?? []
  }

  /** AddPartitionsToTxn, asked again while the last transaction is being completed. */
  addPartitions(transactionalId: string, by: ProducerIdentity, topic: string, partitions = [0], version = 3) {
    return until(
      () => this.addPartitionsOnce(transactionalId, by, topic, partitions, version),
      (codes) => !codes.some((code) => passing.includes(code)),
    )
  }

  /** AddOffsetsToTxn, asked again while the last transaction is being completed. */
  async addOffsets(transactionalId: string, by: ProducerIdentity, groupId: string, version = 3) {
    const { errorCode } = await until(
      () => this.request(addOffsetsToTxn, version, { transactionalId, ...by, groupId }),
      (answer) => !passing.includes(answer.errorCode),
    )
    return errorCode
  }

  async endOnce(transactionalId: string, by: ProducerIdentity, committed: boolean, version = 3) {
    return (await this.request(endTxn, version, { transactionalId, ...by, committed })).errorCode
  }

  /** EndTxn, and a wait until its markers are written. */
  async end(transactionalId: string, by: ProducerIdentity, committed: boolean): Promise<number> {
    const errorCode = await this.endOnce(transactionalId, by, committed)
    await this.settled(transactionalId)
    return errorCode
  }

  /** EndTxn 5: the producer that goes on, asked again while the last transaction is being completed. */
  async endRaising(transactionalId: string, by: ProducerIdentity, committed: boolean) {
    const { errorCode, producerId, producerEpoch } = await until(
      () => this.request(endTxn, 5, { transactionalId, ...by, committed }),
      (answer) => !passing.includes(answer.errorCode),
    )
    await this.settled(transactionalId)
    return { errorCode, producer: { producerId, producerEpoch } }
  }

  /** Waits until no outcome is being written. @returns the state's name */
  async settled(transactionalId: string): Promise<string> {
    const states = await until(
      () => this.request(describeTransactions, 0, { transactionalIds: [transactionalId] }),
      ({ transactionStates }) => !transactionStates[0]?.transactionState.startsWith('Prepare'),
    )
    return states.transactionStates[0]?.transactionState ?? ''
  }

  async commitInTxn(
    transactionalId: string,
    by: ProducerIdentity,
    groupId: string,
    offsets: Readonly<Record<string, readonly number[]>>,
    member: MemberIn = { memberId: '', generationId: -1 },
    version = 3,
  ) {
    const request = { transactionalId, groupId, ...by, ...member, topics: topicsOf(offsets) }
    // Only a cluster that is getting ready is asked again.
    const answer = await until(
      () => this.request(txnOffsetCommit, version, request),
      ({ topics }) => !topics.some(({ partitions }) => partitions.some(({ errorCode }) => passing.includes(errorCode))),
    )
    return answer.topics.flatMap(({ partitions }) => partitions.map(({ errorCode }) => errorCode))
  }

  async commit(
    groupId: string,
    offsets: Readonly<Record<string, readonly number[]>>,
    member: MemberIn = { memberId: '', generationId: -1 },
    version = 8,
  ) {
    const answer = await this.request(offsetCommit, version, { groupId, ...member, topics: topicsOf(offsets) })
    return answer.topics.flatMap(({ partitions }) => partitions.map(({ errorCode }) => errorCode))
  }

  /** Committed offsets of a topic's partitions as [offset, error]. */
  async committed(groupId: string, topic: string, partitions = [0], requireStable = false) {
    const answer = await this.request(offsetFetch, 7, {
      groupId,
      topics: [{ name: topic, partitionIndexes: partitions }],
      requireStable,
    })
    return (answer.topics[0]?.partitions ?? []).map(({ committedOffset, errorCode }) => [committedOffset, errorCode])
  }

  /** One JoinGroup; `metadata` is the member's word to the leader, under the protocol `range`. */
  join(
    groupId: string,
    given: {
      readonly memberId?: string
      readonly groupInstanceId?: string | null
      readonly metadata?: Uint8Array
      readonly protocols?: readonly string[]
      readonly protocolType?: string
      readonly sessionTimeoutMs?: number
      readonly rebalanceTimeoutMs?: number
      readonly version?: number
    } = {},
  ) {
    const metadata = given.metadata ?? subscription('')
    return this.request(joinGroup, given.version ?? 9, {
      groupId,
      sessionTimeoutMs: given.sessionTimeoutMs ?? 10_000,
      rebalanceTimeoutMs: given.rebalanceTimeoutMs ?? 10_000,
      memberId: given.memberId ?? '',
      groupInstanceId: given.groupInstanceId ?? null,
      protocolType: given.protocolType ?? 'consumer',
      protocols: (given.protocols ?? ['range']).map((name) => ({ name, metadata })),
    })
  }

  sync(
    groupId: string,
    member: MemberIn,
    assignments: Readonly<Record<string, string>> = {},
    protocol: { readonly protocolType?: string; readonly protocolName?: string } = {},
  ) {
    return this.request(syncGroup, 5, {
      groupId,
      ...member,
      protocolType: protocol.protocolType ?? 'consumer',
      protocolName: protocol.protocolName ?? 'range',
      assignments: Object.entries(assignments).map(([memberId, text]) => ({ memberId, assignment: Buffer.from(text) })),
    })
  }

  /** The only member of a new group, its assignment done. A dynamic one without `groupInstanceId`. */
  async joinAlone(groupId: string, groupInstanceId: string | null = null, metadata = subscription('')) {
    await this.findCoordinator(groupId, 0)
    let joined = await until(
      () => this.join(groupId, { groupInstanceId, metadata }),
      ({ errorCode }) => !passing.includes(errorCode),
    )
    if (joined.errorCode === kafkaError.MEMBER_ID_REQUIRED) {
      joined = await this.join(groupId, { memberId: joined.memberId, metadata })
    }
    const member = { memberId: joined.memberId, generationId: joined.generationId, groupInstanceId }
    await this.sync(groupId, member, { [joined.memberId]: 'all of it' })
    return member
  }
}

/** Bytes of a consumer's subscription to no topic, with `userData`: a group must not be told anything else. */
export function subscription(userData: string): Buffer {
  const data = Buffer.from(userData)
  const bytes = Buffer.alloc(10 + data.length)
  bytes.writeInt32BE(data.length, 6)
  data.copy(bytes, 10)
  return bytes
}

/** Offsets by topic, in the order of the partitions; NaN leaves a partition out. */
function topicsOf(offsets: Readonly<Record<string, readonly number[]>>) {
  return Object.entries(offsets).map(([name, list]) => ({
    name,
    partitions: list
      .map((committedOffset, index) => ({ index, committedOffset, committedMetadata: null }))
      .filter(({ committedOffset }) => !Number.isNaN(committedOffset)),
  }))
}

/** Lets a session at brokers, `host:port`, on a connection of its own. */
export async function withSession<T>(brokers: string, use: (session: KafkaSession) => Promise<T>): Promise<T> {
  const [host, port] = brokers.split(':') as [string, string]
  const client = await rawClientAt(host, Number(port))
  try {
    return await use(new KafkaSession(client))
  } finally {
    client.close()
  }
}
