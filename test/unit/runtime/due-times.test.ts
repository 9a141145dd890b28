import { describe, expect, it } from 'vitest'
import { DueTimes } from '../../../src/runtime/due-times.ts'

const never = Number.POSITIVE_INFINITY

/** Due times with an operator for each name, the last of which stands first in the chain; each does what is in its list. */
function open(...names: readonly string[]) {
  const times = new DueTimes<string>()
  const calls: string[] = []
  const asked: string[] = []
  const lists = new Map(names.map((name) => [name, [] as number[]]))
  const onRun = new Map<string, () => void>()
  const places = new Map(
    names.map((name) => {
      const place = times.place(name)
      place.asks((time) => {
        asked.push(`${name} at ${time}`)
        const list = lists.get(name) as number[]
        const due = list.sort((a, b) => a - b)[0]
        if (due === undefined) return null
        const run = (): void => {
          onRun.get(name)?.()
          list.shift()
          calls.push(`${name} of ${due}`)
        }
        return { time: due, key: null, run, passOver: () => void list.shift() }
      })
      return [name, place] as const
    }),
  )
  const due = (name: string, time: number): void => {
    lists.get(name)?.push(time)
    places.get(name)?.dueAt(time)
  }
  /** Does all that is due. */
  const reach = (time: number): void => {
    for (let next = times.first(time); next !== null; next = times.first(time)) next.work.run()
  }
  return { times, calls, asked, due, reach, onRun }
}

describe('due times', () => {
  it('ask nobody before a time has come, and then give what is due, once', () => {
    const { times, calls, asked, due, reach } = open('a', 'b')
    due('a', 10)
    reach(9)
    expect(asked).toEqual([])
    reach(12)
    reach(13)
    expect(calls).toEqual(['a of 10'])
    expect(times.next).toBe(never)
  })

  it('say whose it is', () => {
    const { times, due } = open('a', 'b')
    due('b', 3)
    expect(times.first(4)?.owner).toBe('b')
  })

  it('give all of who stands before another in the chain first', () => {
    const { calls, due, reach } = open('last', 'first')
    due('last', 5)
    due('first', 8)
    due('first', 7)
    reach(8)
    expect(calls).toEqual(['first of 7', 'first of 8', 'last of 5'])
  })

  it('give what became due by what one before it handed on, in the same turn', () => {
    const { times, calls, due, reach, onRun } = open('last', 'first')
    onRun.set('first', () => due('last', 6))
    due('first', 5)
    reach(8)
    expect(calls).toEqual(['first of 5', 'last of 6'])
    expect(times.next).toBe(never)
  })

  it('keep the least of all times: those asked for and those that are left', () => {
    const { times, calls, due, reach } = open('a', 'b')
    due('a', 10)
    due('a', 20)
    due('b', 15)
    expect(times.next).toBe(10)
    reach(10)
    expect(times.next).toBe(15)
    reach(15)
    expect(times.next).toBe(20)
    expect(calls).toEqual(['a of 10', 'b of 15'])
  })

  it('give the same again until it is done or struck off', () => {
    const { times, calls, due, reach } = open('b', 'a')
    due('a', 5)
    due('b', 6)
    expect(times.first(9)?.work.time).toBe(5)
    expect(times.first(9)?.work.time).toBe(5)
    expect(times.next).toBe(5)
    times.first(9)?.work.passOver()
    reach(9)
    expect(calls).toEqual(['b of 6'])
  })

  it('forget who says that there is nothing after all', () => {
    const times = new DueTimes<string>()
    const place = times.place('a')
    place.asks(() => null)
    place.dueAt(5)
    expect(times.first(6)).toBeNull()
    expect(times.next).toBe(never)
  })
})
