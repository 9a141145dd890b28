import { describe, expect, test } from 'vitest'
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from '../../../src/protocol/consumer-protocol.ts'
import { factLines } from '../../support/kafka-facts.ts'

/** What Kafka's own classes write, behind the version number that stands before it on the wire. */
function kafkaBytes(name: string, version: number, form: 'full' | 'nulls'): Buffer {
  const line = factLines('kafka-messages.txt').find((one) => one.startsWith(`${name} data ${version} ${form} `))
  const prefix = Buffer.alloc(2)
  prefix.writeInt16BE(version)
  return Buffer.concat([prefix, Buffer.from(line?.split(' ').at(-1) ?? '', 'hex')])
}

const malformed = expect.objectContaining({ code: 'WIRE_MALFORMED' })

describe('a subscription', () => {
  const subscription = {
    topics: ['t1ü', 't2ü'],
    userData: Buffer.from('b1'),
    ownedPartitions: [
      { topic: 't3ü', partition: 70_001 },
      { topic: 't3ü', partition: 70_002 },
      { topic: 't4ü', partition: 70_003 },
      { topic: 't4ü', partition: 70_004 },
    ],
  }

  test('is written as Kafka writes version 1', () => {
    expect(encodeSubscription(subscription)).toEqual(kafkaBytes('ConsumerProtocolSubscription', 1, 'full'))
  })

  test.each([1, 2, 3])('of version %i is read with what we know of it', (version) => {
    expect(decodeSubscription(kafkaBytes('ConsumerProtocolSubscription', version, 'full'))).toEqual(subscription)
  })

  test('of version 0 owns nothing', () => {
    expect(decodeSubscription(kafkaBytes('ConsumerProtocolSubscription', 0, 'full'))).toEqual({
      ...subscription,
      ownedPartitions: [],
    })
  })

  test('of a version to come is read as the newest that we know', () => {
    const bytes = kafkaBytes('ConsumerProtocolSubscription', 3, 'full')
    bytes.writeInt16BE(9)
    expect(decodeSubscription(bytes)).toEqual(subscription)
  })

  test('may have no user data', () => {
    expect(decodeSubscription(kafkaBytes('ConsumerProtocolSubscription', 3, 'nulls')).userData).toBeNull()
  })

  test('is refused when it is cut off or of a negative version', () => {
    const bytes = encodeSubscription(subscription)
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeSubscription(bytes.subarray(0, length))).toThrow(malformed)
    }
    bytes.writeInt16BE(-1)
    expect(() => decodeSubscription(bytes)).toThrow(malformed)
  })
})

describe('an assignment', () => {
  const assignment = {
    assignedPartitions: [
      { topic: 't1ü', partition: 70_001 },
      { topic: 't1ü', partition: 70_002 },
      { topic: 't2ü', partition: 70_003 },
      { topic: 't2ü', partition: 70_004 },
    ],
    userData: Buffer.from('b1'),
  }

  test('is written as Kafka writes version 1, and read in every version', () => {
    expect(encodeAssignment(assignment)).toEqual(kafkaBytes('ConsumerProtocolAssignment', 1, 'full'))
    for (const version of [0, 1, 2, 3]) {
      expect(decodeAssignment(kafkaBytes('ConsumerProtocolAssignment', version, 'full'))).toEqual(assignment)
    }
  })

  test('of no bytes at all is empty: that is how a coordinator says it has none', () => {
    expect(decodeAssignment(Buffer.alloc(0))).toEqual({ assignedPartitions: [], userData: null })
  })

  test('gathers the partitions of a topic that are apart', () => {
    const apart = {
      assignedPartitions: [
        { topic: 'a', partition: 0 },
        { topic: 'b', partition: 0 },
        { topic: 'a', partition: 1 },
      ],
      userData: null,
    }
    expect(decodeAssignment(encodeAssignment(apart)).assignedPartitions).toEqual([
      { topic: 'a', partition: 0 },
      { topic: 'a', partition: 1 },
      { topic: 'b', partition: 0 },
    ])
  })
})
