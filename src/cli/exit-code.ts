import type { ErrorCode } from '../core/errors.ts'

/** How the command ends, for scripts and supervisors. */
export const exitCode = {
  /** The job has ended or was stopped, and all it did is committed. */
  ok: 0,
  /** It failed, or was aborted: what was not committed is done again at the next start. */
  crash: 1,
  /** The command line, the pipeline or a place it names is wrong: starting again changes nothing. */
  usage: 2,
  /** State, topics or inputs are not those of this pipeline. */
  incompatible: 3,
  /** Another process has taken its place. */
  fenced: 4,
  /** A broker could not be reached: starting again later may do. */
  unreachable: 5,
} as const

/** One of {@link exitCode}. */
export type ExitCode = (typeof exitCode)[keyof typeof exitCode]

const { crash, usage, incompatible, fenced, unreachable } = exitCode

/** The exit code of every error code. */
export const exitCodes: Readonly<Record<ErrorCode, ExitCode>> = {
  CONFIG_INVALID: usage,
  PIPELINE_NOT_FOUND: usage,
  PIPELINE_INVALID: usage,
  PARAMETER_INVALID: usage,
  PLAN_INVALID: usage,
  PLAN_CHANGED: incompatible,
  STORE_UNKNOWN: usage,
  DATA_DIRECTORY_LOCKED: usage,
  DATA_DIRECTORY_UNUSABLE: usage,
  DISK_FULL: crash,
  BROKER_STORAGE_CORRUPT: incompatible,
  STORE_CORRUPT: incompatible,
  STATE_INCOMPLETE: incompatible,
  BROKER_UNREACHABLE: unreachable,
  BROKER_UNSUPPORTED: unreachable,
  TOPIC_MISSING: usage,
  TOPIC_MISMATCH: incompatible,
  REQUEST_TIMED_OUT: unreachable,
  REQUEST_FAILED: crash,
  CONNECTION_LOST: unreachable,
  OFFSET_OUT_OF_RANGE: incompatible,
  TRANSACTION_UNKNOWN: crash,
  PRODUCER_FENCED: fenced,
  MEMBERSHIP_LOST: fenced,
  INSTANCE_FENCED: fenced,
  WIRE_MALFORMED: crash,
  BATCH_CORRUPT: crash,
  COMPRESSION_UNSUPPORTED: crash,
  RECORD_DESERIALIZATION: crash,
  RECORD_SERIALIZATION: crash,
  RECORD_PROCESSING: crash,
  RECORD_TOO_LARGE: crash,
  RECORD_TIMED_OUT: crash,
  FILE_NOT_FOUND: usage,
  FILE_UNREADABLE: usage,
  FILE_REPLACED: incompatible,
  FILE_LINE_CONTINUED: incompatible,
  FILE_LINE_TOO_LONG: crash,
  SOURCE_FAILED: crash,
  SINK_FAILED: crash,
  ILLEGAL_STATE: crash,
  JOB_CLOSED: crash,
}

/** The exit code of whatever was thrown; what is not the engine's own error is a crash. */
export function exitCodeOf(error: unknown): ExitCode {
  // By shape: a pipeline may bring a second copy of the package.
  const code = error instanceof Error && error.name === 'StreamError' ? (error as { code?: unknown }).code : undefined
  return typeof code === 'string' && Object.hasOwn(exitCodes, code) ? exitCodes[code as ErrorCode] : crash
}
