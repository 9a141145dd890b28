import { int64, pipeline, text, topic } from 'millrace'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { encodeOffsetMetadata } from '../../../src/checkpoint/offset-metadata.ts'
import { BoundedEnd } from '../../../src/runtime/bounded-end.ts'
import { tokenOf } from '../../../src/runtime/input-end.ts'
import { nothingPurgeable, type Task } from '../../../src/runtime/task.ts'
import type { Plan } from '../../../src/topology/plan.ts'
import { BareApp } from '../../support/bare-app.ts'
import { emptySource } from '../../support/connectors.ts'

const positions = 'app-texts-positions'
const ingest = 'app-texts-ingest'
const repartition = 'app-word-repartition'

/** A source with two tasks, what reads it and re-keys, and what counts: three sub-topologies, one behind the other. */
const plan = (): Promise<Plan> =>
  pipeline('app', ({ stream }) => {
    stream(emptySource('texts', 2))
      .keyBy('word', (line) => line)
      .count('counts')
      .to(topic('counts', { key: text, value: int64 }))
  }).build()

/** A task of this process that has nothing to do any more, and says so with the token that it is given. */
class IdleTask implements Task {
  readonly inputs = []
  readonly pending = null
  readonly hasUncommitted = false
  readonly waiting = 0
  readonly nextWakeMs = Number.POSITIVE_INFINITY
  readonly isFull = false
  readonly id
  readonly name: string
  readonly asked: (readonly string[])[] = []
  ended: string | null = null
  marked: string | null = null
  private readonly token: (upstream: readonly string[]) => string | null

  constructor(subtopology: string, partition: number, token: (upstream: readonly string[]) => string | null) {
    this.id = { subtopology, partition }
    this.name = `${subtopology}_${partition}`
    this.token = token
  }

  async endToken(upstream: readonly string[]): Promise<string | null> {
    this.asked.push(upstream)
    return this.token(upstream)
  }

  markEnded(token: string): void {
    this.marked = token
  }

  async open(): Promise<void> {}
  start() {
    return []
  }
  run() {
    return 'idle' as const
  }
  cut() {
    return null
  }
  committed(): void {}
  purgeable() {
    return nothingPurgeable
  }
  async settle(): Promise<void> {}
  async close(): Promise<void> {}
}

const derived = (upstream: readonly string[]): string => tokenOf([...new Set(upstream)].sort())
const round = 'round 1'
const first = tokenOf([round])
const second = tokenOf([first])

describe('the end of a bounded job', () => {
  let world: BareApp
  let end: BoundedEnd
  let subtopologies: Plan['subtopologies']
  const nameOf = (id: number): string => subtopologies[id]?.name ?? ''

  beforeEach(async () => {
    world = await BareApp.open()
    subtopologies = (await plan()).subtopologies
    const topics = [positions, ingest, repartition]
    for (const name of topics) await world.createTopic(name, 2)
    end = new BoundedEnd(
      world.app,
      subtopologies.map((sub) => ({
        sub,
        tasks: [0, 1].map((partition) => [{ topic: topics[sub.id] as string, partition }]),
      })),
    )
  })
  afterEach(() => world.close())

  /** Commits what the tasks say of their end. */
  const say = (name: string, ...tokens: (string | null)[]): Promise<void> =>
    world.commitOffsets(
      tokens.map((ended, partition) => ({
        topic: name,
        partition,
        offset: 0,
        metadata: encodeOffsetMetadata({
          v: 1,
          commitId: 1,
          plan: 1,
          txnId: 'app-x-0',
          topicId: '',
          partitionTime: null,
          ended,
        }),
      })),
    )
  const check = (...own: readonly IdleTask[]): Promise<boolean> =>
    end.check(new Map(own.map((task) => [task.name, task])))

  it('is there when every task has said so, wherever it runs', async () => {
    await say(positions, round, round)
    await say(ingest, first, first)
    expect(await check()).toBe(false)
    await say(repartition, second, second)
    expect(await check()).toBe(true)
  })

  it('is not there while one task has committed nothing, or says nothing', async () => {
    await say(positions, round, round)
    await say(ingest, first)
    await say(repartition, second, second)
    expect(await check()).toBe(false)
    await say(ingest, first, null)
    expect(await check()).toBe(false)
  })

  it('is told to a task of this process that has reached it, and counts once that is committed', async () => {
    const tasks = [0, 1].map((partition) => new IdleTask(nameOf(0), partition, () => round))
    expect(await check(...tasks)).toBe(false)
    expect(tasks.map(({ marked }) => marked)).toEqual([round, round])
    for (const task of tasks) task.ended = round
    await say(positions, round, round)
    await say(ingest, first, first)
    await say(repartition, second, second)
    for (const task of tasks) task.marked = null
    expect(await check(...tasks)).toBe(true)
    expect(tasks.map(({ marked }) => marked)).toEqual([null, null])
  })

  it('does not come while a task of this process has more to do, whatever it said before', async () => {
    await say(positions, round, round)
    await say(ingest, first, first)
    await say(repartition, second, second)
    const busy = new IdleTask(nameOf(1), 0, () => null)
    expect(await check(busy)).toBe(false)
    expect(busy.marked).toBeNull()
  })

  it('goes downstream: a task is asked with the tokens of all tasks upstream, once these have ended', async () => {
    const reader = new IdleTask(nameOf(1), 1, derived)
    await say(positions, round, null)
    expect(await check(reader)).toBe(false)
    expect(reader.asked).toEqual([])
    await say(positions, round, round)
    await check(reader)
    expect(reader.asked).toEqual([[round, round]])
    expect(reader.marked).toBe(first)
  })

  it('of an earlier run does not count for this one', async () => {
    await say(positions, 'round 2', 'round 2')
    await say(ingest, first, first)
    await say(repartition, second, second)
    expect(await check()).toBe(false)
    const reader = new IdleTask(nameOf(1), 0, derived)
    reader.ended = first
    await check(reader)
    expect(reader.marked).toBe(tokenOf(['round 2']))
  })

  it('does not come while the tasks of a source are in different rounds', async () => {
    await say(positions, 'round 2', 'round 1')
    const both = tokenOf(['round 1', 'round 2'])
    await say(ingest, both, both)
    await say(repartition, tokenOf([both]), tokenOf([both]))
    expect(await check()).toBe(false)
  })

  it('is not said by what another program committed', async () => {
    await say(positions, round, round)
    await say(ingest, first, first)
    await say(repartition, second, second)
    await world.commitOffsets([{ topic: repartition, partition: 1, offset: 0, metadata: second }])
    expect(await check()).toBe(false)
  })
})
