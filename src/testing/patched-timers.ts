import type { Actor } from './actor.ts'
import { simulationEpochMs } from './actor.ts'

/**
 * Puts the timers of user code, and of RxJS, into a simulation: `setTimeout`, `setInterval`, `Date.now`.
 * @returns what puts the real ones back
 */
export function patchTimers(user: Actor, time: { readonly nowMs: number }): () => void {
  const real = { setTimeout, setInterval, clearTimeout, clearInterval }
  const realNow = Date.now
  const cancels = new Map<number, () => void>()
  let ids = 0
  const cancel = (id: unknown): void => {
    cancels.get(Number(id))?.()
    cancels.delete(Number(id))
  }
  const arm = (id: number, delayMs: number, fire: () => void): void => {
    cancels.set(id, user.clock.timer(Math.max(1, delayMs || 0), fire))
  }
  const patched = {
    setTimeout: (fire: (...given: unknown[]) => void, delayMs = 0, ...given: unknown[]) => {
      const id = ++ids
      arm(id, delayMs, () => {
        cancels.delete(id)
        fire(...given)
      })
      return id
    },
    setInterval: (fire: (...given: unknown[]) => void, delayMs = 0, ...given: unknown[]) => {
      const id = ++ids
      const again = (): void =>
        arm(id, delayMs, () => {
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
  Date.now = () => Math.floor(simulationEpochMs + time.nowMs)
  return () => {
    Object.assign(globalThis, real)
    Date.now = realNow
  }
}
