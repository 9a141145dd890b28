import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { InputEnd, tokenOf } from '../../../src/runtime/input-end.ts'
import { text } from '../../../src/serde/text.ts'
import type { InputSpec } from '../../../src/topology/plan.ts'
import type { TopicRef } from '../../../src/topology/topic-ref.ts'
import { BareApp } from '../../support/bare-app.ts'

const errors = { decode: 'fail', process: 'fail' } as const
const inputOf = (topic: TopicRef, until: { until?: 'end' } = {}): InputSpec => ({
  topic,
  key: text,
  value: text,
  errors,
  edges: [],
  sources: [],
  ...until,
})
const outside = inputOf({ role: 'external', name: 'orders' }, { until: 'end' })
const endless = inputOf({ role: 'external', name: 'orders' })
const inside = inputOf({ role: 'repartition', name: 'word' })
const repartition = 'app-word-repartition'

describe('a token', () => {
  it('is another for other parts, for more of them, and for another order', () => {
    const all = [[], [''], ['a'], ['b'], ['a', 'b'], ['b', 'a'], ['a', 'b', 'b'], ['orders-0@1'], ['orders-0@2']]
    const tokens = all.map(tokenOf)
    expect(new Set(tokens).size).toBe(all.length)
    expect(all.map(tokenOf)).toEqual(tokens)
  })

  it('is short, whatever it is made of', () => {
    expect(tokenOf(['x'.repeat(10_000)]).length).toBeLessThan(20)
  })
})

describe('the end of inputs', () => {
  let world: BareApp

  beforeEach(async () => {
    world = await BareApp.open()
    await world.createTopic('orders')
    await world.createTopic(repartition)
  })
  afterEach(() => world.close())

  const endOf = (...inputs: readonly InputSpec[]): InputEnd => new InputEnd(world.app, inputs)
  const orders = (position: number) => ({ topic: 'orders', partition: 0, position })
  const words = (position: number) => ({ topic: repartition, partition: 0, position })

  it('never comes for an outside topic that is not read to an end', async () => {
    expect(await endOf(endless).token([], [orders(0)])).toBeNull()
    expect(await endOf(inside, endless).token(['t'], [words(0), orders(0)])).toBeNull()
  })

  it('of an outside topic is where it was when its task was first opened: what comes later is another run’s', async () => {
    await world.write('orders', [['a', '1']])
    const end = endOf(outside)
    await end.fix([orders(0)])
    await world.write('orders', [['b', '2']])
    expect(await end.token([], [orders(1)])).toBeNull()
    const token = await end.token([], [orders(2)])
    expect(token).toBe(tokenOf(['orders-0@2']))
    expect(await end.token([], [orders(4)])).toBe(token)
    const reopened = endOf(outside)
    await reopened.fix([orders(2)])
    expect(await reopened.token([], [orders(4)])).toBe(token)
    world.app.inputEnds.clear()
    expect(await endOf(outside).token([], [orders(4)])).toBe(tokenOf(['orders-0@4']))
  })

  it('of an empty outside topic is at once', async () => {
    expect(await endOf(outside).token([], [orders(0)])).toBe(tokenOf(['orders-0@0']))
  })

  it('of an inside topic comes when all of it is taken', async () => {
    await world.write(repartition, [['a', '1']])
    const end = endOf(inside)
    expect(await end.token(['up'], [words(1)])).toBeNull()
    expect(await end.token(['up'], [words(2)])).toBe(tokenOf(['up']))
    await world.write(repartition, [['b', '2']])
    expect(await end.token(['up'], [words(2)])).toBeNull()
  })

  it('does not come while a transaction is open in an inside topic', async () => {
    const commit = await world.begin(repartition, [['a', '1']])
    const end = endOf(inside)
    expect(await end.token(['up'], [words(0)])).toBeNull()
    await commit(true)
    expect(await end.token(['up'], [words(2)])).toBe(tokenOf(['up']))
  })

  it('follows from the tokens upstream, each counted once, in any order', async () => {
    const end = endOf(inside)
    const token = await end.token(['b', 'a', 'b'], [words(0)])
    expect(token).toBe(tokenOf(['a', 'b']))
    expect(await end.token(['a', 'b'], [words(0)])).toBe(token)
    expect(await end.token(['a', 'c'], [words(0)])).not.toBe(token)
  })

  it('of both kinds together needs both', async () => {
    await world.write('orders', [['a', '1']])
    await world.write(repartition, [['a', '1']])
    const end = endOf(outside, inside)
    expect(await end.token(['up'], [orders(2), words(0)])).toBeNull()
    expect(await end.token(['up'], [orders(1), words(2)])).toBeNull()
    expect(await end.token(['up'], [orders(2), words(2)])).toBe(tokenOf(['up', 'orders-0@2']))
  })
})
