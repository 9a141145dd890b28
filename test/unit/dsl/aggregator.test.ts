import {
  type Aggregator,
  collect,
  count,
  first,
  last,
  max,
  min,
  pipeline,
  structured,
  sum,
  text,
  topic,
} from 'millrace'
import { describe, expect, it } from 'vitest'
import type { AggregateNode } from '../../../src/topology/node.ts'

interface Sale {
  readonly at: Date
  readonly cents: number
  readonly big: bigint
  readonly note?: string
}
const sales: readonly Sale[] = [
  { at: new Date(2), cents: 30, big: 3n },
  { at: new Date(3), cents: 10, big: 1n, note: 'b' },
  { at: new Date(1), cents: 20, big: 2n, note: 'a' },
]

const folded = <R>(aggregator: Aggregator<Sale, R>): unknown =>
  sales.reduce<unknown>((before, sale) => aggregator.fold(before, sale), undefined)

describe('aggregators', () => {
  it('count', () => expect(folded(count())).toBe(3))

  it('sum numbers and bigints', () => {
    expect(folded(sum((s) => s.cents))).toBe(60)
    expect(folded(sum((s) => s.big))).toBe(6n)
  })

  it('find the least and the greatest of numbers, bigints, texts and dates', () => {
    expect(folded(min((s) => s.cents))).toBe(10)
    expect(folded(max((s) => s.big))).toBe(3n)
    expect(folded(min((s) => s.at))).toEqual(new Date(1))
    expect(folded(max((s) => s.note ?? ''))).toBe('b')
  })

  it('keep the first value that is one, and the last', () => {
    expect(folded(first((s) => s.note))).toBe('b')
    expect(folded(first((s) => s.cents))).toBe(30)
    expect(folded(last((s) => s.cents))).toBe(20)
  })

  it('collect all, or as many as the limit says', () => {
    expect(folded(collect((s) => s.cents))).toEqual([30, 10, 20])
    expect(folded(collect((s) => s.cents, { limit: 2 }))).toEqual([30, 10])
  })
})

describe('aggregate by fields', () => {
  const fold = async (): Promise<AggregateNode> => {
    const topicOfSales = topic('sales', { key: text, value: structured<Sale>() })
    const { nodes } = await pipeline('p', ({ stream }) => {
      stream(topicOfSales).aggregate('s', {
        n: count(),
        all: collect((s) => s.big),
        from: min((s) => s.at),
        note: first((s) => s.note),
      })
    }).build()
    return nodes[1] as AggregateNode
  }

  it('gives a new state for each value, and leaves the old as it was', async () => {
    const node = await fold()
    const states = [node.seed?.()]
    for (const sale of sales) states.push(node.fold(states.at(-1), sale, 'k'))
    expect(states).toEqual([
      {},
      { n: 1, all: [3n], from: new Date(2), note: undefined },
      { n: 2, all: [3n, 1n], from: new Date(2), note: 'b' },
      { n: 3, all: [3n, 1n, 2n], from: new Date(1), note: 'b' },
    ])
  })

  it('goes on the same from a state that was stored and read', async () => {
    const node = await fold()
    const serde = node.store.value
    let kept: unknown = node.seed?.()
    let stored: unknown = node.seed?.()
    for (const sale of sales) {
      kept = node.fold(kept, sale, 'k')
      stored = serde.deserialize(serde.serialize(node.fold(stored, sale, 'k')))
    }
    expect(stored).toEqual(kept)
  })
})
