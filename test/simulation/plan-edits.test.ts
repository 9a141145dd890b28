import { describe, expect, it } from 'vitest'
import { textFiles } from '../../connectors/files/index.ts'
import {
  int64,
  nothing,
  nullable,
  type Pipeline,
  type PipelineBuilder,
  pipeline,
  type Stream,
  text,
  topic,
} from '../../src/index.ts'
import type { Job } from '../../src/job/job.ts'
import { resolveJobConfig, startJob } from '../../src/job/run.ts'
import { simulationSeed } from '../support/seed.ts'
import { World } from '../support/world.ts'

const sources = ({ stream }: PipelineBuilder) => ({
  orders: stream(textFiles('orders', { files: '/orders/*.txt', partitions: 2 })),
  returns: stream(textFiles('returns', { files: '/returns/*.txt', partitions: 2 })),
})
const lines = (name: string) => topic(name, { key: nothing, value: text, partitions: 2 })
const numbers = (name: string) => topic(name, { key: text, value: int64, partitions: 2 })
type Lines = Stream<null, string>
const keyed = (stream: Lines, name: string) => stream.keyBy(name, (line) => line)

/** The pipeline as it was: two sides that know nothing of each other, each counted, one handed on. */
function before(builder: PipelineBuilder): void {
  const { orders, returns } = sources(builder)
  keyed(orders, 'order').count('ordered').to(numbers('ordered'))
  keyed(returns, 'return').count('returned')
}

/** What an edit makes of it. What the two stores count is the same in each. */
const edits: Readonly<Record<string, (builder: PipelineBuilder) => void>> = {
  'a tap before the key': (builder) => {
    const { orders, returns } = sources(builder)
    keyed(
      orders.tap(() => undefined),
      'order',
    )
      .count('ordered')
      .to(numbers('ordered'))
    keyed(returns, 'return').count('returned')
  },
  'a filter and a map before the key': (builder) => {
    const { orders, returns } = sources(builder)
    keyed(
      orders.filter((line) => line !== 'no such line').map((line) => line),
      'order',
    )
      .count('ordered')
      .to(numbers('ordered'))
    keyed(returns, 'return').count('returned')
  },
  'lines swapped': (builder) => {
    const { orders, returns } = sources(builder)
    keyed(returns, 'return').count('returned')
    keyed(orders, 'order').count('ordered').to(numbers('ordered'))
  },
  'sources swapped': (builder) => {
    const returns = builder.stream(textFiles('returns', { files: '/returns/*.txt', partitions: 2 }))
    const orders = builder.stream(textFiles('orders', { files: '/orders/*.txt', partitions: 2 }))
    keyed(orders, 'order').count('ordered').to(numbers('ordered'))
    keyed(returns, 'return').count('returned')
  },
  'a sink more': (builder) => {
    const { orders, returns } = sources(builder)
    orders.to(lines('all-orders'))
    keyed(orders, 'order').count('ordered').to(numbers('ordered'))
    keyed(returns, 'return').count('returned').to(numbers('returned'))
  },
  'a sink less': (builder) => {
    const { orders, returns } = sources(builder)
    keyed(orders, 'order').count('ordered')
    keyed(returns, 'return').count('returned')
  },
  'a store more behind the same key': (builder) => {
    const { orders, returns } = sources(builder)
    const byOrder = keyed(orders, 'order')
    byOrder.count('ordered').to(numbers('ordered'))
    byOrder.count('ordered-since')
    keyed(returns, 'return').count('returned')
  },
  'a store more behind another key': (builder) => {
    const { orders, returns } = sources(builder)
    keyed(orders, 'order').count('ordered').to(numbers('ordered'))
    orders.keyBy('length', (line) => String(line.length)).count('lengths')
    keyed(returns, 'return').count('returned')
  },
  'a source more': (builder) => {
    const { orders, returns } = sources(builder)
    keyed(orders, 'order').count('ordered').to(numbers('ordered'))
    keyed(returns, 'return').count('returned')
    builder.stream(textFiles('more', { files: '/more/*.txt', partitions: 1 })).to(lines('more-lines'))
  },
  'both sides merged into a sink, which makes two sub-topologies one': (builder) => {
    const { orders, returns } = sources(builder)
    const [byOrder, byReturn] = [keyed(orders, 'order'), keyed(returns, 'return')]
    byOrder.count('ordered').to(numbers('ordered'))
    byReturn.count('returned')
    orders.merge(returns).to(lines('both'))
  },
  'tables merged into a sink, which makes tasks with stores one': (builder) => {
    const { orders, returns } = sources(builder)
    const ordered = keyed(orders, 'order').count('ordered')
    ordered.to(numbers('ordered'))
    ordered
      .updates()
      .merge(keyed(returns, 'return').count('returned').updates())
      .to(topic('both', { key: text, value: nullable(int64), partitions: 2 }))
  },
  'a tap behind the key, which needs the values': (builder) => {
    const { orders, returns } = sources(builder)
    keyed(orders, 'order')
      .tap(() => undefined)
      .count('ordered')
      .to(numbers('ordered'))
    keyed(returns, 'return').count('returned')
  },
}

const config = { commitIntervalMs: 40, follow: true, appId: 'edited' }
const made = (build: (builder: PipelineBuilder) => void): Pipeline =>
  pipeline('edited', (builder) => {
    build(builder)
  }) as Pipeline

describe('an edited pipeline, rolled out process by process while lines come in', () => {
  it.each(Object.keys(edits))('counts every line once: %s, and back', async (name) => {
    const world = new World(simulationSeed(11))
    await world.run(world.startBroker())
    const { clock } = world.simulation.actor('user')
    const expected = new Map<string, number>()
    let files = 0
    world.files.put('/more/0.txt', 'one more\n')
    /** Some lines on each side. */
    const write = (): void => {
      for (const side of ['orders', 'returns']) {
        const content = Array.from({ length: 40 }, (_, i) => `${side}${(i * 7 + files) % 11}`)
        for (const line of content) expected.set(line, (expected.get(line) ?? 0) + 1)
        world.files.put(`/${side}/${files++}.txt`, `${content.join('\n')}\n`)
      }
    }
    const start = (instanceId: string, build: (builder: PipelineBuilder) => void): Promise<Job> => {
      const resolved = resolveJobConfig({ ...config, dataDirectory: `/${instanceId}`, instanceId, leave: true })
      return startJob(made(build), resolved, world.instance().ports)
    }
    const after = edits[name] as (builder: PipelineBuilder) => void
    write()
    const jobs = await world.run(Promise.all([start('one', before), start('two', before)]))
    await world.run(clock.sleep(3000))
    for (const build of [after, before]) {
      for (const [at, instanceId] of ['one', 'two'].entries()) {
        write()
        await world.run(clock.sleep(300))
        await world.run((jobs[at] as Job).stop())
        await world.run((jobs[at] as Job).done)
        jobs[at] = await world.run(start(instanceId, build))
        write()
        await world.run(clock.sleep(5000))
      }
    }
    for (const job of jobs) await world.run(job.stop())
    const counts = new Map<string, number>()
    for (const store of ['ordered', 'returned']) {
      const { records } = await world.run(world.read(`edited-${store}-changelog`))
      for (const { key, value } of records) {
        if (key[0] === 1) counts.set(key.subarray(1).toString(), Number(value?.readBigInt64BE(0)))
      }
    }
    expect(new Map([...counts].sort())).toEqual(new Map([...expected].sort()))
  })
})
