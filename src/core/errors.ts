/**
 * Every error code of the engine. Codes are part of the public contract and documented in the README;
 * a test compares that list with this one. Messages may change, codes do not.
 */
export const errorCodes = [
  // configuration, plan, command line
  'CONFIG_INVALID',
  'PIPELINE_NOT_FOUND',
  'PIPELINE_INVALID',
  'PARAMETER_INVALID',
  'PLAN_INVALID',
  'PLAN_CHANGED',
  'STORE_UNKNOWN',
  // data directory
  'DATA_DIRECTORY_LOCKED',
  'DATA_DIRECTORY_UNUSABLE',
  'DISK_FULL',
  'BROKER_STORAGE_CORRUPT',
  'STORE_CORRUPT',
  'STATE_INCOMPLETE',
  // Kafka
  'BROKER_UNREACHABLE',
  'BROKER_UNSUPPORTED',
  'TOPIC_MISSING',
  'TOPIC_MISMATCH',
  'REQUEST_TIMED_OUT',
  'REQUEST_FAILED',
  'CONNECTION_LOST',
  'OFFSET_OUT_OF_RANGE',
  'TRANSACTION_UNKNOWN',
  'PRODUCER_FENCED',
  'MEMBERSHIP_LOST',
  'INSTANCE_FENCED',
  // bytes
  'WIRE_MALFORMED',
  'BATCH_CORRUPT',
  'COMPRESSION_UNSUPPORTED',
  // records
  'RECORD_DESERIALIZATION',
  'RECORD_SERIALIZATION',
  'RECORD_PROCESSING',
  'RECORD_TOO_LARGE',
  'RECORD_TIMED_OUT',
  // sources and sinks
  'FILE_NOT_FOUND',
  'FILE_UNREADABLE',
  'FILE_REPLACED',
  'FILE_LINE_CONTINUED',
  'FILE_LINE_TOO_LONG',
  'SOURCE_FAILED',
  'SINK_FAILED',
  // life cycle
  'ILLEGAL_STATE',
  'JOB_CLOSED',
] as const

/** One of {@link errorCodes}. */
export type ErrorCode = (typeof errorCodes)[number]

/**
 * What the engine does about an error:
 * `retry` the call, `reset-task` (drop all uncommitted work and open the tasks again, X4),
 * `rejoin` the group, or `fail`: stop and tell the user.
 */
export type ErrorAction = 'retry' | 'reset-task' | 'rejoin' | 'fail'

/** Where it happened. All of it is optional, none of it holds record contents or secrets. */
export interface ErrorContext {
  readonly taskId?: string
  readonly topic?: string
  readonly partition?: number
  readonly offset?: number
  /** Of an operator that failed at what it does by itself. */
  readonly operator?: string
  /** When that was due, epoch milliseconds. */
  readonly time?: number
  readonly store?: string
  readonly path?: string
  /** The process that holds what was asked for. */
  readonly pid?: number
  readonly node?: number | string
  readonly api?: string
  /** The error number a Kafka broker answered. */
  readonly kafkaCode?: number
}

/** What is known about an error beside its code and sentence. */
export interface ErrorDetails extends ErrorContext {
  /** Default `fail`. */
  readonly action?: ErrorAction
  readonly cause?: unknown
}

/**
 * The one error class of the engine. The message says what was expected, what was found and what to do;
 * callers match `code`, never the message.
 */
export class StreamError extends Error {
  override readonly name = 'StreamError'
  readonly code: ErrorCode
  readonly action: ErrorAction
  readonly context: ErrorContext

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    const { action = 'fail', cause, ...context } = details
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.action = action
    this.context = context
  }
}

/** Whether `error` is a {@link StreamError} with one of these codes. By shape, since a process may hold two copies of the class. */
export function hasCode(error: unknown, ...codes: readonly ErrorCode[]): error is StreamError {
  return (
    error instanceof Error &&
    error.name === 'StreamError' &&
    codes.includes((error as Partial<StreamError>).code as ErrorCode)
  )
}

/** The action an error calls for; anything that is not a {@link StreamError} is a failure. */
export function actionOf(error: unknown): ErrorAction {
  return error instanceof Error && error.name === 'StreamError' ? (error as StreamError).action : 'fail'
}

/** The sentence of any thrown value. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** The `code` of a Node error (`ENOENT`, `ENOSPC`...), or undefined. */
export function systemCodeOf(error: unknown): string | undefined {
  return error instanceof Error && typeof (error as { code?: unknown }).code === 'string'
    ? (error as unknown as { code: string }).code
    : undefined
}
