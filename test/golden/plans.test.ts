import { avro, count, int32, int64, json, pipeline, sum, text, topic } from 'millrace'
import { describe, expect, it } from 'vitest'
import wordCount from '../../pipelines/word-count.ts'
import { emptySource, forgetfulSink } from '../support/connectors.ts'

// What `describe` prints is what people read before they deploy, and what shows a change of a plan in review:
// `vitest -u` rewrites the texts, and the difference is looked at.

interface Order {
  readonly user: string
  readonly cents: number
}

/** One of each node, and every way in which records go through a topic. */
const everything = pipeline('everything', ({ stream }) => {
  const orders = topic('orders', { key: text, value: json<Order>() })
  const clicks = topic('clicks', {
    key: int32,
    value: avro<Order>(
      '{"type":"record","name":"Click","fields":[{"name":"user","type":"string"},{"name":"cents","type":"int"}]}',
    ),
  })
  const spend = topic('spend', {
    key: text,
    value: int64,
    partitions: 8,
    config: { 'retention.ms': '-1', 'cleanup.policy': 'compact' },
  })
  const audited = topic('audited', { key: text, value: json<Order>() })

  const order = stream(orders, { timestamp: (o) => o.cents, onDecodeError: 'skip', onProcessError: 'skip' })
  const click = stream(clicks, { until: 'end' }).keyBy('user', (c) => c.user)
  const both = order
    .filter((o) => o.cents > 0)
    .tap(() => {})
    .merge(click)
  const totals = both.aggregate('totals', { cents: sum((o) => o.cents), orders: count() })
  totals
    .updates()
    .map((total) => total?.cents ?? 0)
    .to(spend)
  totals.to(forgetfulSink('screen'))
  order.to(audited)

  const lines = stream(emptySource('lines', 2))
  lines.to(forgetfulSink('archive'))
  const words = lines.flatMap((line) => line.split(' ')).keyBy('word', (word) => word)
  const longest = words.reduce('longest', (a, b) => (a.length > b.length ? a : b))
  words.count('words')
  stream(audited)
    .keyBy('cents', (o) => o.cents, { key: int32 })
    .to(topic('by-cents', { key: int32, value: json<Order>() }))
  return { totals, longest }
})

describe('the text of a plan', () => {
  it('of word count', async () => {
    await expect(await wordCount.describe()).toMatchFileSnapshot('word-count/topology.txt')
  })

  it('of everything', async () => {
    await expect(await everything.describe()).toMatchFileSnapshot('everything/topology.txt')
  })
})
