import { describe, expect, it } from 'vitest'
import { Sleeper } from '../../../src/runtime/sleeper.ts'
import { SteppedClock } from '../../support/stepped-clock.ts'

function open() {
  const clock = new SteppedClock()
  const sleeper = new Sleeper(clock)
  let naps = 0
  const nap = async (mostMs: number): Promise<void> => {
    await sleeper.sleep(mostMs)
    naps++
  }
  return { clock, sleeper, nap, naps: () => naps }
}

describe('a sleeper', () => {
  it('sleeps its time when nobody wakes it', async () => {
    const { clock, nap, naps } = open()
    const sleeping = nap(50)
    clock.advance(49)
    expect(naps()).toBe(0)
    clock.advance(1)
    await sleeping
    expect(naps()).toBe(1)
  })

  it('sleeps without an end until it is woken, and sets no timer for it', async () => {
    const { clock, sleeper, nap, naps } = open()
    const sleeping = nap(Number.POSITIVE_INFINITY)
    clock.advance(2 ** 40)
    await clock.yield()
    expect(naps()).toBe(0)
    sleeper.wake()
    await sleeping
  })

  it('is woken before its time, and its timer is gone', async () => {
    const { clock, sleeper, nap } = open()
    const sleeping = nap(50)
    sleeper.wake()
    await sleeping
    const next = nap(100)
    clock.advance(60)
    sleeper.wake()
    await next
  })

  it('does not lose a wake-up that comes while it is awake', async () => {
    const { sleeper, nap, naps } = open()
    sleeper.wake()
    sleeper.wake()
    await nap(50_000)
    expect(naps()).toBe(1)
  })
})
