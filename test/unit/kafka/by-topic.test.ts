import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { byTopic, byTopicInOrder } from '../../../src/kafka/by-topic.ts'

const at = (topic: string, partition: number) => ({ topic, partition })

describe('what is said of partitions', () => {
  it('is grouped by topic, topics as they first appear and partitions in the order given', () => {
    const items = [at('b', 2), at('a', 0), at('b', 0), at('a', 1), at('b', 1)]
    expect(byTopic(items, ({ partition }) => partition)).toEqual([
      { name: 'b', partitions: [2, 0, 1] },
      { name: 'a', partitions: [0, 1] },
    ])
  })

  it('is nothing where nothing is said', () => {
    expect(byTopic([], () => 0)).toEqual([])
  })

  it('may come from any iterable, and each item is asked for its entry once', () => {
    const asked: number[] = []
    const items = new Map([
      ['x', at('t', 5)],
      ['y', at('t', 3)],
    ])
    const found = byTopic(items.values(), ({ partition }) => {
      asked.push(partition)
      return { index: partition }
    })
    expect(found).toEqual([{ name: 't', partitions: [{ index: 5 }, { index: 3 }] }])
    expect(asked).toEqual([5, 3])
  })

  it('is all there behind it, every topic once, even under names that objects have already', () => {
    const names = fc.constantFrom('a', 'b', '', '__proto__', 'constructor')
    fc.assert(
      fc.property(fc.array(fc.record({ topic: names, partition: fc.nat(9) })), (items) => {
        const groups = byTopic(items, (item) => item)
        expect(new Set(groups.map(({ name }) => name)).size).toBe(groups.length)
        for (const { name, partitions } of groups) {
          expect(partitions).toEqual(items.filter(({ topic }) => topic === name))
        }
        expect(groups.flatMap(({ partitions }) => partitions).length).toBe(items.length)
      }),
    )
  })
})

describe('what is said of partitions in an order that counts', () => {
  it('is grouped where it stands together, and a topic comes again behind another', () => {
    const items = [at('b', 2), at('b', 0), at('a', 0), at('b', 1), at('a', 1), at('a', 7)]
    expect(byTopicInOrder(items, ({ partition }) => partition)).toEqual([
      { name: 'b', partitions: [2, 0] },
      { name: 'a', partitions: [0] },
      { name: 'b', partitions: [1] },
      { name: 'a', partitions: [1, 7] },
    ])
  })

  it('keeps every item and their order, and no two groups that follow each other are of one topic', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ topic: fc.constantFrom('a', 'b', ''), partition: fc.nat(9) })), (items) => {
        const groups = byTopicInOrder(items, (item) => item)
        expect(groups.flatMap(({ partitions }) => partitions)).toEqual(items)
        for (const [i, { name, partitions }] of groups.entries()) {
          expect(groups[i + 1]?.name).not.toBe(name)
          expect(partitions.every(({ topic }) => topic === name)).toBe(true)
        }
      }),
    )
  })
})
