import { describe, expect, it } from 'vitest'
import { type Pipeline, pipeline, run, text, topic } from '../../src/index.ts'
import { filledSource } from '../support/connectors.ts'
import { runToEnd, scratch } from '../support/job-runner.ts'

describe('a job with little memory', () => {
  it('ends a merge of two topics of 80 partitions each, either of which alone is more than its budget', async () => {
    await using folder = await scratch()
    const partitions = 80
    const [key, value] = [text, text]
    const feed = pipeline('feed', ({ stream }) => {
      for (const name of ['x', 'y'])
        stream(filledSource(`source-${name}`, { partitions, count: 40, bytes: 1000 })).to(
          topic(name, { key, value, partitions }),
        )
    })
    await runToEnd(feed, null, { dataDirectory: folder.path })
    const merged = pipeline('merged', ({ stream }) => {
      const [x, y] = ['x', 'y'].map((name) => stream(topic(name, { key, value }), { until: 'end' }))
      x?.merge(y as NonNullable<typeof y>).to(topic('out', { key, value, partitions }))
    })
    const job = await run(merged as Pipeline, { dataDirectory: folder.path, memoryBytes: 100_000 })
    let committed = 0
    job.metrics$.subscribe(({ recordsCommitted }) => {
      committed = recordsCommitted
    })
    await job.done
    expect(committed).toBe(2 * 40 * partitions)
  })
})
