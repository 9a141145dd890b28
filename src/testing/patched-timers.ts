import type { Actor } from './actor.ts'
import { simulationEpochMs } from './actor.ts'

/**
 * The timers of user code, and of RxJS, as events of a simulation: `setTimeout`, `setInterval`, `Date.now`. One for all runs of a
 * simulation, since what is set in one may be cancelled in another.
 */
export class PatchedTimers {
  private readonly user: Actor
  private readonly time: { readonly nowMs: number }
  /** By what was given out for each: an object, as Node gives one, since what another simulation left behind must cancel nothing here. */
  private readonly cancels = new Map<unknown, () => void>()

  constructor(user: Actor, time: { readonly nowMs: number }) {
    this.user = user
    this.time = time
  }

  /** Puts them in place of the real ones. @returns what puts the real ones back */
  install(): () => void {
    const real = { setTimeout, setInterval, clearTimeout, clearInterval }
    const realNow = Date.now
    const cancel = (id: unknown): void => this.cancel(id)
    const patched = {
      setTimeout: (fire: (...given: unknown[]) => void, delayMs = 0, ...given: unknown[]) => {
        const id = {}
        this.arm(id, delayMs, () => {
          this.cancels.delete(id)
          fire(...given)
        })
        return id
      },
      setInterval: (fire: (...given: unknown[]) => void, delayMs = 0, ...given: unknown[]) => {
        const id = {}
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

  private arm(id: object, delayMs: number, fire: () => void): void {
    this.cancels.set(id, this.user.clock.timer(Math.max(1, delayMs || 0), fire))
  }

  private cancel(id: unknown): void {
    this.cancels.get(id)?.()
    this.cancels.delete(id)
  }
}
