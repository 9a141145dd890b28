import type { Lane, NodeId } from './transport.ts'

/** Keeps the requests of one lane to one broker in order and one at a time, whatever the form of the transport (X14). */
export class LaneOrder {
  private readonly tails = new Map<string, Promise<unknown>>()

  /** Runs `send` when all that was given before for this lane and node has settled. */
  run<T>(lane: Lane, node: NodeId, send: () => Promise<T>): Promise<T> {
    const key = `${lane}:${node}`
    const result = (this.tails.get(key) ?? Promise.resolve()).then(send)
    this.tails.set(
      key,
      result.catch(() => undefined),
    )
    return result
  }
}
