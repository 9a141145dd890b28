import { describe, expect, it } from 'vitest'
import { LaneOrder } from '../../../src/kafka/lane-order.ts'
import { gate, quiet } from '../../support/scripted-transport.ts'

describe('the order of a lane', () => {
  it('begins a request only when the one before it has settled', async () => {
    const order = new LaneOrder()
    const first = gate()
    const begun: string[] = []
    const send = (name: string, until: Promise<void>) =>
      order.run('data', 1, async () => {
        begun.push(name)
        await until
        return name
      })
    const all = [send('a', first.opened), send('b', Promise.resolve()), send('c', Promise.resolve())]
    await quiet()
    expect(begun).toEqual(['a'])
    first.open()
    expect(await Promise.all(all)).toEqual(['a', 'b', 'c'])
    expect(begun).toEqual(['a', 'b', 'c'])
  })

  it('goes on behind a request that fails, and the failure is only its own', async () => {
    const order = new LaneOrder()
    const failed = order.run('group', 1, () => Promise.reject(new Error('refused')))
    const thrown = order.run('group', 1, () => {
      throw new Error('thrown')
    })
    const next = order.run('group', 1, async () => 'answered')
    await expect(failed).rejects.toThrow('refused')
    await expect(thrown).rejects.toThrow('thrown')
    expect(await next).toBe('answered')
  })

  it('holds for one lane to one broker: other lanes and other brokers do not wait', async () => {
    const order = new LaneOrder()
    const held = gate()
    const slow = order.run('group', 1, () => held.opened)
    expect(await order.run('data', 1, async () => 'other lane')).toBe('other lane')
    expect(await order.run('group', 2, async () => 'other broker')).toBe('other broker')
    const behind: string[] = []
    const last = order.run('group', 1, async () => void behind.push('same lane'))
    await quiet()
    expect(behind).toEqual([])
    held.open()
    await Promise.all([slow, last])
    expect(behind).toEqual(['same lane'])
  })

  it('is kept by requests that are given while another is under way', async () => {
    const order = new LaneOrder()
    const begun: number[] = []
    const inner: Promise<void>[] = []
    const note = (n: number) => order.run('fetch', 1, async () => void begun.push(n))
    await order.run('fetch', 1, async () => {
      begun.push(0)
      inner.push(note(1), note(2))
    })
    await Promise.all([...inner, note(3)])
    expect(begun).toEqual([0, 1, 2, 3])
  })
})
