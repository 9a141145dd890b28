import { describe, expect, it } from 'vitest'
import { TaskContext } from '../../../src/runtime/task-context.ts'
import { bareThread } from '../../support/bare-thread.ts'

describe('the context of a task', () => {
  it('refuses effects once its task is closed: late user code writes into no later transaction', () => {
    const context = new TaskContext(bareThread().thread, '0_0', 0)
    context.effect()
    context.close()
    expect(() => context.effect()).toThrow(expect.objectContaining({ code: 'ILLEGAL_STATE' }))
    expect(context.effects).toBe(1)
  })

  it('cancels what its record waits for when it closes', () => {
    const context = new TaskContext(bareThread().thread, '0_0', 0)
    let cancelled = 0
    context.suspend(new Promise(() => undefined), () => cancelled++)
    context.close()
    expect([cancelled, context.isWaiting]).toEqual([1, false])
  })
})
