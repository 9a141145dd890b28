import { describe, expect, it } from 'vitest'
import { DueTimes } from '../../../src/runtime/due-times.ts'

const never = Number.POSITIVE_INFINITY

/** Due times with an operator for each name, the last of which stands first in the chain. */
function open(...names: readonly string[]) {
  const times = new DueTimes()
  const calls: string[] = []
  const next = new Map<string, number>()
  const places = new Map(
    names.map((name) => {
      const place = times.place()
      place.does((time) => {
        calls.push(`${name} at ${time}`)
        return next.get(name) ?? never
      })
      return [name, place] as const
    }),
  )
  const due = (name: string, time: number): void => places.get(name)?.dueAt(time)
  return { times, calls, next, due, places }
}

describe('due times', () => {
  it('call nobody before a time has come, and then who asked for it, once', () => {
    const { times, calls, due } = open('a', 'b')
    due('a', 10)
    times.reach(9)
    expect(calls).toEqual([])
    times.reach(12)
    times.reach(13)
    expect(calls).toEqual(['a at 12'])
    expect(times.next).toBe(never)
  })

  it('call who stands before another in the chain first', () => {
    const { times, calls, due } = open('last', 'first')
    due('last', 5)
    due('first', 7)
    times.reach(8)
    expect(calls).toEqual(['first at 8', 'last at 8'])
  })

  it('call who became due by what one before it handed on, in the same turn', () => {
    const { times, calls, due, places } = open('last', 'first')
    places.get('first')?.does((time) => {
      calls.push(`first at ${time}`)
      due('last', 6)
      return never
    })
    due('first', 5)
    times.reach(8)
    expect(calls).toEqual(['first at 8', 'last at 8'])
    expect(times.next).toBe(never)
  })

  it('keep the least of all times: those asked for and those that a call gave back', () => {
    const { times, calls, next, due } = open('a', 'b')
    due('a', 10)
    due('a', 20)
    due('b', 15)
    expect(times.next).toBe(10)
    next.set('a', 12)
    times.reach(10)
    expect(times.next).toBe(12)
    times.reach(15)
    expect(calls).toEqual(['a at 10', 'b at 15', 'a at 15'])
  })

  it('stay due for who failed, and for who was behind it', () => {
    const { times, calls, due, places } = open('b', 'a')
    let fails = true
    places.get('a')?.does((time) => {
      if (fails) throw new Error('not now')
      calls.push(`a at ${time}`)
      return never
    })
    due('a', 5)
    due('b', 6)
    expect(() => times.reach(9)).toThrow('not now')
    expect(times.next).toBe(5)
    fails = false
    times.reach(9)
    expect(calls).toEqual(['a at 9', 'b at 9'])
  })
})
