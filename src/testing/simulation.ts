import type { Cancel } from '../core/clock.ts'
import { type Random, seededRandom } from '../core/random.ts'
import { Actor, type Scheduler } from './actor.ts'
import { emptyDigest, mix, mixText } from './digest.ts'
import { EventHeap } from './event-heap.ts'
import { PatchedTimers } from './patched-timers.ts'

/** Taken before any patch: the one real turn that each step waits. */
const realImmediate = setImmediate

/** How far a run may go before it counts as one that never ends. */
export interface SimulationLimits {
  /** Virtual. Default one hour. */
  readonly timeMs?: number
  /** Default 3 million. */
  readonly steps?: number
}

/** Lines of the trace that a failure shows. */
const traceLinesMax = 40

interface Recorded {
  readonly atMs: number
  readonly actor: string
  readonly port: string
  readonly call: string
  readonly digest: number
}

/**
 * A world of one thread in which everything that may wait is an event on one heap, in an order that the seed decides.
 *
 * A step takes the earliest event, lets it settle one port promise, waits one real turn of the event loop, in which all
 * microtasks drain, and adds (time, actor, port, call, digest) to the trace's hash. Nothing else may wait, so the same
 * seed gives the same schedule and the same hash, until the code has another `await`: seeds search, scripts pin.
 */
export class Simulation implements Scheduler {
  readonly seed: number
  /** Decides latencies and ties. */
  readonly random: Random
  /** Virtual milliseconds since the simulation began. */
  nowMs = 0
  /** Events that have fired. */
  steps = 0
  private readonly heap = new EventHeap()
  /** The last of what was recorded, in a ring. */
  private readonly recent: Recorded[] = []
  private recorded = 0
  private sequence = 0
  private timers: PatchedTimers | null = null
  private low = emptyDigest
  private high = emptyDigest + 1

  constructor(seed: number) {
    this.seed = seed
    this.random = seededRandom(seed)
  }

  /** Whoever waits for events: an instance, a broker, the test itself. It can be killed and paused on its own. */
  actor(name: string): Actor {
    return new Actor(this, name)
  }

  /** Puts an event `delayMs` from now. */
  at(delayMs: number, fire: () => void): Cancel {
    const event = {
      atMs: this.nowMs + Math.max(0, delayMs),
      tie: this.random.next(),
      sequence: this.sequence++,
      fire: fire as (() => void) | null,
    }
    this.heap.push(event)
    return () => {
      event.fire = null
    }
  }

  spend(ms: number): void {
    this.nowMs += ms
  }

  /** Adds to the trace what happens now. */
  record(actor: string, port: string, call: string, digest: number): void {
    const microseconds = Math.round(this.nowMs * 1000)
    const what = mixText(mixText(mixText(digest, actor), port), call)
    this.low = mix(mix(this.low, microseconds), what)
    this.high = mix(mix(this.high, what ^ this.low), microseconds / 2 ** 32)
    this.recent[this.recorded++ % traceLinesMax] = { atMs: this.nowMs, actor, port, call, digest }
  }

  /** Of the whole trace: the same for the same seed and the same code. */
  get hash(): string {
    return [this.high, this.low].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('')
  }

  /** The end of the trace, a line an event. */
  get trace(): readonly string[] {
    const next = this.recorded % traceLinesMax
    return [...this.recent.slice(next), ...this.recent.slice(0, next)].map(
      ({ atMs, actor, port, call, digest }) =>
        `${atMs.toFixed(3)} ${actor} ${port}.${call} ${(digest >>> 0).toString(16)}`,
    )
  }

  /**
   * Lets time pass until `work` settles, and returns what it settles with. Timers of user code and of RxJS are events
   * meanwhile.
   * @throws {Error} naming seed and trace when nothing is left that could settle it, or when it goes on for ever
   */
  async run<T>(work: Promise<T>, limits: SimulationLimits = {}): Promise<T> {
    const untilMs = this.nowMs + (limits.timeMs ?? 3_600_000)
    const untilStep = this.steps + (limits.steps ?? 3_000_000)
    let isSettled = false
    const settled = (): void => {
      isSettled = true
    }
    work.then(settled, settled)
    this.timers ??= new PatchedTimers(this.actor('user'), this)
    const unpatch = this.timers.install()
    try {
      await drain()
      while (!isSettled) {
        const event = this.heap.pop()
        if (event === undefined) throw this.stuck('nothing is left that could happen')
        this.nowMs = Math.max(this.nowMs, event.atMs)
        this.steps++
        event.fire?.()
        await drain()
        if (this.nowMs > untilMs || this.steps > untilStep) throw this.stuck('it does not come to an end')
      }
    } finally {
      unpatch()
    }
    return work
  }

  private stuck(what: string): Error {
    const at = `${this.steps} steps and ${Math.round(this.nowMs)} virtual ms`
    return new Error(`seed ${this.seed}: ${what} after ${at}\n${this.trace.join('\n')}`)
  }
}

function drain(): Promise<void> {
  return new Promise((resolve) => realImmediate(resolve))
}
