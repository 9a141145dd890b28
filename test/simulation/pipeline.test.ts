import { describe, expect, it } from 'vitest'
import { StreamError } from '../../src/core/errors.ts'
import type { StepHook, StepName } from '../../src/core/steps.ts'
import { int64, nullable, type Pipeline, pipeline, text, topic } from '../../src/index.ts'
import { reservedPrefix } from '../../src/state/row-format.ts'
import type { SimulatedInstance } from '../../src/testing/index.ts'
import { simulationSeed } from '../support/seed.ts'
import { World } from '../support/world.ts'

/** What becomes of the transaction behind a cut when the one before it is held up, fails, or dies (X15). */

const half = 600
const total = 2 * half
const keys = 40
const config = { dataDirectory: '/data', commitIntervalMs: 20, instanceId: 'one' }

/** What a step fails with when its answer is lost: the outcome is unknown then. */
const doubt = new StreamError('TRANSACTION_UNKNOWN', 'the answer was lost, as asked', { action: 'reset-task' })

const records = (from: number, count: number, value: Buffer = Buffer.from('v')) =>
  Array.from({ length: count }, (_, n) => ({ key: Buffer.from(`k${(from + n) % keys}`), value, timestamp: from + n }))

/** Half of the records, and a job that counts them and shows how far it has worked. */
async function open() {
  // Version 1 has every step that version 2 has, and one more.
  const world = new World(simulationSeed(31), 1)
  await world.run(world.startBroker())
  await world.run(world.outside.createTopic('in', 1))
  await world.run(world.outside.createTopic('out', 1))
  await world.run(world.outside.write('in', records(0, half)))
  const work = { processed: 0 }
  const counting = pipeline('counting', ({ stream }) => {
    stream(topic('in', { key: text, value: text }))
      .filter(() => ++work.processed > 0)
      .count('counts')
      .updates()
      .to(topic('out', { key: text, value: nullable(int64) }))
  }) as Pipeline
  const { clock } = world.simulation.actor('user')
  const allOut = async (): Promise<void> => {
    while ((await world.outside.read('out')).records.length < total) await clock.sleep(50)
  }
  /** Follows the input until all is out. */
  const run = (instance: SimulatedInstance = world.instance()) =>
    world.runToEnd(counting, 'counts', config, instance, allOut())
  return { world, work, clock, run }
}

type Made = Awaited<ReturnType<typeof open>>

/** Every count is there once, in the store, the output and the changelog, and no transaction is open. */
async function check({ world }: Made, held: ReadonlyMap<string, unknown>): Promise<void> {
  const each = new Map(Array.from({ length: keys }, (_, k) => [`k${k}`, total / keys]))
  const sorted = (map: ReadonlyMap<string, unknown>) => new Map([...map].sort())
  expect(sorted(held)).toEqual(sorted(each))
  const output = await world.run(world.read('out'))
  expect(output.isSettled).toBe(true)
  // Every update is handed on, so each count of a key stands there once, in order.
  const seen = new Map<string, number[]>()
  for (const { key, value } of output.records) {
    const name = key.toString()
    seen.set(name, [...(seen.get(name) ?? []), Number(value?.readBigInt64BE(0))])
  }
  const all = Array.from({ length: total / keys }, (_, n) => n + 1)
  for (const name of each.keys()) expect(seen.get(name), `updates of ${name}`).toEqual(all)
  const changelog = await world.run(world.read('counting-counts-changelog'))
  const folded = new Map<string, number>()
  for (const { key, value } of changelog.records) {
    if (key[0] !== reservedPrefix) folded.set(key.subarray(1).toString(), Number(value?.readBigInt64BE(0)))
  }
  expect(sorted(folded)).toEqual(sorted(each))
}

const heldUpMs = 60

/**
 * Holds a step of the first commit with records up until the other half of them is here and was worked on, and then lets
 * something happen.
 */
function heldUp(made: Made, at: StepName, happens: (effect: () => Promise<unknown>) => Promise<unknown>) {
  const { world, work, clock } = made
  const behind = { records: 0 }
  let isOver = false
  const hook: StepHook = async (name, effect) => {
    if (name !== at || work.processed === 0 || isOver) return effect()
    isOver = true
    const before = work.processed
    await world.outside.write('in', records(half, half))
    await clock.sleep(heldUpMs)
    behind.records = work.processed - before
    return (await happens(effect)) as Awaited<ReturnType<typeof effect>>
  }
  return { hook, behind }
}

const steps = ['B1.produce', 'B2.addOffsets', 'B2.txnOffsetCommit', 'B3.endTxn', 'B4.writeStore'] satisfies StepName[]

describe('the transaction behind a cut', () => {
  it.each(steps)('is worked on while %s takes its time, and nothing is lost', async (at) => {
    const made = await open()
    const { hook, behind } = heldUp(made, at, (effect) => effect())
    const held = await made.world.run(made.run(made.world.instance([], hook)))
    expect(behind.records).toBe(half)
    await check(made, held)
    expect(made.work.processed).toBe(total)
  })

  it.each(steps)('is lost when the process dies at %s, and done again', async (at) => {
    for (const when of ['before', 'after'] as const) {
      const made = await open()
      let dying: SimulatedInstance | null = null
      const { hook, behind } = heldUp(made, at, async (effect) => {
        if (when === 'after') await effect()
        dying?.kill()
        return new Promise(() => undefined)
      })
      dying = made.world.instance([], hook)
      expect(await made.world.run(Promise.race([dying.killed, made.run(dying)]))).toBeNull()
      expect(behind.records).toBe(half)
      await check(made, await made.world.run(made.run()))
    }
  })

  it.each(steps)('is dropped with the one before it when %s fails, and both are done again', async (at) => {
    for (const when of ['before', 'after'] as const) {
      const made = await open()
      const { hook, behind } = heldUp(made, at, async (effect) => {
        if (when === 'after') await effect()
        throw doubt
      })
      const instance = made.world.instance([], hook)
      const held = await made.world.run(made.run(instance))
      expect(behind.records).toBe(half)
      expect(instance.script.seen.get('A1.initProducerId')).toBe(2)
      await check(made, held)
    }
  })

  it('need not be there for a thread that has nothing else to do to hear that its commit failed', async () => {
    const made = await open()
    const { world, work, clock } = made
    let isOver = false
    const hook: StepHook = async (name, effect) => {
      if (name !== 'B3.endTxn' || work.processed < half || isOver) return effect()
      isOver = true
      await clock.sleep(heldUpMs)
      throw doubt
    }
    const instance = world.instance([], hook)
    const running = made.run(instance)
    await world.run(clock.sleep(3000))
    // Nothing came meanwhile: what was lost is done again for its own sake.
    expect([isOver, instance.script.seen.get('A1.initProducerId')]).toEqual([true, 2])
    await world.run(world.outside.write('in', records(half, half)))
    await check(made, await world.run(running))
  })

  it('is not sent before the one before it is known, and no larger than what may be sent and unacknowledged', async () => {
    const { world, work, clock } = await open()
    for (const name of ['big', 'echoed']) await world.run(world.outside.createTopic(name, 1))
    const many = 6000
    for (let from = 0; from < many; from += 1000) {
      await world.run(world.outside.write('big', records(from, 1000, Buffer.alloc(1000))))
    }
    let produced = 0
    let behind = { records: 0, produced: 0 }
    const hook: StepHook = async (name, effect) => {
      if (name === 'B1.produce') produced++
      if (name !== 'B3.endTxn' || work.processed === 0 || behind.records > 0) return effect()
      const before = produced
      await clock.sleep(5000)
      const { processed } = work
      const sent = produced - before
      const ended = await effect()
      const known = await world.outside.read('echoed')
      behind = { records: processed - known.records.length, produced: sent }
      return ended
    }
    const echo = pipeline('echo', ({ stream }) => {
      stream(topic('big', { key: text, value: text }), { until: 'end' })
        .filter(() => ++work.processed > 0)
        .to(topic('echoed', { key: text, value: text }))
    }) as Pipeline
    // 16 parts, one of which is for what is sent: 256 KiB, passed by a batch of the same size.
    const small = { ...config, commitIntervalMs: 1, memoryBytes: 16 * 256 * 1024 }
    await world.run(world.runToEnd(echo, null, small, world.instance([], hook)))
    expect(behind.produced).toBe(0)
    expect(behind.records).toBeGreaterThan(200)
    // Work takes no time here: a slice of it is 1,600 records.
    expect(behind.records).toBeLessThan(2000)
    const out = await world.run(world.read('echoed'))
    expect(out.records.map(({ timestamp }) => timestamp)).toEqual(Array.from({ length: many }, (_, n) => n))
  })
})
