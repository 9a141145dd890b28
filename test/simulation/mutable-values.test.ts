import { delay } from 'rxjs'
import { beforeEach, describe, expect, it } from 'vitest'
import { textFiles } from '../../connectors/files/index.ts'
import { type Pipeline, type PipelineBuilder, pipeline, structured, text, topic } from '../../src/index.ts'
import { simulationSeed } from '../support/seed.ts'
import { World } from '../support/world.ts'

interface Tally {
  n: number
}

const config = { dataDirectory: '/data', commitIntervalMs: 20, commitShareMax: 1, instanceId: 'one' }
const tally = structured<Tally>()

/** Counts in place. */
const counted = (state: Tally): Tally => {
  state.n++
  return state
}

let world: World
beforeEach(async () => {
  world = new World(simulationSeed(5))
  world.files.put('/in/a.txt', 'a\nb\nc\nd\n')
  await world.run(world.startBroker())
})

const build = (of: (lines: ReturnType<typeof lineStream>) => void): Pipeline =>
  pipeline('tallies', (builder) => of(lineStream(builder))) as Pipeline

function lineStream({ stream }: PipelineBuilder) {
  return stream(textFiles('lines', { files: '/in/*.txt', partitions: 1 }))
}

describe('a state that is changed in place (X6)', () => {
  it('is one store’s alone, also when it began as the value of a record that another store folds', async () => {
    const add = (state: Tally, value: Tally): Tally => {
      state.n += value.n
      return state
    }
    const reduced = build((lines) => {
      const keyed = lines.map((): Tally => ({ n: 1 })).keyBy('key', () => 'k', { key: text, value: tally })
      keyed.reduce('one', add)
      keyed.reduce('two', add)
    })
    const held = await world.run(world.runToEnd(reduced, 'two', config))
    expect(held.get('k')).toEqual({ n: 4 })
  })

  it('is one store’s alone, also when two stores fold the very value that user code made', async () => {
    await world.run(world.outside.createTopic('in', 1))
    const record = (timestamp: number) => ({ key: Buffer.from('k'), value: Buffer.from('v'), timestamp })
    await world.run(world.outside.write('in', [1, 2, 3, 4].map(record)))
    const add = (state: Tally, value: Tally): Tally => {
      state.n += value.n
      return state
    }
    const reduced = pipeline('tallies', ({ stream }) => {
      const made = stream(topic('in', { key: text, value: text }), { until: 'end' }).map((): Tally => ({ n: 1 }))
      made.reduce('one', add)
      made.reduce('two', add)
    }) as Pipeline
    for (const store of ['one', 'two']) {
      const held = await world.run(world.runToEnd(reduced, store, { ...config, dataDirectory: `/${store}` }))
      expect(held.get('k')).toEqual({ n: 4 })
    }
  })

  it('is handed on as it is at that moment: a store behind it keeps what it was told', async () => {
    const first = build((lines) => {
      lines
        .keyBy('key', () => 'k')
        .aggregate('all', () => ({ n: 0 }), counted, tally)
        .updates()
        .reduce('first', (state) => state)
    })
    const held = await world.run(world.runToEnd(first, 'first', config))
    expect(held.get('k')).toEqual({ n: 1 })
  })

  it('is handed on as it is at that moment, also to what waits', async () => {
    world.files.put('/in/a.txt', 'a\n')
    const waiting = build((lines) => {
      lines
        .keyBy('key', () => 'k')
        .flatMap(() => [1, 2, 3])
        .aggregate('all', () => ({ n: 0 }), counted, tally)
        .updates()
        .pipe(delay(5))
        .to(topic('out', { key: text, value: structured<Tally | null>() }))
    })
    await world.run(world.runToEnd(waiting, 'all', config))
    const { records } = await world.run(world.read('out'))
    expect(records.map(({ value }) => tally.deserialize(value as Buffer).n)).toEqual([1, 2, 3])
  })
})
