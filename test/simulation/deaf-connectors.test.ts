import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { SinkConnector, SourceConnector } from '../../src/connector/index.ts'
import { StreamError } from '../../src/core/errors.ts'
import { runStep, type StepHook } from '../../src/core/steps.ts'
import { type Pipeline, pipeline, text, topic } from '../../src/index.ts'
import type { Job } from '../../src/job/job.ts'
import { resolveJobConfig, startJob } from '../../src/job/run.ts'
import { keepingLogger } from '../support/bare-thread.ts'
import {
  type ConnectorCall,
  HangingCalls,
  numbersSource,
  pulseSource,
  SinkTable,
  sinkCalls,
  sourceCalls,
  tableSink,
  transactionalCalls,
  transactionalTableSink,
} from '../support/hanging-connectors.ts'
import { simulationSeed } from '../support/seed.ts'
import { World } from '../support/world.ts'

/**
 * Connectors that ignore their signal, in each of their calls, and what a stop, a reset and a rebalance make of it: the job
 * goes on within seconds, the log names the call, and what the call says at last has no effect any more.
 */

type Part = 'source' | 'sink' | 'transactional sink'

/** Virtual milliseconds that a deaf connector may cost: what it has taken is waited for, then it is given up. */
const soonMs = 6500
/** Numbers of each of two splits. */
const numbers = 300

const cases = [
  ...sourceCalls.map((call) => ['source', call] as const),
  ...sinkCalls.map((call) => ['sink', call] as const),
  ...transactionalCalls.map((call) => ['transactional sink', call] as const),
].flatMap(([part, call]) => (['said', 'failed'] as const).map((late) => [part, call, late] as const))

/** What is called once a task hangs from the first on, the rest when work is under way, or splits have been dealt. */
const fromOf = (call: ConnectorCall): number =>
  ['open', 'lastCommitted', 'close'].includes(call) ? 1 : call === 'splits' ? 2 : call === 'read' ? 20 : 3

const warningOf = (part: Part, call: ConnectorCall): unknown =>
  expect.stringMatching(
    new RegExp(
      `^warn: the ${part === 'source' ? 'source numbers' : 'sink table'} .*\\b${call}\\b.* task \\S+_[01] .* s\\b`,
    ),
  )

/** Rejections that nobody waited for: outside a test they are the end of the process. */
const unhandled: unknown[] = []
const note = (reason: unknown): void => void unhandled.push(reason)
beforeAll(() => void process.on('unhandledRejection', note))
afterAll(() => void process.off('unhandledRejection', note))

function through(source: SourceConnector<null, string>, sink: SinkConnector<unknown, string>): Pipeline {
  return pipeline('deaf', ({ stream }) => {
    const all = stream(source)
    all.to(sink)
    all.keyBy('number', (number) => number).to(topic('seen', { key: text, value: text }))
    stream(pulseSource())
      .keyBy('beat', (beat) => beat)
      .count('beats')
  }) as Pipeline
}

const beats = async (job: Job<unknown>): Promise<number> => {
  let counted = 0
  for await (const [, count] of job.storeNamed('beats')) counted = Number(count)
  return counted
}

/** A process of the application. */
interface Process {
  readonly job: Job<unknown>
  readonly lines: readonly string[]
  readonly source: HangingCalls
  readonly sink: HangingCalls
}

/** A broker and processes with one connector under test, which keep their logs. */
class Stage {
  readonly world = new World(simulationSeed(7))
  readonly clock = this.world.simulation.actor('user').clock
  private readonly table = new SinkTable()
  private readonly part: Part

  constructor(part: Part) {
    this.part = part
  }

  /** Plays in virtual time. */
  static async play(part: Part, act: (stage: Stage) => Promise<void>): Promise<void> {
    const stage = new Stage(part)
    await stage.world.run(stage.world.startBroker())
    await stage.world.run(act(stage))
    expect(unhandled.splice(0)).toEqual([])
  }

  async start(name: string, calls: HangingCalls, steps: StepHook = runStep, deadlineMs = 30_000): Promise<Process> {
    const isSource = this.part === 'source'
    const [source, sink] = isSource ? [calls, new HangingCalls()] : [new HangingCalls(), calls]
    const there = (): number => Math.min(numbers, Math.floor(this.clock.monotonicMs() / 40))
    const tableOf = this.part === 'transactional sink' ? transactionalTableSink : tableSink
    const made = through(numbersSource(source, there), tableOf(sink, this.table))
    const { logger, lines } = keepingLogger()
    const config = resolveJobConfig({
      follow: true,
      dataDirectory: `/${name}`,
      instanceId: name,
      recordDeadlineMs: deadlineMs,
    })
    const job = await startJob(made, config, { ...this.world.instance([], steps).ports, logger })
    return { job: job as Job<unknown>, lines, source, sink }
  }

  /** How long it takes until `look` says so. @throws when that is longer than `mostMs` */
  async until(what: string, look: () => boolean, mostMs = 30_000): Promise<number> {
    const { clock } = this
    const beganMs = clock.monotonicMs()
    while (!look()) {
      if (clock.monotonicMs() - beganMs > mostMs) throw new Error(`after ${mostMs} ms still not: ${what}`)
      await clock.sleep(50)
    }
    return clock.monotonicMs() - beganMs
  }

  async settles(what: string, work: Promise<unknown>, mostMs = soonMs): Promise<void> {
    let isOver = false
    const over = (): void => {
      isOver = true
    }
    work.then(over, over)
    await this.until(what, () => isOver, mostMs)
    await work
  }

  /** Every number once in a topic, and all in the sink: once each in one that can tell. */
  async expectAll(): Promise<void> {
    const all = ['a', 'b'].flatMap((id) => Array.from({ length: numbers }, (_, i) => `${id}${i}`)).sort()
    await this.until('all numbers are in the sink', () => new Set(this.table.values).size === all.length)
    const { records } = await this.world.read('seen')
    expect(records.map(({ value }) => value?.toString()).sort()).toEqual(all)
    const held = this.part === 'transactional sink' ? this.table.values : new Set(this.table.values)
    expect([...held].sort()).toEqual(all)
  }
}

describe('a connector that ignores its signal', () => {
  it.each(cases)('holds no stop up: %s, %s, which at last has %s', (part, call, late) =>
    Stage.play(part, async (stage) => {
      const calls = new HangingCalls({ call, from: fromOf(call) })
      const { job, lines } = await stage.start('first', calls)
      if (call !== 'close') await calls.reached
      await stage.clock.sleep(1000)
      await stage.settles('stopped', job.stop())
      expect(lines).toContainEqual(warningOf(part, call))
      expect(calls.release(late)).toBeGreaterThan(0)
      await stage.clock.sleep(1000)
      if (call !== 'close') expect(calls.open).toBe(0)
      const again = await stage.start('first', new HangingCalls())
      await stage.expectAll()
      await again.job.stop()
    }),
  )

  it.each(cases)('holds no reset up: %s, %s, which at last has %s', (part, call, late) =>
    Stage.play(part, async (stage) => {
      const calls = new HangingCalls({ call, from: fromOf(call) })
      let isDue = false
      const { job, lines, source, sink } = await stage.start('first', calls, async (name, effect) => {
        if (!isDue || name !== 'B3.endTxn') return effect()
        isDue = false
        throw new StreamError('TRANSACTION_UNKNOWN', 'the answer was lost, as asked', { action: 'reset-task' })
      })
      if (call !== 'close') await calls.reached
      await stage.clock.sleep(1000)
      const opened = source.count('splits') + sink.count('open')
      if (call !== 'close') calls.heal()
      isDue = true
      await stage.until('the reset', () => !isDue)
      await stage.until('opened again', () => source.count('splits') + sink.count('open') >= opened + 4, soonMs)
      calls.heal()
      expect(lines).toContainEqual(warningOf(part, call))
      await stage.clock.sleep(1000)
      expect(calls.release(late)).toBeGreaterThan(0)
      await stage.expectAll()
      await stage.settles('stopped', job.stop())
      if (call !== 'close') expect(calls.open).toBe(0)
    }),
  )

  // What hangs in a task that stays is not given up, and its late failure is one.
  it.each(cases.filter(([, call, late]) => call !== 'splits' || late === 'said'))(
    'holds no rebalance up: %s, %s, which at last has %s',
    (part, call, late) =>
      Stage.play(part, async (stage) => {
        const calls = new HangingCalls({ call, from: fromOf(call), task: 1 })
        const first = await stage.start('first', calls)
        if (call !== 'close') await calls.reached
        await stage.clock.sleep(1000)
        const second = await stage.start('second', new HangingCalls())
        await stage.until('the second has tasks', () => second.sink.count('open') > 0, 3000 + soonMs)
        await stage.until('the first has let go', () => first.lines.some((line) => line.startsWith('warn')), soonMs)
        expect(first.lines).toContainEqual(warningOf(part, call))
        await stage.clock.sleep(1000)
        expect(calls.release(late)).toBeGreaterThan(0)
        await stage.expectAll()
        await stage.settles('stopped', Promise.all([first.job.stop(), second.job.stop()]))
        if (call !== 'close') expect(calls.open).toBe(0)
        expect(first.lines.filter((line) => line.includes('joining'))).toEqual([])
      }),
  )
})

describe('a connector that never comes back from its start', () => {
  it.each([
    ['source', 'splits', 'SOURCE_FAILED'],
    ['source', 'open', 'SOURCE_FAILED'],
    ['sink', 'open', 'SINK_FAILED'],
    ['transactional sink', 'open', 'SINK_FAILED'],
    ['transactional sink', 'lastCommitted', 'SINK_FAILED'],
  ] as const)('lets the other tasks work, and ends the job by name when time is up: %s, %s', (part, call, code) =>
    Stage.play(part, async (stage) => {
      const calls = new HangingCalls({ call })
      const { job, lines } = await stage.start('first', calls, runStep, 10_000)
      await stage.clock.sleep(5000)
      expect(await beats(job)).toBeGreaterThan(20)
      const said = { code, message: expect.stringMatching(new RegExp(`\\b${call} within 10000 ms`)) }
      await expect(job.done).rejects.toMatchObject(said)
      expect(stage.clock.monotonicMs()).toBeLessThan(11_000)
      expect(lines.filter((line) => line.startsWith('warn'))).toEqual([])
      calls.release('said')
      await stage.clock.sleep(1000)
      expect(calls.open).toBe(0)
    }),
  )
})

describe('a connector that throws before it has a promise', () => {
  it.each([
    ['source', 'splits', 'SOURCE_FAILED'],
    ['source', 'open', 'SOURCE_FAILED'],
    ['source', 'read', 'SOURCE_FAILED'],
    ['sink', 'open', 'SINK_FAILED'],
    ['sink', 'write', 'SINK_FAILED'],
    ['sink', 'flush', 'SINK_FAILED'],
    ['transactional sink', 'lastCommitted', 'SINK_FAILED'],
    ['transactional sink', 'commit', 'SINK_FAILED'],
  ] as const)('ends the job by name, all closed: %s, %s', (part, call, code) =>
    Stage.play(part, async (stage) => {
      const calls = new HangingCalls({ call, from: fromOf(call), throws: true })
      const { job } = await stage.start('first', calls)
      await expect(job.done).rejects.toMatchObject({ code, message: expect.stringContaining(`${call} threw`) })
      expect(calls.open).toBe(0)
    }),
  )

  it.each([
    ['source', 'committed', 'could not acknowledge'],
    ['source', 'close', 'did not close cleanly'],
    ['sink', 'close', 'did not close cleanly'],
    ['transactional sink', 'close', 'did not close cleanly'],
  ] as const)('is told of in the log where nothing depends on it: %s, %s', (part, call, said) =>
    Stage.play(part, async (stage) => {
      const calls = new HangingCalls({ call, throws: true })
      const first = await stage.start('first', calls)
      await stage.clock.sleep(2000)
      const second = await stage.start('second', new HangingCalls())
      await stage.expectAll()
      expect(second.sink.count('open')).toBeGreaterThan(0)
      await stage.settles('stopped', Promise.all([first.job.stop(), second.job.stop()]))
      await first.job.done
      expect(first.lines).toContainEqual(expect.stringMatching(new RegExp(`^warn: the s.* ${said}`)))
      expect(first.lines.filter((line) => line.includes('a task did not close'))).toEqual([])
      if (call === 'close') expect(calls.count('close')).toBe(2)
    }),
  )
})
