import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { encodeOffsetMetadata } from '../../../src/checkpoint/offset-metadata.ts'
import { commitStartPositions, readStartPositions } from '../../../src/checkpoint/start-positions.ts'
import { BareApp } from '../../support/bare-app.ts'

const at = { topic: 'in', partition: 0 }
const group = { groupId: 'app', generationId: -1, memberId: '', groupInstanceId: null }
const dead = 'app-dead-0'
const metadataOf = (txnId: string, commitId = 1): string =>
  encodeOffsetMetadata({ v: 1, commitId, plan: 1, txnId, topicId: '', partitionTime: null, ended: null })

describe('where a task goes on', () => {
  let world: BareApp
  /** What happens right before a dead producer is fenced. */
  let beforeFence: () => Promise<void>

  beforeEach(async () => {
    beforeFence = async () => undefined
    world = await BareApp.open('app', (name) => (name === 'A2.fenceDeadProducer' ? beforeFence() : undefined))
    await world.createTopic(at.topic)
  })
  afterEach(() => world.close())

  const read = async () => (await readStartPositions(world.app, [at])).get('in-0')

  /** Puts an offset into a transaction of a producer that stays open. @returns what commits it */
  async function hold(transactionalId: string, offset: number): Promise<() => Promise<void>> {
    const producer = await world.producer(transactionalId)
    await producer.addOffsets(group.groupId)
    await producer.commitOffsets(group, [{ ...at, offset, metadata: metadataOf(transactionalId, 2) }])
    return () => producer.commit()
  }

  it('is the committed offset, with what was said beside it', async () => {
    await world.commitOffsets([{ ...at, offset: 7, metadata: metadataOf(world.app.transactionalId) }])
    expect(await read()).toMatchObject({ offset: 7, isNew: false, metadata: { commitId: 1 } })
    expect(world.steps).not.toContain('A2.fenceDeadProducer')
  })

  it('is the first offset of the log where the group has none, behind what was deleted', async () => {
    await world.write(at.topic, [
      ['a', '1'],
      ['b', '2'],
      ['c', '3'],
    ])
    await world.app.admin.deleteRecords([{ ...at, offset: 2 }])
    expect(await read()).toMatchObject({ offset: 2, isNew: true, metadata: null })
  })

  it('is not told while a living producer is about to change it', async () => {
    await world.commitOffsets([{ ...at, offset: 7, metadata: '' }])
    const commit = await hold(world.app.transactionalId, 9)
    const told = read()
    await world.begun('A2.offsetFetch')
    await commit()
    expect(await told).toMatchObject({ offset: 9, metadata: { commitId: 2 } })
  })

  it('is freed where a producer that is gone holds it, and is what was committed before', async () => {
    await world.commitOffsets([{ ...at, offset: 7, metadata: '' }])
    const commit = await hold(dead, 9)
    expect(await read()).toMatchObject({ offset: 7 })
    await expect(commit()).rejects.toMatchObject({ code: 'PRODUCER_FENCED' })
  })

  it('is what the last committer left, which is fenced if it is gone, whatever it holds elsewhere', async () => {
    await world.commitOffsets([{ ...at, offset: 7, metadata: metadataOf(dead) }])
    await world.createTopic('out')
    const commit = await world.begin('out', [['k', 'v']], 0, dead)
    expect(await read()).toMatchObject({ offset: 7 })
    await expect(commit(true)).rejects.toMatchObject({ code: 'PRODUCER_FENCED' })
  })

  it('is read again behind a fence, since what was under way may have been committed before it', async () => {
    await world.commitOffsets([{ ...at, offset: 7, metadata: metadataOf(dead) }])
    const producer = await world.producer(dead)
    beforeFence = async () => {
      await producer.addOffsets(group.groupId)
      await producer.commitOffsets(group, [{ ...at, offset: 9, metadata: metadataOf(dead, 2) }])
      await producer.commit()
    }
    expect(await read()).toMatchObject({ offset: 9, metadata: { commitId: 2 } })
  })

  it('leaves the living alone, and other applications', async () => {
    await world.commitOffsets([{ ...at, offset: 7, metadata: metadataOf('other-dead-0') }])
    expect(await read()).toMatchObject({ offset: 7 })
    await world.commitOffsets([{ ...at, offset: 8, metadata: metadataOf(world.app.transactionalId) }])
    expect(await read()).toMatchObject({ offset: 8 })
    expect(world.steps).not.toContain('A2.fenceDeadProducer')
  })

  it('is committed at once when it was resolved now', async () => {
    const producer = await world.producer()
    await commitStartPositions(world.app, producer, group, [{ ...at, offset: 4, commitId: 3 }])
    expect(await read()).toMatchObject({ offset: 4, isNew: false, metadata: { commitId: 3, ended: null } })
  })
})
