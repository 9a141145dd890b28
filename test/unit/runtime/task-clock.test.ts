import { describe, expect, it } from 'vitest'
import { TaskClock } from '../../../src/runtime/task-clock.ts'

function open() {
  const times = { now: 1000 }
  return { times, clock: new TaskClock({ now: () => times.now }) }
}

describe('the clock of a task', () => {
  it('stands still where the machine’s goes back', () => {
    const { times, clock } = open()
    expect(clock.now()).toBe(1000)
    times.now = 400
    expect(clock.now()).toBe(1000)
    times.now = 1001
    expect(clock.now()).toBe(1001)
  })

  it('goes on where the task was, by the greatest of what it finds', () => {
    const { clock } = open()
    clock.restore({ streamTime: 7, wallTime: 5000 })
    clock.restore({ streamTime: 9, wallTime: -1 })
    clock.restore({ streamTime: 8, wallTime: 4000 })
    expect([clock.streamTime, clock.now()]).toEqual([9, 5000])
  })

  it('is no row where nobody asked for wall time, and the inputs say the stream time', () => {
    const { clock } = open()
    clock.streamTime = 50
    expect([clock.row(50), clock.row(60)]).toEqual([null, null])
  })

  it('is a row where stream time is ahead of what was taken', () => {
    const { clock } = open()
    clock.streamTime = 50
    expect(clock.row(40)).toEqual({ streamTime: 50, wallTime: -1 })
  })

  it('is a row when wall time was read since the last', () => {
    const { times, clock } = open()
    clock.now()
    expect(clock.row(0)).toEqual({ streamTime: -1, wallTime: 1000 })
    expect(clock.row(0)).toBeNull()
    times.now = 1200
    clock.now()
    expect(clock.row(0)?.wallTime).toBe(1200)
  })

  it('writes no row anew of what it was restored with', () => {
    const { clock } = open()
    clock.restore({ streamTime: -1, wallTime: 900 })
    expect(clock.row(0)).toBeNull()
  })
})
