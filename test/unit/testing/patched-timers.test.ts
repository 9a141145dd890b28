import { describe, expect, it } from 'vitest'
import { Simulation } from '../../../src/testing/index.ts'

describe('the timers of user code in a simulation', () => {
  it('are events of it, in virtual time', async () => {
    const simulation = new Simulation(1)
    const fired: number[] = []
    await simulation.run(
      new Promise<void>((resolve) => {
        setImmediate(() => {
          setTimeout(() => fired.push(simulation.nowMs), 50)
          const id = setInterval(() => {
            if (fired.push(simulation.nowMs) < 4) return
            clearInterval(id)
            resolve()
          }, 20)
        })
      }),
    )
    expect(fired).toEqual([20, 40, 50, 60])
  })

  it('are cancelled in a later run than the one that they were set in', async () => {
    const simulation = new Simulation(1)
    let ticks = 0
    let id: ReturnType<typeof setInterval> | null = null
    const { clock } = simulation.actor('test')
    const pass = (ms: number): Promise<void> => simulation.run(clock.sleep(ms))
    setImmediate(() => {
      id = setInterval(() => ticks++, 10)
    })
    await pass(35)
    setImmediate(() => clearInterval(id ?? undefined))
    await pass(5)
    const seen = ticks
    await pass(100)
    expect([seen > 0, ticks]).toEqual([true, seen])
  })
})
