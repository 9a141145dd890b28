import { describe, expect, it } from 'vitest'
import type { JobConfig } from '../../src/index.ts'
import { type Pipeline, pipeline, text, topic } from '../../src/index.ts'
import { resolveJobConfig, startJob } from '../../src/job/run.ts'
import { simulationSeed } from '../support/seed.ts'
import { World } from '../support/world.ts'

const counting = pipeline('counting', ({ stream }) => {
  stream(topic('in', { key: text, value: text })).count('counts')
}) as Pipeline

const records = (count: number) =>
  Array.from({ length: count }, (_, n) => ({ key: Buffer.from(`k${n % 100}`), value: Buffer.from('v'), timestamp: n }))

/** A world with a topic of so many records, and a job that follows it. */
async function open(loaded: number, config: JobConfig) {
  const world = new World(simulationSeed(23))
  await world.run(world.startBroker())
  await world.run(world.outside.createTopic('in', 1))
  if (loaded > 0) await world.run(world.outside.write('in', records(loaded)))
  const { clock } = world.simulation.actor('user')
  const instance = world.instance()
  const resolved = resolveJobConfig({ dataDirectory: '/data', follow: true, ...config })
  const job = await world.run(startJob(counting, resolved, instance.ports))
  const commits = (): number => instance.script.seen.get('B4.writeStore') ?? 0
  return { world, clock, job, commits, pass: (ms: number) => world.run(clock.sleep(ms)) }
}

describe('a job that has caught up', () => {
  it('commits what comes at once, however long its interval is', async () => {
    const { world, job, commits, pass } = await open(0, { commitIntervalMs: 60_000 })
    await pass(1000)
    for (let n = 1; n <= 5; n++) {
      await world.run(world.outside.write('in', records(3)))
      await pass(100)
      expect(commits()).toBe(n)
    }
    await world.run(job.stop())
  })

  it('has no transaction while nothing comes', async () => {
    const { job, commits, pass, world } = await open(3, {})
    await pass(1000)
    expect(commits()).toBe(1)
    await pass(60_000)
    expect(commits()).toBe(1)
    await world.run(job.stop())
    expect(commits()).toBe(1)
  })

  it('commits no closer than its least interval', async () => {
    const { world, job, commits, pass } = await open(0, { commitMinIntervalMs: 80 })
    await pass(1000)
    const before = world.simulation.nowMs
    for (let n = 0; n < 20; n++) await world.run(world.outside.write('in', records(3)))
    await pass(200)
    expect(commits()).toBeGreaterThan(2)
    expect(commits()).toBeLessThanOrEqual(Math.ceil((world.simulation.nowMs - before) / 80))
    await world.run(job.stop())
  })
})

describe('a job that is behind', () => {
  it('commits at its interval, and no more often', async () => {
    const { world, job, commits, pass } = await open(60_000, { commitIntervalMs: 40, commitShareMax: 1 })
    const began = world.simulation.nowMs
    const counted = async (): Promise<number> => {
      let sum = 0
      for await (const [, count] of job.storeNamed('counts')) sum += Number(count)
      return sum
    }
    while ((await world.run(counted())) < 60_000) await pass(20)
    // Most of it is start: what counts is that it is not a commit every 10 ms.
    expect(commits()).toBeGreaterThan(1)
    expect(commits()).toBeLessThanOrEqual(Math.ceil((world.simulation.nowMs - began) / 40) + 1)
    await world.run(job.stop())
  })
})
