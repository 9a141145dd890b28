import { int64, type PipelineBuilder, pipeline, text, topic } from 'millrace'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { PlanRow } from '../../../src/checkpoint/control-rows.ts'
import { ControlTopic } from '../../../src/checkpoint/control-topic.ts'
import { encodeOffsetMetadata } from '../../../src/checkpoint/offset-metadata.ts'
import { enterPlan, type PlanEntryParts } from '../../../src/job/plan-entry.ts'
import { manifestOf } from '../../../src/topology/manifest.ts'
import { internalTopics } from '../../../src/topology/plan.ts'
import { topicName } from '../../../src/topology/topic-ref.ts'
import { BareApp } from '../../support/bare-app.ts'

const words = topic('words', { key: text, value: text })
const lengths = (builder: PipelineBuilder, ...stores: readonly string[]): void => {
  const read = builder.stream(words)
  for (const store of stores) read.count(store)
}

describe('a plan that is entered', () => {
  let world: BareApp

  beforeEach(async () => {
    world = await BareApp.open()
    for (const name of ['app-control', 'words']) await world.createTopic(name)
  })
  afterEach(() => world.close())

  /** Enters a plan as a job does whose topics are all there. */
  async function enter(build: (builder: PipelineBuilder) => void, changes: Partial<PlanEntryParts> = {}) {
    const plan = await pipeline('p', (builder) => build(builder)).build()
    const partitions = new Map([['words', 1]])
    for (const name of internalTopics(plan).map((ref) => topicName('app', ref))) {
      if (world.app.metadata.topic(name) === undefined) await world.createTopic(name)
      partitions.set(name, 1)
    }
    const manifest = manifestOf(plan, 'app', partitions)
    const subs = plan.subtopologies.map((sub) => ({ sub, tasks: [[{ topic: 'words', partition: 0 }]] }))
    const producer = await world.producer()
    const none: ReadonlySet<string> = new Set()
    const given = { app: world.app, plan, manifest, partitions, subs, producer }
    return enterPlan({ ...given, freshStores: none, passOver: none, ...changes })
  }
  const written = async (): Promise<PlanRow | null> => {
    const control = new ControlTopic(world.app)
    await control.refresh()
    return control.plan
  }
  /** A task commits that the words were read under a version of the plan. */
  const read = (plan: number): Promise<void> =>
    world.commitOffsets([
      {
        topic: 'words',
        partition: 0,
        offset: plan,
        metadata: encodeOffsetMetadata({
          v: 1,
          commitId: plan,
          plan,
          txnId: 'app-own-0',
          topicId: '',
          partitionTime: null,
          ended: null,
        }),
      },
    ])

  it('is written with the ids of its topics and the first start, which stays', async () => {
    await enter((builder) => lengths(builder, 'counts'))
    const row = await written()
    const idOf = (name: string) => world.app.metadata.topic(name)?.topicId
    expect(row).toMatchObject({
      version: 1,
      manifest: { pipeline: 'p', stores: [{ name: 'counts' }] },
      topicIds: { words: idOf('words'), 'app-counts-changelog': idOf('app-counts-changelog') },
      stores: { counts: 1 },
      fresh: {},
      earlier: [],
      firstStartMs: expect.any(Number),
    })
    world.moveDate(5000)
    await enter((builder) => lengths(builder, 'counts', 'more'))
    expect(await written()).toMatchObject({
      version: 2,
      stores: { counts: 2, more: 2 },
      earlier: [[row?.manifest.hash, 1]],
      firstStartMs: row?.firstStartMs,
    })
  })

  it('is written once: the same plan has the same version', async () => {
    await enter((builder) => lengths(builder, 'counts'))
    const steps = world.steps.length
    expect((await enter((builder) => lengths(builder, 'counts'))).plan?.version).toBe(1)
    expect(world.steps.slice(steps)).not.toContain('A0.writePlan')
  })

  it('says what is new and what stays behind', async () => {
    await enter((builder) => lengths(builder, 'counts', 'old'))
    expect(world.lines).toEqual([])
    await enter((builder) => lengths(builder, 'counts', 'young'))
    expect(world.lines).toEqual([
      'info: app runs another plan than before: version 2',
      'info: the store young is new: it begins with what is read from now on',
      'info: the store old is no longer in the pipeline: its changelog and directory stay',
    ])
  })

  it('is refused where it would misread what is there', async () => {
    const sums = (value: typeof text | typeof int64) => (builder: PipelineBuilder) =>
      void builder.stream(words).aggregate(
        'sums',
        () => '' as never,
        (sum) => sum,
        value as typeof text,
      )
    await enter(sums(text))
    await expect(enter(sums(int64))).rejects.toMatchObject({
      code: 'PLAN_CHANGED',
      message: expect.stringContaining('values of app-sums-changelog were text and are int64 now'),
    })
    expect((await written())?.version).toBe(1)
  })

  it('is refused where an internal topic that nobody listed holds records; an empty one is taken', async () => {
    await world.createTopic('app-counts-changelog')
    await world.write('app-counts-changelog', [['k', 'v']])
    await expect(enter((builder) => lengths(builder, 'counts'))).rejects.toMatchObject({
      code: 'TOPIC_MISMATCH',
      message: expect.stringContaining('the topic app-counts-changelog-0 holds records'),
    })
    await world.createTopic('app-empty-changelog')
    expect((await enter((builder) => lengths(builder, 'empty'))).plan?.version).toBe(1)
    // From now on it is known.
    await world.write('app-empty-changelog', [['k', 'v']])
    expect((await enter((builder) => lengths(builder, 'empty'))).plan?.version).toBe(1)
  })

  it('is refused where a store comes back that commits of another plan have missed', async () => {
    await enter((builder) => lengths(builder, 'counts', 'gone'))
    await read(1)
    await enter((builder) => lengths(builder, 'counts'))
    await read(2)
    const back = (builder: PipelineBuilder): void => lengths(builder, 'counts', 'gone')
    await expect(enter(back)).rejects.toMatchObject({
      code: 'STATE_INCOMPLETE',
      message: expect.stringMatching(/app-gone-changelog-0 is of a store .* from version 2 on.*--fresh-store gone/),
    })
    const control = await enter(back, { freshStores: new Set(['gone', 'counts']) })
    expect(control.plan).toMatchObject({ version: 3, fresh: { gone: 3 } })
    expect(world.lines).toContain('info: the store gone begins anew, without what it had')
  })

  it('takes back a store that no commit has missed', async () => {
    await enter((builder) => lengths(builder, 'counts', 'gone'))
    await read(1)
    await enter((builder) => lengths(builder, 'counts'))
    const control = await enter((builder) => lengths(builder, 'counts', 'gone'))
    expect(control.plan).toMatchObject({ version: 3, stores: { gone: 3 }, fresh: {} })
  })
})
