import { describe, expect, it } from 'vitest'
import { allDone } from '../../../src/core/all-done.ts'

describe('work that is waited for together', () => {
  it('has ended when all of it has, also where some failed at once', async () => {
    let finish = (): void => {}
    const slow = new Promise<void>((resolve) => {
      finish = resolve
    })
    let end = 'open'
    const all = allDone([slow, Promise.reject(new Error('first')), Promise.reject(new Error('second'))]).then(
      () => (end = 'done'),
      (error: Error) => (end = error.message),
    )
    await new Promise((resolve) => setImmediate(resolve))
    expect(end).toBe('open')
    finish()
    await all
    expect(end).toBe('first')
  })

  it('is none, or all of it done', async () => {
    await allDone([])
    await allDone([Promise.resolve(1), Promise.resolve(2)])
  })
})
