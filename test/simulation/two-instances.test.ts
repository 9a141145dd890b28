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

  it('share the tasks of each sub-topology when the second comes later: half of those that count, half of those that read', async () => {
    const world = new World(simulationSeed(3))
    await world.run(world.startBroker())
    const { clock } = world.simulation.actor('user')
    const write = (round: number): void => {
      for (let file = 0; file < 8; file++) world.files.put(`/in/${round}-${file}.txt`, lines.slice(0, 400).join('\n'))
    }
    const isOver = clock.sleep(30_000)
    const start = (name: string): Promise<unknown> =>
      world.runToEnd(counting, 'counts', { dataDirectory: `/${name}`, instanceId: name }, world.instance(), isOver)
    write(1)
    const first = start('first')
    await world.run(clock.sleep(5000))
    const second = start('second')
    await world.run(clock.sleep(10_000))
    write(2)
    await world.run(clock.sleep(5000))
    for (const topic of ['counting-lines-positions', 'counting-key-repartition']) {
      const by = (await world.run(world.outside.committed('counting', topic))).map((last) => last?.by)
      expect(by.sort(), topic).toEqual([
        'counting-first-0',
        'counting-first-0',
        'counting-second-0',
        'counting-second-0',
      ])
    }
    await world.run(Promise.all([first, second]))
  })
})
