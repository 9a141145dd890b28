import { describe, expect, it } from 'vitest'
import { StopSignals } from '../../../src/cli/stop-signals.ts'
import { SteppedClock } from '../../support/stepped-clock.ts'

type Signal = 'SIGINT' | 'SIGTERM'

function open() {
  const clock = new SteppedClock()
  const handlers: ((signal: Signal) => void)[] = []
  const aborts: string[] = []
  const port = {
    onStopSignal(handle: (signal: Signal) => void) {
      handlers.push(handle)
      return () => undefined
    },
  }
  const signals = new StopSignals(port, clock, (why) => aborts.push(why))
  const raise = (signal: Signal): void => {
    for (const handle of handlers) handle(signal)
  }
  return { clock, signals, aborts, raise }
}

const tooLong = 'because it did not stop within 9 s'

describe('stop signals', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)('ask for a stop at the first %s', async (signal) => {
    const { signals, aborts, raise } = open()
    raise(signal)
    await signals.requested
    expect(aborts).toEqual([])
  })

  it('take what npm repeats at once for the same', () => {
    const { clock, aborts, raise } = open()
    raise('SIGINT')
    raise('SIGINT')
    clock.advance(1000)
    raise('SIGINT')
    expect(aborts).toEqual([])
  })

  it('abort at a second one that comes more than a second later, and say so', () => {
    const { clock, aborts, raise } = open()
    raise('SIGINT')
    clock.advance(1001)
    raise('SIGTERM')
    expect(aborts).toEqual(['by a second SIGTERM'])
  })

  it('abort a stop that takes longer than 9 s, not one that takes less', () => {
    const { clock, aborts, raise } = open()
    raise('SIGTERM')
    clock.advance(8999)
    expect(aborts).toEqual([])
    clock.advance(1)
    expect(aborts).toEqual([tooLong])
  })

  it('set no limit before the first one', () => {
    const { clock, aborts } = open()
    clock.advance(1_000_000)
    expect(aborts).toEqual([])
  })

  it('do not let the limit run while output waits for its reader, and give all of it again then', async () => {
    const { clock, signals, aborts, raise } = open()
    raise('SIGINT')
    clock.advance(5000)
    const shown = await signals.unlimited(async () => {
      clock.advance(60_000)
      return 'shown'
    })
    expect(shown).toBe('shown')
    clock.advance(8999)
    expect(aborts).toEqual([])
    clock.advance(1)
    expect(aborts).toEqual([tooLong])
  })

  it('hand on what output fails with, the limit running again', async () => {
    const { clock, signals, aborts, raise } = open()
    raise('SIGINT')
    const failed = signals.unlimited(() => Promise.reject(new Error('no reader')))
    await expect(failed).rejects.toThrow('no reader')
    clock.advance(9000)
    expect(aborts).toEqual([tooLong])
  })

  it('set no limit behind output that nobody asked to stop', async () => {
    const { clock, signals, aborts } = open()
    await signals.unlimited(async () => undefined)
    clock.advance(1_000_000)
    expect(aborts).toEqual([])
  })

  it('set no limit when the first comes during output, until that is out', async () => {
    const { clock, signals, aborts, raise } = open()
    await signals.unlimited(async () => {
      raise('SIGINT')
      clock.advance(60_000)
    })
    expect(aborts).toEqual([])
    clock.advance(9000)
    expect(aborts).toEqual([tooLong])
  })
})
