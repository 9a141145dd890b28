import { type Clock, type DeadlineMs, remainingMs } from '../core/clock.ts'
import { timedOut, withDeadline } from './deadline.ts'
import type { Lane, NodeId } from './transport.ts'

/** A request's place in its lane, and how long it may take. */
export interface Turn {
  readonly lane: Lane
  readonly node: NodeId
  readonly clock: Clock
  readonly deadline: DeadlineMs
  /** What it is called in messages. */
  readonly what: string
}

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

  /**
   * As {@link run}, under a deadline. A request given up while it waits for its turn is not sent any more: its caller may
   * have asked again, and may use the buffer for that.
   *
   * @param breakOff breaks the connection of a request that was under way when its deadline came
   * @throws {StreamError} `REQUEST_TIMED_OUT`
   */
  runWithin<T>(turn: Turn, send: () => Promise<T>, breakOff: () => void): Promise<T> {
    const { lane, node, clock, deadline, what } = turn
    let isUnderWay = false
    const work = this.run(lane, node, async () => {
      if (remainingMs(clock, deadline) === 0) throw timedOut(what)
      isUnderWay = true
      return send()
    })
    return withDeadline(clock, deadline, what, work, () => {
      if (isUnderWay) breakOff()
    })
  }
}
