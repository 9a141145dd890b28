import { describe, expect, it } from 'vitest'
import { textFiles } from '../../connectors/files/index.ts'
import { int64, pipeline, text, topic } from '../../src/index.ts'
import { simulationSeed } from '../support/seed.ts'
import { World } from '../support/world.ts'

const lines = Array.from({ length: 4000 }, (_, i) => `key${i % 23}`)
const counting = pipeline('counting', ({ stream }) => {
  const counts = stream(textFiles('lines', { files: '/in/*.txt', partitions: 4 }))
    .keyBy('key', (line) => line)
    .count('counts')
  counts.to(topic('counts', { key: text, value: int64 }))
})

describe('two instances of one application', () => {
  it('share the tasks, count each line once between them, and both find the end', async () => {
    const made = new World(simulationSeed(3))
    for (let file = 0; file < 6; file++)
      made.files.put(`/in/${file}.txt`, lines.slice(file * 600, (file + 1) * 600).join('\n'))
    await made.run(made.startBroker())
    const config = { commitIntervalMs: 40, commitShareMax: 1 }
    const held = await made.run(
      Promise.all(
        ['/data-1', '/data-2'].map((dataDirectory) => made.runToEnd(counting, 'counts', { ...config, dataDirectory })),
      ),
    )
    const expected = new Map<string, number>()
    for (const line of lines.slice(0, 3600)) expected.set(line, (expected.get(line) ?? 0) + 1)
    const output = await made.run(made.read('counts'))
    expect(new Map(output.records.map(({ key, value }) => [key.toString(), Number(value?.readBigInt64BE(0))]))).toEqual(
      expected,
    )
    expect(output.isSettled).toBe(true)
    const merged = held.flatMap((entries) => [...entries])
    expect(new Map(merged)).toEqual(expected)
  })
})
