import type { Interceptors } from './net/interceptors.ts'

/** How an embedded broker behaves. Everything is optional; the defaults suit a developer's machine. */
export interface BrokerOptions {
  /** The id it bears in the metadata. Default 1. */
  readonly nodeId?: number
  /** Create a missing topic when a client's metadata request allows it. Default false: a missing topic is an error. */
  readonly autoCreateTopics?: boolean
  /** Partitions of topics that are created without a number. Default 1. */
  readonly defaultPartitions?: number
  /**
   * Wait for the disk before anything is acknowledged. Default false: kill -9 loses nothing either way, a power loss
   * loses nothing only with true.
   */
  readonly sync?: boolean
  /** Size at which a segment file is closed and the next begun, in bytes. Default 64 MB. */
  readonly segmentBytes?: number
  /** Latest batches of all partitions kept in memory, in bytes. Default 16 MB. */
  readonly tailCacheBytes?: number
  /** The most that one Fetch answer holds, in bytes. Default 55 MB, as Kafka's `fetch.max.bytes`. */
  readonly fetchBytesMax?: number
  /** The shortest session timeout a group member may ask for, in milliseconds. Default 6,000. */
  readonly sessionTimeoutMsMin?: number
  /** The longest one. Default 1,800,000. */
  readonly sessionTimeoutMsMax?: number
  /** How long an empty group waits for more members before its first generation, in milliseconds. Default 0. */
  readonly initialRebalanceDelayMs?: number
  /** The longest transaction timeout a producer may ask for, in milliseconds. Default 900,000. */
  readonly transactionTimeoutMsMax?: number
  /**
   * The version of transactions that it tells clients to use: 2 raises a producer's epoch with every transaction and has no
   * requests to add partitions or groups (KIP-890), 1 is what Kafka 3 has. Both are served, whatever is told. Default 2.
   */
  readonly transactionVersion?: 1 | 2
  /** Give aborted transactions of a Fetch answer in random order: a reader must not depend on it. Default false. */
  readonly shuffleAborted?: boolean
  /** Faults for tests. Default none. */
  readonly interceptors?: Interceptors
}

/** Options with every default filled in. */
export type ResolvedOptions = Required<Omit<BrokerOptions, 'interceptors'>> & Pick<BrokerOptions, 'interceptors'>

/** Fills in the defaults. */
export function resolveOptions(options: BrokerOptions): ResolvedOptions {
  return {
    nodeId: 1,
    autoCreateTopics: false,
    defaultPartitions: 1,
    sync: false,
    segmentBytes: 64 * 1024 * 1024,
    tailCacheBytes: 16 * 1024 * 1024,
    fetchBytesMax: 55 * 1024 * 1024,
    sessionTimeoutMsMin: 6_000,
    sessionTimeoutMsMax: 1_800_000,
    initialRebalanceDelayMs: 0,
    transactionTimeoutMsMax: 900_000,
    transactionVersion: 2,
    shuffleAborted: false,
    ...options,
  }
}
