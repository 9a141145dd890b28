import { describe, expect, it } from 'vitest'
import type { ErrorAction, ErrorCode } from '../../../src/core/errors.ts'
import { isRetriable, kafkaFailure } from '../../../src/kafka/kafka-error.ts'
import { kafkaError } from '../../../src/protocol/kafka-errors.ts'

type Name = keyof typeof kafkaError

/** Which of the engine's errors a broker's error number is, and what the engine does about it. */
const table: readonly (readonly [ErrorCode, ErrorAction, readonly Name[]])[] = [
  ['INSTANCE_FENCED', 'fail', ['FENCED_INSTANCE_ID']],
  ['MEMBERSHIP_LOST', 'rejoin', ['UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION', 'REBALANCE_IN_PROGRESS']],
  [
    'PRODUCER_FENCED',
    'reset-task',
    [
      'INVALID_PRODUCER_EPOCH',
      'PRODUCER_FENCED',
      'INVALID_PRODUCER_ID_MAPPING',
      'UNKNOWN_PRODUCER_ID',
      'TRANSACTION_COORDINATOR_FENCED',
    ],
  ],
  [
    'TRANSACTION_UNKNOWN',
    'reset-task',
    ['OUT_OF_ORDER_SEQUENCE_NUMBER', 'DUPLICATE_SEQUENCE_NUMBER', 'INVALID_TXN_STATE', 'TRANSACTION_ABORTABLE'],
  ],
  ['OFFSET_OUT_OF_RANGE', 'fail', ['OFFSET_OUT_OF_RANGE']],
  ['RECORD_TOO_LARGE', 'fail', ['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE']],
  ['TOPIC_MISSING', 'retry', ['UNKNOWN_TOPIC_OR_PARTITION']],
  ['CONFIG_INVALID', 'fail', ['INVALID_TRANSACTION_TIMEOUT']],
  [
    'REQUEST_FAILED',
    'retry',
    [
      'LEADER_NOT_AVAILABLE',
      'NOT_LEADER_OR_FOLLOWER',
      'REQUEST_TIMED_OUT',
      'NETWORK_EXCEPTION',
      'COORDINATOR_LOAD_IN_PROGRESS',
      'COORDINATOR_NOT_AVAILABLE',
      'NOT_COORDINATOR',
      'NOT_ENOUGH_REPLICAS',
      'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
      'NOT_CONTROLLER',
      'CONCURRENT_TRANSACTIONS',
      'KAFKA_STORAGE_ERROR',
      'FENCED_LEADER_EPOCH',
      'UNKNOWN_LEADER_EPOCH',
      'OFFSET_NOT_AVAILABLE',
      'UNSTABLE_OFFSET_COMMIT',
      'THROTTLING_QUOTA_EXCEEDED',
    ],
  ],
]

const listed = new Set(table.flatMap(([, , names]) => names))
const others = (Object.keys(kafkaError) as Name[]).filter((name) => name !== 'NONE' && !listed.has(name))

describe('an error number of a broker', () => {
  it.each(table)('is %s with the action %s for each of %j', (code, action, names) => {
    for (const name of names) {
      const failure = kafkaFailure(kafkaError[name], 'Produce')
      expect({ name, code: failure.code, action: failure.action }).toEqual({ name, code, action })
    }
  })

  it('that is in no row of the table stops the job as a refused request', () => {
    expect(others.length).toBeGreaterThan(20)
    for (const code of [...others.map((name) => kafkaError[name]), 9999]) {
      expect(kafkaFailure(code, 'Produce')).toMatchObject({ code: 'REQUEST_FAILED', action: 'fail' })
    }
  })

  it('is retriable exactly when its failure is retried: the two never contradict each other', () => {
    for (let code = -1; code <= 130; code++) {
      expect(kafkaFailure(code, 'Fetch').action === 'retry', `error number ${code}`).toBe(isRetriable(code))
    }
  })

  it('is told with the request, the place, its name in Kafka and its number', () => {
    const failure = kafkaFailure(kafkaError.NOT_LEADER_OR_FOLLOWER, 'Fetch', { topic: 'words', partition: 0 })
    expect(failure.message).toBe('Fetch for words-0 was answered with NOT_LEADER_OR_FOLLOWER (6)')
    expect(failure.context).toEqual({ api: 'Fetch', kafkaCode: 6, topic: 'words', partition: 0 })
  })

  it('is told without a place where there is none, and with a topic alone where there is one', () => {
    expect(kafkaFailure(kafkaError.NOT_COORDINATOR, 'SyncGroup').message).toMatch(/^SyncGroup was answered with /)
    const denied = kafkaFailure(kafkaError.TOPIC_AUTHORIZATION_FAILED, 'Metadata', { topic: 'secret' })
    expect(denied.message).toMatch(/^Metadata for secret was answered with TOPIC_AUTHORIZATION_FAILED \(29\): /)
  })

  it.each([
    ['TOPIC_AUTHORIZATION_FAILED', 'ACL'],
    ['GROUP_AUTHORIZATION_FAILED', 'ACL'],
    ['CLUSTER_AUTHORIZATION_FAILED', 'ACL'],
    ['TRANSACTIONAL_ID_AUTHORIZATION_FAILED', 'ACL'],
    ['FENCED_INSTANCE_ID', 'data directory'],
    ['MESSAGE_TOO_LARGE', 'max.message.bytes'],
    ['INVALID_TRANSACTION_TIMEOUT', 'transaction.max.timeout.ms'],
    ['UNKNOWN_TOPIC_OR_PARTITION', 'create the topic'],
  ] as const)('%s says what a user can do: %s', (name, remedy) => {
    expect(kafkaFailure(kafkaError[name], 'Produce').message).toContain(remedy)
  })
})
