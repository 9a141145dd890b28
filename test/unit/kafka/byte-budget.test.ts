import { describe, expect, it } from 'vitest'
import { ByteBudget } from '../../../src/kafka/byte-budget.ts'

describe('a byte budget', () => {
  it('is exhausted from the byte that reaches its limit on, and not before', () => {
    const budget = new ByteBudget(10)
    expect(budget.isExhausted).toBe(false)
    budget.take(9)
    expect(budget.isExhausted).toBe(false)
    budget.take(1)
    expect(budget.isExhausted).toBe(true)
  })

  it('may be passed by an answer that is larger than what was left, and takes nothing more until that is paid back', () => {
    const budget = new ByteBudget(10)
    budget.take(25)
    expect(budget.takenBytes).toBe(25)
    budget.release(10)
    expect(budget.isExhausted).toBe(true)
    budget.release(6)
    expect(budget.isExhausted).toBe(false)
  })

  it('is as it was when all that was taken is released', () => {
    const budget = new ByteBudget(100)
    for (const bytes of [7, 13, 80]) budget.take(bytes)
    for (const bytes of [80, 7, 13]) budget.release(bytes)
    expect(budget).toMatchObject({ takenBytes: 0, isExhausted: false, limitBytes: 100 })
  })

  it('of nothing lets nothing be fetched', () => {
    expect(new ByteBudget(0).isExhausted).toBe(true)
  })
})
