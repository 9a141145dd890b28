import { type Cancel, type Clock, sleepOn } from '../core/clock.ts'
import type { Random } from '../core/random.ts'

/** Virtual time begins here, so that timestamps look like timestamps. */
export const simulationEpochMs = 1_700_000_000_000

/** What goes by between two looks at the clock: the engine looks once in so many records, so work takes time. */
const lookMs = 0.2

/** What an actor needs of its simulation. */
export interface Scheduler {
  readonly nowMs: number
  readonly random: Random
  /** Puts an event `delayMs` from now. */
  at(delayMs: number, fire: () => void): Cancel
  /** Work takes time: everybody's, since all share one thread. */
  spend(ms: number): void
  /** Adds to the trace what happens now. */
  record(actor: string, port: string, call: string, digest: number): void
}

/** How long a turn of the event loop takes, at most. It keeps a busy loop from standing still in time. */
const turnMsMax = 0.5

/**
 * One party of a simulation, with its way into the heap of events. Killed, none of its promises ever settles again;
 * paused, what is due for it is held until it goes on.
 */
export class Actor {
  readonly name: string
  readonly clock: Clock
  private readonly simulation: Scheduler
  private held: (() => void)[] | null = null
  isDead = false

  constructor(simulation: Scheduler, name: string) {
    this.simulation = simulation
    this.name = name
    this.clock = this.makeClock()
  }

  /** Whether what is due for it is held. */
  get isPaused(): boolean {
    return this.held !== null
  }

  /** Lets `fire` happen `delayMs` from now, unless this actor is dead then; a pause holds it back. */
  at(delayMs: number, port: string, call: string, digest: number, fire: () => void): Cancel {
    let isCancelled = false
    const due = (): void => {
      if (this.isDead || isCancelled) return
      if (this.held) {
        this.held.push(due)
        return
      }
      this.simulation.record(this.name, port, call, digest)
      fire()
    }
    const cancel = this.simulation.at(delayMs, due)
    return () => {
      isCancelled = true
      cancel()
    }
  }

  /** A port call: its effect happens at once when its event comes, up to `latencyMs` from now. */
  call<T>(port: string, call: string, digest: number, latencyMs: number, effect: () => Promise<T> | T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.at(this.jitter(latencyMs), port, call, digest, () => {
        Promise.resolve().then(effect).then(resolve, reject)
      })
    })
  }

  /** How long something takes this time, up to `mostMs`. */
  jitter(mostMs: number): number {
    return this.simulation.random.next() * mostMs
  }

  /** kill -9. */
  kill(): void {
    this.isDead = true
    this.held = null
  }

  /** SIGSTOP: time goes on for everybody else. */
  pause(): void {
    this.held ??= []
  }

  /** SIGCONT: what was due meanwhile happens now, in an order that the seed decides. */
  resume(): void {
    const { held } = this
    this.held = null
    for (const due of held ?? []) this.simulation.at(0, due)
  }

  private makeClock(): Clock {
    const { simulation } = this
    const timer = (delayMs: number, call: string, fire: () => void): Cancel => this.at(delayMs, 'clock', call, 0, fire)
    return {
      now: () => Math.floor(simulationEpochMs + simulation.nowMs),
      monotonicMs: () => {
        simulation.spend(lookMs)
        return simulation.nowMs
      },
      timer: (delayMs, fire) => timer(delayMs, 'timer', fire),
      sleep: (delayMs, signal) => sleepOn((ms, fire) => timer(ms, 'sleep', fire), delayMs, signal),
      yield: () =>
        new Promise((resolve) => {
          timer(0.01 + this.jitter(turnMsMax), 'yield', resolve)
        }),
    }
  }
}
