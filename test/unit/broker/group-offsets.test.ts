import { describe, expect, it } from 'vitest'
import { GroupOffsets } from '../../../src/broker/groups/group-offsets.ts'
import { Facts } from '../../../src/broker/storage/facts.ts'
import { MemoryStorage } from '../../../src/broker/storage/memory-storage.ts'

const at = (offset: number) => [{ topic: 'words', partition: 0, offset, leaderEpoch: -1, metadata: null }]

async function open(disk: MemoryStorage) {
  const facts = await Facts.load(disk.open(), false, () => {})
  return { facts, offsets: new GroupOffsets(facts) }
}

describe('the offsets of a group', () => {
  it('stay where they were committed last, over a restart, too, when an older one of a transaction takes effect meanwhile', async () => {
    const disk = new MemoryStorage()
    const { facts, offsets } = await open(disk)
    await offsets.hold(7, 'group', at(5))
    const committing = offsets.commit('group', at(9))
    const outcome = offsets.outcome(7, true)
    await Promise.all([committing, facts.write(outcome.changes)])
    outcome.apply()
    expect(offsets.get('group', 'words', 0)?.offset).toBe(9)
    disk.kill()
    expect((await open(disk)).offsets.get('group', 'words', 0)?.offset).toBe(9)
  })

  it('are those of the transaction when it holds a newer one than the commit that is being written', async () => {
    const disk = new MemoryStorage()
    const { facts, offsets } = await open(disk)
    const committing = offsets.commit('group', at(5))
    const holding = offsets.hold(7, 'group', at(9))
    const outcome = offsets.outcome(7, true)
    await Promise.all([committing, holding, facts.write(outcome.changes)])
    outcome.apply()
    expect(offsets.get('group', 'words', 0)?.offset).toBe(9)
    disk.kill()
    expect((await open(disk)).offsets.get('group', 'words', 0)?.offset).toBe(9)
  })

  it('are those of the later of two transactions that end at once, whichever ends first', async () => {
    const disk = new MemoryStorage()
    const { facts, offsets } = await open(disk)
    await offsets.hold(7, 'group', at(5))
    await offsets.hold(8, 'group', at(9))
    const outcomes = [offsets.outcome(8, true), offsets.outcome(7, true)]
    await Promise.all(outcomes.map(({ changes }) => facts.write(changes)))
    for (const { apply } of outcomes) apply()
    expect(offsets.get('group', 'words', 0)?.offset).toBe(9)
    disk.kill()
    expect((await open(disk)).offsets.get('group', 'words', 0)?.offset).toBe(9)
  })
})
