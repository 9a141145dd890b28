import type { Actor } from './actor.ts'
import { simulationEpochMs } from './actor.ts'

/** Of all simulations: what one world leaves behind must not cancel a timer of the next. */
let ids = 0

/**
 * The timers of user code, and of RxJS, as events of a simulation: `setTimeout`, `setInterval`, `Date.now`. One for all runs of a
 * simulation, since what is set in one may be cancelled in another.
 */
export class PatchedTimers {
  private readonly user: Actor
  private readonly time: { readonly nowMs: number }
  private readonly cancels = new Map<number, () => void>()

  constructor(user: Actor, time: { readonly nowMs: number }) {
    this.user = user
    this.time = time
  }

  /** Puts them in place of the real ones. @returns what puts the real ones back */
  install(): () => void {
    const real = { setTimeout, setInterval, clearTimeout, clearInterval }
    const realNow = Date.now
    const cancel = (id: unknown): void => this.cancel(Number(id))
    const patched = {
      setTimeout: (fire: (...given: unknown[]) => void, delayMs = 0, ...given: unknown[]) => {
        const id = ++ids
        this.arm(id, delayMs, () => {
          this.cancels.delete(id)
          fire(...given)
        })
        return id
      },
      setInterval: (fire: (...given: unknown[]) => void, delayMs = 0, ...given: unknown[]) => {
        const id = ++ids
        const again = (): void =>
          this.arm(id, delayMs, () => {
            again()
            fire(...given)
          })
        again()
        return id
      },
      clearTimeout: cancel,
      clearInterval: cancel,
    }
    Object.assign(globalThis, patched)
    Date.now = () => Math.floor(simulationEpochMs + this.time.nowMs)
    return () => {
      Object.assign(globalThis, real)
      Date.now = realNow
    }
  }

  private arm(id: number, delayMs: number, fire: () => void): void {
    this.cancels.set(id, this.user.clock.timer(Math.max(1, delayMs || 0), fire))
  }

  private cancel(id: number): void {
    this.cancels.get(id)?.()
    this.cancels.delete(id)
  }
}
