import { describe, expect, it } from 'vitest'
import { withDeadline } from '../../../src/kafka/deadline.ts'
import { gate } from '../../support/scripted-transport.ts'
import { SteppedClock } from '../../support/stepped-clock.ts'

const timedOut = { code: 'REQUEST_TIMED_OUT', action: 'retry' }

describe('work under a deadline', () => {
  it('gives its result when it is done in time, and leaves no timer behind', async () => {
    const clock = new SteppedClock()
    const told: string[] = []
    const { opened, open } = gate<string>()
    const settled = withDeadline(clock, 100, 'Fetch', opened, () => told.push('timeout'))
    clock.advance(99)
    open('in time')
    expect(await settled).toBe('in time')
    clock.advance(1000)
    expect(told).toEqual([])
  })

  it('fails with its own error when it fails in time, and is not told of a timeout later', async () => {
    const clock = new SteppedClock()
    const told: string[] = []
    const work = Promise.reject(new RangeError('its own'))
    await expect(withDeadline(clock, 100, 'Fetch', work, () => told.push('timeout'))).rejects.toThrow('its own')
    clock.advance(1000)
    expect(told).toEqual([])
  })

  it('is given up at the deadline, by name, for the caller to repeat', async () => {
    const clock = new SteppedClock()
    const settled = withDeadline(clock, 100, 'Heartbeat', new Promise(() => {}))
    clock.advance(100)
    await expect(settled).rejects.toMatchObject({ ...timedOut, context: { api: 'Heartbeat' } })
    await expect(settled).rejects.toThrow(/^Heartbeat was not answered in time/)
  })

  it('tells once that the time is over, and what comes after that changes nothing', async () => {
    const clock = new SteppedClock()
    const told: string[] = []
    const { opened, open } = gate<string>()
    const settled = withDeadline(clock, 100, 'Fetch', opened, () => told.push('timeout'))
    clock.advance(100)
    open('too late')
    await expect(settled).rejects.toMatchObject(timedOut)
    clock.advance(1000)
    expect(told).toEqual(['timeout'])
  })

  it('that fails after its deadline leaves no unhandled rejection', async () => {
    const clock = new SteppedClock()
    let fail: (error: Error) => void = () => {}
    const work = new Promise((_, reject) => {
      fail = reject
    })
    const unhandled: unknown[] = []
    const listener = (error: unknown): void => void unhandled.push(error)
    process.on('unhandledRejection', listener)
    const settled = withDeadline(clock, 5, 'Fetch', work)
    clock.advance(5)
    await expect(settled).rejects.toMatchObject(timedOut)
    fail(new Error('too late'))
    await new Promise((resolve) => setImmediate(resolve))
    process.off('unhandledRejection', listener)
    expect(unhandled).toEqual([])
  })

  it('whose deadline has passed already is given up at the next chance, however late', async () => {
    const clock = new SteppedClock()
    clock.advance(500)
    const settled = withDeadline(clock, 100, 'Fetch', new Promise(() => {}))
    clock.advance(0)
    await expect(settled).rejects.toMatchObject(timedOut)
  })
})
