import { concatMap, delay, of } from 'rxjs'
import { beforeEach, describe, expect, it } from 'vitest'
import { type Pipeline, pipeline, type Stream, structured, text, topic } from '../../src/index.ts'
import type { ScriptedEvent } from '../../src/testing/index.ts'
import { tickMs, windowMs, withClocked } from '../support/clocked-operator.ts'
import type { OutsideRecord, Seen } from '../support/outside-client.ts'
import { simulationSeed } from '../support/seed.ts'
import { World } from '../support/world.ts'

/** Work that no record begins, in whole jobs: by stream time, by the wall clock, and at the end of bounded inputs. */

const config = { dataDirectory: '/data', commitIntervalMs: 20, commitShareMax: 1, instanceId: 'one' }
const operators = withClocked('windows')
const said = topic('said', { key: text, value: text, partitions: 2 })

/** What the clocked operator says goes through `behind`, to a topic, and is counted by key where it closes something. */
function closing(behind: (told: Stream<string, string>) => Stream<string, string> = (told) => told): Pipeline {
  return pipeline('closing', ({ stream }) => {
    const lines = stream(topic('in', { key: text, value: text }), { until: 'end', onProcessError: 'skip' })
    const told = behind(
      lines
        .aggregate(
          'windows',
          () => '',
          (state) => state,
          structured<string>(),
        )
        .updates()
        .map((one) => one ?? ''),
    )
    told.to(said)
    told
      .filter((one) => one.startsWith('closed'))
      .keyBy('closed', (_, key) => key)
      .count('closed')
  }) as Pipeline
}

/** Which of the two tasks gets a key. */
const taskOf = (key: string): number => Number(key.slice(3)) % 2

/** Ties, late records, and jumps that close several windows of several keys at once. */
function inputOf(from: number, count: number): readonly OutsideRecord[] {
  return Array.from({ length: count }, (_, i) => {
    const n = from + i
    const timestamp = 1_700_000_000_000 + n * 170 + (n % 11 === 0 ? 3 * windowMs : 0) - (n % 7 === 0 ? 4000 : 0)
    return { key: Buffer.from(`key${n % 5}`), value: Buffer.from('x'), timestamp, partition: taskOf(`key${n % 5}`) }
  })
}

/** What a partition's task has to say, by definition: time moves, what that closes is said, then the record counts (R5). */
function naive(records: readonly OutsideRecord[], leavesOut: (end: number, key: string) => boolean = () => false) {
  const told: string[] = []
  const open = new Map<string, { readonly end: number; readonly key: string; count: number }>()
  let time = -1
  const close = (until: number): void => {
    const due = [...open].filter(([, { end }]) => end <= until)
    due.sort(([, a], [, b]) => a.end - b.end || (a.key < b.key ? -1 : 1))
    for (const [id, { end, key, count }] of due) {
      if (!leavesOut(end, key)) told.push(`${key}: closed ${end} ${count}`)
      open.delete(id)
    }
  }
  for (const { key: bytes, timestamp } of records) {
    time = Math.max(time, timestamp)
    close(time)
    const key = String(bytes)
    const end = (Math.floor(timestamp / windowMs) + 1) * windowMs
    if (end <= time) told.push(`${key}: late`)
    else {
      const window = open.get(`${end} ${key}`) ?? { end, key, count: 0 }
      window.count++
      open.set(`${end} ${key}`, window)
    }
  }
  close(Number.POSITIVE_INFINITY)
  return told
}

const told = (records: readonly Seen[]): string[] => records.map(({ key, value }) => `${key}: ${value}`)
const keyOf = (one: string): string => one.slice(0, one.indexOf(':'))

/**
 * Checks all that was said of windows, record by record: each partition of the output has what the keys in it say, in the order
 * in which their task says it.
 * @returns what there was to say
 */
function checkSaid(
  seen: readonly Seen[],
  input: readonly OutsideRecord[],
  leavesOut?: (end: number, key: string) => boolean,
): readonly string[] {
  const all = [0, 1].map((task) =>
    naive(
      input.filter(({ partition }) => partition === task),
      leavesOut,
    ),
  )
  for (const [task, expected] of all.entries()) {
    for (const partition of [0, 1]) {
      const here = told(seen.filter((record) => record.partition === partition && `${record.key}`.startsWith('key')))
      const keys = new Set(here.map(keyOf))
      expect(here.filter((one) => taskOf(keyOf(one)) === task)).toEqual(expected.filter((one) => keys.has(keyOf(one))))
    }
  }
  const keys = new Set(told(seen).map(keyOf))
  expect([...new Set(all.flat().map(keyOf))].filter((key) => !keys.has(key))).toEqual([])
  return all.flat()
}

let world: World
beforeEach(async () => {
  world = new World(simulationSeed(23))
  await world.run(world.startBroker())
  await world.run(world.outside.createTopic('in', 2))
})

/** Runs to the end, whatever kills the lives before the last. */
async function runThrough(pipe: Pipeline, scripts: readonly (readonly ScriptedEvent[])[]) {
  for (const script of scripts) {
    const instance = world.instance(script, undefined, operators)
    await world.run(Promise.race([instance.killed, world.runToEnd(pipe, 'closed', config, instance)]))
  }
  const held = await world.run(world.runToEnd(pipe, 'closed', config, world.instance([], undefined, operators)))
  return { held, seen: (await world.run(world.read('said'))).records }
}

const kills = [1, 2, 3, 4].flatMap((occurrence) => [
  [{ at: 'B3.endTxn', occurrence, when: 'before', do: 'kill' }],
  [{ at: 'B3.endTxn', occurrence, when: 'after', do: 'kill' }],
  [{ at: 'B4.writeStore', occurrence, when: 'before', do: 'kill' }],
]) as readonly (readonly ScriptedEvent[])[]

/** Each key is counted as often as something of it was closed. */
function countsOf(expected: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const one of expected) {
    const [key, what] = one.split(/:? /) as [string, string]
    if (what === 'closed') counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  return counts
}

describe('work by stream time and at the end', () => {
  it('is done once, in its order, before the record that makes it due, wherever the process dies', async () => {
    const input = inputOf(0, 300)
    await world.run(world.outside.write('in', input))
    const { held, seen } = await runThrough(closing(), kills)
    expect(held).toEqual(countsOf(checkSaid(seen, input)))
  })

  it('waits for user code behind it, and so does the record that made it due, and the end', async () => {
    const input = inputOf(0, 80)
    await world.run(world.outside.write('in', input))
    const slow = closing((all) => all.pipe(concatMap((one) => of(one).pipe(delay(one.length % 3 === 0 ? 7 : 0)))))
    const { held, seen } = await runThrough(slow, kills.slice(0, 4))
    expect(held).toEqual(countsOf(checkSaid(seen, input)))
  })

  it('is left out of a replay where it failed after it had had effects, and nothing else is', async () => {
    const input = inputOf(0, 200)
    await world.run(world.outside.write('in', input))
    const fails = (end: number, key: string): boolean => key === 'key3' && (end / windowMs) % 4 === 0
    const failing = closing((all) =>
      all.tap((one, key) => {
        const [what, end] = one.split(' ')
        if (what === 'closed' && fails(Number(end), key)) throw new Error('not this window')
      }),
    )
    const { held, seen } = await runThrough(failing, kills.slice(0, 2))
    const expected = checkSaid(seen, input, fails)
    expect(held).toEqual(countsOf(expected))
    const failed = [0, 1].flatMap((task) => naive(input.filter(({ partition }) => partition === task)))
    expect(failed.length - expected.length).toBeGreaterThan(2)
  })

  it('is not done again when a job finds that it has ended, and is for what came since', async () => {
    const marks = async (): Promise<number> => {
      const { seen } = await runThrough(closing(), [])
      return told(seen).filter((one) => one === 'end: end').length
    }
    await world.run(world.outside.write('in', inputOf(0, 100)))
    expect(await marks()).toBe(2)
    expect(await marks()).toBe(2)
    const more = inputOf(160, 20).map((record) => ({ ...record, partition: 1 }))
    await world.run(world.outside.write('in', more))
    expect(await marks()).toBe(3)
    const { records } = await world.run(world.read('said'))
    const closed = told(records).filter((one) => one.includes(': closed '))
    expect(new Set(closed).size).toBe(closed.length)
  })
})

describe('work by the wall clock', () => {
  /** The ticks of each task: numbers and times. */
  const ticksOf = (records: readonly Seen[]): ReadonlyMap<string, (readonly [n: number, wall: number])[]> => {
    const ticks = new Map<string, (readonly [number, number])[]>()
    for (const { value } of records) {
      const [what, id, n, wall] = String(value).split(' ')
      if (what !== 'tick' || id === undefined) continue
      ticks.set(id, [...(ticks.get(id) ?? []), [Number(n), Number(wall)]])
    }
    return ticks
  }

  it('wakes a task that nothing comes to, goes on where it was after a kill, and never sees time go back', async () => {
    const { clock } = world.simulation.actor('user')
    await world.run(world.outside.write('in', inputOf(0, 40)))
    const lives = 4
    for (let life = 0; life < lives; life++) {
      const script: ScriptedEvent[] = [
        { at: 'B3.endTxn', occurrence: 9, when: life % 2 === 0 ? 'after' : 'before', do: 'kill' },
      ]
      const instance = world.instance(script, undefined, operators)
      const running = world.runToEnd(closing(), null, config, instance, instance.killed)
      await world.run(Promise.race([instance.killed, running]))
    }
    // Nothing but its timers wakes this one: it commits rarely, and no record comes.
    const beganMs = clock.now()
    const rarely = { ...config, commitIntervalMs: 1000 }
    const last = world.instance([], undefined, operators)
    await world.run(world.runToEnd(closing(), null, rarely, last, clock.sleep(3000)))
    const ticks = ticksOf((await world.run(world.read('said'))).records)
    expect(ticks.size).toBe(2)
    for (const all of ticks.values()) {
      expect(all.map(([n]) => n)).toEqual(all.map((_, i) => i + 1))
      const walls = all.map(([, wall]) => wall)
      expect(walls).toEqual([...walls].sort((a, b) => a - b))
      expect(walls.filter((wall) => wall > beganMs).length).toBeGreaterThan((0.7 * 3000) / tickMs)
    }
  })

  it('does not keep a bounded job from its end, though there is always more of it', async () => {
    await world.run(world.outside.write('in', inputOf(0, 40)))
    const { clock } = world.simulation.actor('user')
    const beganMs = clock.monotonicMs()
    await runThrough(closing(), [])
    expect(clock.monotonicMs() - beganMs).toBeLessThan(20_000)
  })
})
