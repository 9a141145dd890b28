import type { DeadlineMs } from '../core/clock.ts'

/**
 * Independent ways to one broker (X14). Within a lane requests go out one at a time, in order; across lanes nothing
 * waits for anything: a broker serves one request a connection at a time, and a JoinGroup holds its own for seconds.
 */
export type Lane = 'group' | 'data' | 'fetch' | 'admin'

/** A broker's id, or {@link anyNode}. */
export type NodeId = number

/** Any broker that is reachable, a bootstrap broker at first: for Metadata, ApiVersions and FindCoordinator. */
export const anyNode: NodeId = -1

/**
 * Port 3: one request to one broker, bytes in, bytes out.
 *
 * `body` is the message after the request header, and so is the answer after its header; the transport writes and reads
 * headers, tag sections among them. The caller does not touch `body` until the promise settles.
 *
 * @throws {StreamError} `REQUEST_TIMED_OUT` past the deadline, `CONNECTION_LOST` when the connection broke, both with
 * action `retry` for requests that may be repeated; for those that may not, the outcome is unknown (X4).
 * `BROKER_UNREACHABLE` when no broker of the list can be reached
 */
export interface Transport {
  request(
    lane: Lane,
    node: NodeId,
    apiKey: number,
    version: number,
    body: Buffer,
    deadline: DeadlineMs,
  ): Promise<Buffer>
  /** Breaks what is open; requests in flight and later ones fail with `CONNECTION_LOST`, action `fail`. Idempotent. */
  close(): Promise<void>
  /** Where it leads, for messages: the broker list, or `embedded broker`. */
  readonly address: string
}
