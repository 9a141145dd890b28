import { StreamError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { Parameters } from '../dsl/parameters.ts'

/** Host and port of a listener. */
export interface ListenAddress {
  readonly host: string
  readonly port: number
}

/** How a pipeline is run. Everything is optional. */
export interface JobConfig {
  /** `host:port` of Kafka brokers. Without any the job runs on the embedded broker in the data directory. */
  readonly brokers?: readonly string[]
  /** TLS and SASL as kafkajs takes them, passed through whole. */
  readonly ssl?: unknown
  readonly sasl?: unknown
  /** Values for the pipeline's parameters, checked against its schema. */
  readonly parameters?: Parameters
  /** Where state and the embedded broker's log are kept. Default `.millrace`. */
  readonly dataDirectory?: string
  /** The consumer group and the prefix of internal topics. Default: the pipeline's name. */
  readonly appId?: string
  /** Unique among the running processes of the application, and the same after a restart. Default: kept in the data directory. */
  readonly instanceId?: string
  /** Opens the embedded broker to Kafka clients of this machine while the job runs. */
  readonly listen?: ListenAddress
  /** Go on at the end of the inputs. Default false: a job with bounded inputs ends by itself (X18). */
  readonly follow?: boolean
  /** Leave the group when the job is stopped, instead of keeping its tasks for a restart (X12). Default false. */
  readonly leave?: boolean
  /**
   * Stores that begin anew, without what they had, where that is incomplete: a changelog that lost records, a store that was left
   * out of the pipeline for a while. One whose state is whole is left as it is. Default none.
   */
  readonly freshStores?: readonly string[]
  /**
   * Repartition topics in which records that lack a value which is needed now are passed over: an earlier version of the pipeline
   * left it out, since nothing read it. Default none.
   */
  readonly passOver?: readonly string[]
  /**
   * Take nothing more from outside, work off what the application has in topics of its own, and end: what a version is run with for
   * the last time where the next could not read what it leaves. Default false.
   */
  readonly drain?: boolean
  /**
   * The longest that a processed record waits for its commit, milliseconds. Default 100. A job that has caught up with its
   * inputs commits at once.
   */
  readonly commitIntervalMs?: number
  /** Milliseconds between commits at the least. Default 10. */
  readonly commitMinIntervalMs?: number
  /**
   * The share of time that commits may take in a job that is behind its inputs, above which they come less often, at most five
   * times the interval apart. Default 0.1. Rows that change many times are then written fewer times; 1 keeps to the interval
   * whatever it costs.
   */
  readonly commitShareMax?: number
  /** Milliseconds that a record may take. Default 30,000. */
  readonly recordDeadlineMs?: number
  /**
   * Bytes that this process may hold of records and rows: fetched, sent and not acknowledged, changed, cached. All stores
   * share it, and each part gets what it needs. Default 256 MiB; the least that works is 1, with which nothing is cached.
   */
  readonly memoryBytes?: number
  /** Bytes that a source may be ahead of its readers, a partition. Default 64 MiB. */
  readonly ingestAheadBytes?: number
  /** How long to look for a broker at the start, milliseconds. Default 15,000. */
  readonly brokerPatienceMs?: number
  /**
   * Stops the job as `stop()` does. What comes while it is starting makes `run` reject with `JOB_CLOSED` at once, all closed.
   */
  readonly signal?: AbortSignal
  readonly logger?: Logger
  /**
   * Called after the last commit, while the stores can still be read: at the bounded end, or at a stop.
   */
  readonly beforeClose?: (end: 'ended' | 'stopped') => Promise<void>
}

type Optional = 'brokers' | 'ssl' | 'sasl' | 'appId' | 'instanceId' | 'listen' | 'signal' | 'beforeClose'

/** The configuration with every default filled in that does not depend on the pipeline. */
export type ResolvedJobConfig = Required<Omit<JobConfig, Optional>> & Pick<JobConfig, Optional>

/**
 * What the numbers of a configuration may be. Timers count milliseconds up to 2^31 - 1, and so does Kafka the timeout of a
 * transaction, which is three times an interval and a deadline together.
 */
const numbers = {
  commitIntervalMs: { least: 1, most: 2 ** 28, isWhole: true },
  commitMinIntervalMs: { least: 0, most: 2 ** 28, isWhole: true },
  commitShareMax: { least: 0.001, most: 1, isWhole: false },
  recordDeadlineMs: { least: 1, most: 2 ** 28, isWhole: true },
  memoryBytes: { least: 1, most: Number.MAX_SAFE_INTEGER, isWhole: true },
  ingestAheadBytes: { least: 1, most: Number.MAX_SAFE_INTEGER, isWhole: true },
  brokerPatienceMs: { least: 0, most: 2 ** 31 - 1, isWhole: true },
} as const

/** @throws {StreamError} `CONFIG_INVALID` for a number that cannot be meant: with it limits would hold nothing, or all */
export function checkJobConfig(config: ResolvedJobConfig): void {
  if (config.drain && config.follow) {
    throw new StreamError('CONFIG_INVALID', 'drain ends at the end of what is there, and follow goes on: choose one')
  }
  for (const [name, { least, most, isWhole }] of Object.entries(numbers)) {
    const found: unknown = config[name as keyof typeof numbers]
    const fits = typeof found === 'number' && found >= least && found <= most && (!isWhole || Number.isInteger(found))
    if (fits) continue
    throw new StreamError(
      'CONFIG_INVALID',
      `${name} must be a ${isWhole ? 'whole number' : 'number'} from ${least} to ${most}, found ${String(found)}; leave it out for its default`,
    )
  }
}
