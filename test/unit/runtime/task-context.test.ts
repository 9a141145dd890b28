import { describe, expect, it } from 'vitest'
import { TaskContext } from '../../../src/runtime/task-context.ts'
import { bareThread } from '../../support/bare-thread.ts'
import { SteppedClock } from '../../support/stepped-clock.ts'

function open(clock = new SteppedClock()) {
  const { thread } = bareThread({ clock })
  return { clock, context: new TaskContext(thread, '0_0', 0) }
}

describe('the context of a task', () => {
  it('refuses effects once its task is closed: late user code writes into no later transaction', () => {
    const { context } = open()
    context.close()
    expect(() => context.effect()).toThrow(expect.objectContaining({ code: 'ILLEGAL_STATE' }))
    expect(context.hasEffects).toBe(false)
  })

  it('cancels what its record waits for when it closes', () => {
    const { context } = open()
    let cancelled = 0
    const resume = context.suspend({ done: new Promise(() => undefined), cancel: () => cancelled++, holds: 'task' })
    context.close()
    expect(cancelled).toBe(1)
    expect(() => resume(() => undefined)).toThrow(expect.objectContaining({ code: 'ILLEGAL_STATE' }))
  })
})
