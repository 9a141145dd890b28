import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type PlanRow, planKey } from '../../../src/checkpoint/control-rows.ts'
import { ControlTopic } from '../../../src/checkpoint/control-topic.ts'
import { BareApp } from '../../support/bare-app.ts'

const topic = 'app-control'
const plan: PlanRow = {
  v: 1,
  version: 3,
  manifest: { format: 1, pipeline: 'p', appId: 'app', subtopologies: [], topics: [], stores: [], hash: '0000002a' },
  topicIds: { orders: 'id of orders' },
  stores: { counts: 3 },
  fresh: {},
  earlier: [['00000001', 2]],
  firstStartMs: 1000,
}

describe('the control topic', () => {
  let world: BareApp
  let control: ControlTopic

  beforeEach(async () => {
    world = await BareApp.open()
    await world.createTopic(topic)
    control = new ControlTopic(world.app)
  })
  afterEach(() => world.close())

  it('says nothing of an application that never ran', async () => {
    await control.refresh()
    expect([control.plan, control.beginning('counts', 0), control.isBegunAnew('counts')]).toEqual([null, null, false])
  })

  it('has the last plan that was written, whoever reads it', async () => {
    const producer = await world.producer()
    await control.write(producer, { ...plan, version: 2 }, 1)
    await control.write(producer, plan, 2)
    const other = new ControlTopic(world.app)
    await other.refresh()
    expect(other.plan).toEqual(plan)
    expect(control.plan).toBeNull()
    await control.refresh()
    expect(control.plan).toEqual(plan)
  })

  it('has the beginning of a store once the transaction is committed that it was written in', async () => {
    const producer = await world.producer()
    const began = { v: 1 as const, commitId: 5, plan: 3, changelogOffset: 0 }
    control.begin(producer, 'counts', 7, began, 1)
    await producer.flush()
    await producer.abort()
    await producer.init()
    await control.refresh()
    expect(control.beginning('counts', 7)).toBeNull()
    control.begin(producer, 'counts', 7, began, 1)
    await producer.flush()
    await producer.commit()
    await control.refresh()
    expect([control.beginning('counts', 7), control.beginning('counts', 0)]).toEqual([began, null])
  })

  it('has no beginning from before a store was begun anew', async () => {
    const producer = await world.producer()
    control.begin(producer, 'counts', 0, { v: 1, commitId: 5, plan: 2, changelogOffset: 0 }, 1)
    await control.write(producer, { ...plan, fresh: { counts: 3 } }, 1)
    await control.refresh()
    expect([control.beginning('counts', 0), control.isBegunAnew('counts')]).toEqual([null, true])
    const anew = { v: 1 as const, commitId: 9, plan: 3, changelogOffset: 120 }
    control.begin(producer, 'counts', 0, anew, 1)
    await producer.flush()
    await producer.commit()
    await control.refresh()
    expect(control.beginning('counts', 0)).toEqual(anew)
  })

  it('passes over rows of a kind that a later version may add', async () => {
    await world.write(topic, [[Buffer.from('lease counts'), '{"v":9}']])
    await control.refresh()
    expect(control.plan).toBeNull()
  })

  it.each(['{"v":2}', '{', '[]'])('is refused where its plan is of no layout that is known: %s', async (value) => {
    await world.write(topic, [[planKey, value]])
    await expect(control.refresh()).rejects.toMatchObject({
      code: 'STATE_INCOMPLETE',
      message: expect.stringContaining('the topic app-control has a row that this version cannot read'),
    })
  })

  it('waits for whoever holds its end, and takes a producer for dead after the time given', async () => {
    const end = await world.begin(topic, [[planKey, JSON.stringify(plan)]], 0, 'app-other-0')
    const reading = control.refresh(60_000)
    await end(true)
    await reading
    expect(control.plan).toEqual(plan)
    await world.begin(topic, [[planKey, JSON.stringify({ ...plan, version: 4 })]], 0, 'app-dead-0')
    await control.refresh(50)
    expect([control.plan?.version, world.steps.includes('A2.fenceDeadProducer')]).toEqual([3, true])
  })
})
