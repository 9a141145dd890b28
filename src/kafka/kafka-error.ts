import { type ErrorAction, type ErrorCode, type ErrorContext, StreamError } from '../core/errors.ts'
import { kafkaError, kafkaErrorName } from '../protocol/kafka-errors.ts'

const retriable: ReadonlySet<number> = new Set([
  kafkaError.UNKNOWN_TOPIC_OR_PARTITION,
  kafkaError.LEADER_NOT_AVAILABLE,
  kafkaError.NOT_LEADER_OR_FOLLOWER,
  kafkaError.REQUEST_TIMED_OUT,
  kafkaError.NETWORK_EXCEPTION,
  kafkaError.COORDINATOR_LOAD_IN_PROGRESS,
  kafkaError.COORDINATOR_NOT_AVAILABLE,
  kafkaError.NOT_COORDINATOR,
  kafkaError.NOT_ENOUGH_REPLICAS,
  kafkaError.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
  kafkaError.NOT_CONTROLLER,
  kafkaError.CONCURRENT_TRANSACTIONS,
  kafkaError.KAFKA_STORAGE_ERROR,
  kafkaError.FENCED_LEADER_EPOCH,
  kafkaError.UNKNOWN_LEADER_EPOCH,
  kafkaError.OFFSET_NOT_AVAILABLE,
  kafkaError.UNSTABLE_OFFSET_COMMIT,
  kafkaError.THROTTLING_QUOTA_EXCEEDED,
])

/** Whether a broker's error number only asks for another try, perhaps with fresh metadata or another coordinator. */
export function isRetriable(code: number): boolean {
  return retriable.has(code)
}

/**
 * The one table from a broker's error number to what the engine does: retry, forget and replay,
 * join again, or stop.
 */
export function kafkaFailure(code: number, api: string, context: ErrorContext = {}): StreamError {
  const [errorCode, action, remedy] = judge(code)
  const place = [context.topic, context.partition].filter((part) => part !== undefined).join('-')
  return new StreamError(
    errorCode,
    `${api}${place ? ` for ${place}` : ''} was answered with ${kafkaErrorName(code)}${remedy ? `: ${remedy}` : ''}`,
    { action, api, kafkaCode: code, ...context },
  )
}

/** What most answers say of each partition. */
interface PartitionResults {
  readonly name: string
  readonly partitions: Iterable<{ readonly index: number; readonly errorCode: number }>
}

/**
 * Looks whether every partition of an answer is fine.
 * @param tolerated an error number that means no harm there
 * @throws {StreamError} {@link kafkaFailure} of the first that is not
 */
export function refuseFailed(
  api: string,
  topics: Iterable<PartitionResults>,
  tolerated: number = kafkaError.NONE,
): void {
  for (const { name, partitions } of topics) {
    for (const { index, errorCode } of partitions) {
      if (errorCode === kafkaError.NONE || errorCode === tolerated) continue
      throw kafkaFailure(errorCode, api, { topic: name, partition: index })
    }
  }
}

function judge(code: number): readonly [ErrorCode, ErrorAction, string] {
  switch (code) {
    case kafkaError.FENCED_INSTANCE_ID:
      return [
        'INSTANCE_FENCED',
        'fail',
        'another process has joined with this instance id, or the broker was restarted while this one joined; give each process its own data directory, or start this one again',
      ]
    case kafkaError.UNKNOWN_MEMBER_ID:
    case kafkaError.ILLEGAL_GENERATION:
    case kafkaError.REBALANCE_IN_PROGRESS:
      return ['MEMBERSHIP_LOST', 'rejoin', '']
    case kafkaError.INVALID_PRODUCER_EPOCH:
    case kafkaError.PRODUCER_FENCED:
    case kafkaError.INVALID_PRODUCER_ID_MAPPING:
    case kafkaError.UNKNOWN_PRODUCER_ID:
    case kafkaError.TRANSACTION_COORDINATOR_FENCED:
      return ['PRODUCER_FENCED', 'reset-task', '']
    case kafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER:
    case kafkaError.DUPLICATE_SEQUENCE_NUMBER:
    case kafkaError.INVALID_TXN_STATE:
    case kafkaError.TRANSACTION_ABORTABLE:
      return ['TRANSACTION_UNKNOWN', 'reset-task', '']
    case kafkaError.OFFSET_OUT_OF_RANGE:
      return ['OFFSET_OUT_OF_RANGE', 'fail', 'the records there are no longer (or not yet) in the log']
    case kafkaError.MESSAGE_TOO_LARGE:
    case kafkaError.RECORD_LIST_TOO_LARGE:
      return ['RECORD_TOO_LARGE', 'fail', 'raise max.message.bytes of the topic or write smaller records']
    case kafkaError.UNKNOWN_TOPIC_OR_PARTITION:
      return ['TOPIC_MISSING', 'retry', 'create the topic or correct its name']
    case kafkaError.TOPIC_AUTHORIZATION_FAILED:
    case kafkaError.GROUP_AUTHORIZATION_FAILED:
    case kafkaError.CLUSTER_AUTHORIZATION_FAILED:
    case kafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
      return ['REQUEST_FAILED', 'fail', 'grant the principal of this job the ACL for it']
    case kafkaError.INVALID_TRANSACTION_TIMEOUT:
      return [
        'CONFIG_INVALID',
        'fail',
        'the transaction timeout is three times commitIntervalMs and recordDeadlineMs together; shorten them, or raise transaction.max.timeout.ms of the broker',
      ]
    default:
      return ['REQUEST_FAILED', isRetriable(code) ? 'retry' : 'fail', '']
  }
}
