import { StreamError } from '../core/errors.ts'
import type { TopicPartition } from '../core/topic-partition.ts'
import { array, int16, int32, nullableBytes, nullableString, string } from './codec.ts'
import { since, struct } from './struct.ts'
import { WireReader } from './wire-reader.ts'
import { WireWriter } from './wire-writer.ts'

/** `protocolType` of consumer groups. */
export const consumerProtocolType = 'consumer'

const topicPartitions = array(struct({ topic: string, partitions: array(int32) }))

const subscriptionCodec = struct({
  topics: array(string),
  userData: nullableBytes,
  ownedPartitions: since(1, topicPartitions),
  generationId: since(2, int32, -1),
  rackId: since(3, nullableString),
})

const assignmentCodec = struct({ assignedPartitions: topicPartitions, userData: nullableBytes })

/** What a member tells the leader. */
export interface Subscription {
  readonly topics: readonly string[]
  readonly userData: Uint8Array | null
  readonly ownedPartitions: readonly TopicPartition[]
}

/** What the leader tells a member. */
export interface Assignment {
  readonly assignedPartitions: readonly TopicPartition[]
  readonly userData: Uint8Array | null
}

const versionMax = 3

/** Version 1 of `ConsumerProtocolSubscription`, which every consumer and every broker tool reads. */
export function encodeSubscription(subscription: Subscription): Buffer {
  return withVersion(1, (writer) =>
    subscriptionCodec.compile(1, false).write(writer, {
      topics: subscription.topics,
      userData: subscription.userData,
      ownedPartitions: grouped(subscription.ownedPartitions),
    }),
  )
}

/** @throws {StreamError} `WIRE_MALFORMED` */
export function decodeSubscription(bytes: Buffer): Subscription {
  const { reader, version } = readVersion(bytes)
  const read = subscriptionCodec.compile(version, false).read(reader)
  return { topics: read.topics, userData: read.userData, ownedPartitions: flat(read.ownedPartitions) }
}

/** Version 1 of `ConsumerProtocolAssignment`. */
export function encodeAssignment(assignment: Assignment): Buffer {
  return withVersion(1, (writer) =>
    assignmentCodec.compile(1, false).write(writer, {
      assignedPartitions: grouped(assignment.assignedPartitions),
      userData: assignment.userData,
    }),
  )
}

/** Reads an assignment; no bytes at all are an empty one. @throws {StreamError} `WIRE_MALFORMED` */
export function decodeAssignment(bytes: Buffer): Assignment {
  if (bytes.length === 0) return { assignedPartitions: [], userData: null }
  const { reader, version } = readVersion(bytes)
  const read = assignmentCodec.compile(version, false).read(reader)
  return { assignedPartitions: flat(read.assignedPartitions), userData: read.userData }
}

function withVersion(version: number, write: (writer: WireWriter) => void): Buffer {
  const writer = new WireWriter()
  int16.compile(version, false).write(writer, version)
  write(writer)
  return writer.finish()
}

function readVersion(bytes: Buffer): { reader: WireReader; version: number } {
  const reader = new WireReader(bytes)
  const version = reader.int16()
  if (version < 0) throw new StreamError('WIRE_MALFORMED', `malformed consumer protocol: version ${version}`)
  return { reader, version: Math.min(version, versionMax) }
}

function grouped(partitions: readonly TopicPartition[]): { topic: string; partitions: number[] }[] {
  const byTopic = new Map<string, number[]>()
  for (const { topic, partition } of partitions) {
    const known = byTopic.get(topic)
    if (known) known.push(partition)
    else byTopic.set(topic, [partition])
  }
  return [...byTopic].map(([topic, all]) => ({ topic, partitions: all }))
}

const flat = (topics: readonly { topic: string; partitions: number[] }[]): TopicPartition[] =>
  topics.flatMap(({ topic, partitions }) => partitions.map((partition) => ({ topic, partition })))
