import { describe, expect, it } from 'vitest'
import { kafkaError } from '../../src/protocol/kafka-errors.ts'
import { deleteGroups, describeGroups, heartbeat, leaveGroup, listGroups } from '../../src/protocol/messages/group.ts'
import { offsetDelete, offsetFetch } from '../../src/protocol/messages/offsets.ts'
import type { Conformance } from '../support/conformance.ts'
import { type KafkaSession, type MemberIn, subscription, until } from '../support/kafka-session.ts'

const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString()

/** Groups: joining, generations, static members, time-outs, offsets. */
export function groupConformance({ name, session, another }: Conformance): void {
  const beat = async (groupId: string, member: MemberIn, by: KafkaSession = session()) =>
    (await by.request(heartbeat, 4, { groupId, ...member })).errorCode
  const describeOne = async (groupId: string) =>
    (await session().request(describeGroups, 5, { groups: [groupId] })).groups[0]
  const freshGroup = async () => {
    const group = name('group')
    await session().findCoordinator(group, 0)
    return group
  }

  describe('a group', () => {
    it('gives a dynamic member its id first, from JoinGroup 4 on', async () => {
      const group = await freshGroup()
      const asked = await session().join(group)
      expect(asked.errorCode).toBe(kafkaError.MEMBER_ID_REQUIRED)
      expect(asked.memberId).toMatch(/^raw-/)
      const joined = await session().join(group, { memberId: asked.memberId })
      expect(joined).toMatchObject({
        errorCode: 0,
        memberId: asked.memberId,
        leader: asked.memberId,
        protocolType: 'consumer',
        protocolName: 'range',
        skipAssignment: false,
      })
      expect(joined.members.map(({ memberId }) => memberId)).toEqual([asked.memberId])
    })

    it('takes a dynamic member at once in older versions', async () => {
      const group = await freshGroup()
      expect(await session().join(group, { version: 3 })).toMatchObject({ errorCode: 0, generationId: 1 })
    })

    it('hands the assignment of its leader to each member', async () => {
      const group = await freshGroup()
      const member = await session().joinAlone(group)
      expect(await beat(group, member)).toBe(0)
      const again = await session().sync(group, member)
      expect(text(again.assignment)).toBe('all of it')
      const described = await describeOne(group)
      expect(described).toMatchObject({ groupState: 'Stable', protocolType: 'consumer', protocolData: 'range' })
      expect(text(described?.members[0]?.memberAssignment)).toBe('all of it')
    })

    it('rebalances when a member comes: 27 to the others, one generation, every assignment its own', async () => {
      const group = await freshGroup()
      const first = await session().joinAlone(group)
      const newcomer = await another()
      const { memberId } = await newcomer.join(group)
      const joining = newcomer.join(group, { memberId })
      expect(
        await until(
          () => beat(group, first),
          (code) => code !== 0,
        ),
      ).toBe(kafkaError.REBALANCE_IN_PROGRESS)
      expect((await session().commit(group, {}, first)).length).toBe(0)
      const led = await session().join(group, { memberId: first.memberId, metadata: subscription('leader') })
      const joined = await joining
      expect(joined).toMatchObject({ generationId: first.generationId + 1, leader: first.memberId, members: [] })
      expect(led.members.map((one) => one.memberId).sort()).toEqual([first.memberId, memberId].sort())
      const leaderNow = { ...first, generationId: led.generationId }
      const memberNow = { memberId, generationId: joined.generationId }
      // From here on, before the assignment is there, heartbeats are answered 0.
      expect(await beat(group, leaderNow)).toBe(0)
      const waiting = newcomer.sync(group, memberNow)
      const own = await session().sync(group, leaderNow, { [memberId]: 'half', [first.memberId]: 'the rest' })
      expect(text(own.assignment)).toBe('the rest')
      expect(text((await waiting).assignment)).toBe('half')
    })

    it('refuses strangers, old generations, empty group ids and session timeouts out of range', async () => {
      const group = await freshGroup()
      const member = await session().joinAlone(group)
      expect(await beat(group, { ...member, memberId: 'stranger' })).toBe(kafkaError.UNKNOWN_MEMBER_ID)
      expect(await beat(group, { ...member, generationId: 0 })).toBe(kafkaError.ILLEGAL_GENERATION)
      expect(await beat(name('group'), member)).toBe(kafkaError.UNKNOWN_MEMBER_ID)
      expect((await session().sync(group, { ...member, generationId: 0 })).errorCode).toBe(
        kafkaError.ILLEGAL_GENERATION,
      )
      expect((await session().sync(group, member, {}, { protocolName: 'other' })).errorCode).toBe(
        kafkaError.INCONSISTENT_GROUP_PROTOCOL,
      )
      expect((await session().join('')).errorCode).toBe(kafkaError.INVALID_GROUP_ID)
      expect((await session().join(group, { sessionTimeoutMs: 100 })).errorCode).toBe(
        kafkaError.INVALID_SESSION_TIMEOUT,
      )
      expect((await session().join(group, { sessionTimeoutMs: 3_000_000 })).errorCode).toBe(
        kafkaError.INVALID_SESSION_TIMEOUT,
      )
      expect((await session().join(group, { memberId: 'stranger' })).errorCode).toBe(kafkaError.UNKNOWN_MEMBER_ID)
      expect((await session().join(name('group'), { memberId: 'stranger' })).errorCode).toBe(
        kafkaError.UNKNOWN_MEMBER_ID,
      )
    })

    it('takes only members that share a protocol with the others', async () => {
      const group = await freshGroup()
      await session().joinAlone(group)
      const other = await another()
      expect((await other.join(group, { protocols: ['other'] })).errorCode).toBe(kafkaError.INCONSISTENT_GROUP_PROTOCOL)
      expect((await other.join(group, { protocolType: 'connect' })).errorCode).toBe(
        kafkaError.INCONSISTENT_GROUP_PROTOCOL,
      )
      expect((await other.join(name('group'), { protocols: [] })).errorCode).toBe(
        kafkaError.INCONSISTENT_GROUP_PROTOCOL,
      )
    })

    it('answers a follower that joins unchanged at once, and rebalances for its leader', async () => {
      const group = await freshGroup()
      const member = await session().joinAlone(group)
      const again = await session().join(group, { memberId: member.memberId })
      expect(again).toMatchObject({ errorCode: 0, generationId: member.generationId + 1 })
    })

    it('is told who leaves, and is empty when the last one has left', async () => {
      const group = await freshGroup()
      const member = await session().joinAlone(group)
      const leave = async (memberId: string) =>
        (
          await session().request(leaveGroup, 4, { groupId: group, members: [{ memberId, groupInstanceId: null }] })
        ).members.map(({ errorCode }) => errorCode)
      expect(await leave('stranger')).toEqual([kafkaError.UNKNOWN_MEMBER_ID])
      expect(await leave(member.memberId)).toEqual([0])
      expect(await beat(group, member)).toBe(kafkaError.UNKNOWN_MEMBER_ID)
      expect(await describeOne(group)).toMatchObject({ groupState: 'Empty', members: [] })
    })

    it('takes out a dynamic member that is not heard of', async () => {
      const group = await freshGroup()
      const asked = await session().join(group, { sessionTimeoutMs: 6000 })
      const joined = await session().join(group, { memberId: asked.memberId, sessionTimeoutMs: 6000 })
      const member = { memberId: joined.memberId, generationId: joined.generationId }
      await session().sync(group, member, {})
      const started = Date.now()
      await until(
        () => describeOne(group),
        (described) => described?.groupState === 'Empty',
      )
      expect(Date.now() - started).toBeGreaterThan(5000)
      expect(await beat(group, member)).toBe(kafkaError.UNKNOWN_MEMBER_ID)
    }, 20_000)

    it('goes on without a member that does not join again in time', async () => {
      const group = await freshGroup()
      const lazy = await session().joinAlone(group)
      const eager = await another()
      const { memberId } = await eager.join(group, { rebalanceTimeoutMs: 1000 })
      // The rebalance waits as long as its slowest member asked for: the lazy one is made to ask for little.
      const hurried = session().join(group, { memberId: lazy.memberId, rebalanceTimeoutMs: 1000 })
      const joined = await eager.join(group, { memberId, rebalanceTimeoutMs: 1000 })
      await hurried
      const keepAlive = { memberId, generationId: joined.generationId }
      const third = await another()
      const { memberId: thirdId } = await third.join(group, { rebalanceTimeoutMs: 1000 })
      const thirdJoined = await third.join(group, { memberId: thirdId, rebalanceTimeoutMs: 1000 })
      expect(thirdJoined.errorCode).toBe(0)
      expect(await beat(group, keepAlive, eager)).toBe(kafkaError.UNKNOWN_MEMBER_ID)
      expect((await describeOne(group))?.members.map((one) => one.memberId)).toEqual([thirdId])
    }, 20_000)

    it('is Dead to those who describe it before it exists, and listed once it does', async () => {
      const group = await freshGroup()
      expect(await describeOne(group)).toMatchObject({ errorCode: 0, groupState: 'Dead', members: [] })
      await session().joinAlone(group)
      const listed = await session().request(listGroups, 4, { statesFilter: ['Stable'] })
      expect(listed.groups.find(({ groupId }) => groupId === group)).toMatchObject({
        protocolType: 'consumer',
        groupState: 'Stable',
      })
    })
  })

  describe('a static member', () => {
    it('needs no id of the group to join', async () => {
      const group = await freshGroup()
      const joined = await session().join(group, { groupInstanceId: 'one' })
      expect(joined).toMatchObject({ errorCode: 0, generationId: 1 })
      expect(joined.memberId).toMatch(/^one-/)
    })

    it('comes back under a new id to the same generation, the leader with skipAssignment', async () => {
      const group = await freshGroup()
      const before = await session().joinAlone(group, 'one')
      const back = await session().join(group, { groupInstanceId: 'one', metadata: subscription('changed') })
      expect(back).toMatchObject({ errorCode: 0, generationId: before.generationId, skipAssignment: true })
      expect(back.memberId).not.toBe(before.memberId)
      expect(back.leader).toBe(back.memberId)
      expect(back.members.length).toBe(1)
      const now = { memberId: back.memberId, generationId: back.generationId, groupInstanceId: 'one' }
      expect(text((await session().sync(group, now)).assignment)).toBe('all of it')
    })

    it('that comes back with JoinGroup 8 or older is told the old leader and no members', async () => {
      const group = await freshGroup()
      const before = await session().joinAlone(group, 'one')
      const back = await session().join(group, { groupInstanceId: 'one', version: 8 })
      expect(back).toMatchObject({
        errorCode: 0,
        generationId: before.generationId,
        leader: before.memberId,
        members: [],
      })
    })

    it('rebalances when it joins once more with changed metadata', async () => {
      const group = await freshGroup()
      await session().joinAlone(group, 'one')
      const back = await session().join(group, { groupInstanceId: 'one' })
      const again = await session().join(group, {
        groupInstanceId: 'one',
        memberId: back.memberId,
        metadata: subscription('changed'),
      })
      expect(again).toMatchObject({ errorCode: 0, generationId: back.generationId + 1 })
      expect(again.members.map(({ metadata }) => text(metadata).slice(-7))).toEqual(['changed'])
    })

    it('fences its former self: 82 where the instance is named, 25 where not', async () => {
      const group = await freshGroup()
      const topic = name('t')
      await session().createTopic(topic)
      const old = await session().joinAlone(group, 'one')
      await session().join(group, { groupInstanceId: 'one' })
      const unnamed = { memberId: old.memberId, generationId: old.generationId }
      expect(await beat(group, old)).toBe(kafkaError.FENCED_INSTANCE_ID)
      expect(await beat(group, unnamed)).toBe(kafkaError.UNKNOWN_MEMBER_ID)
      expect((await session().sync(group, old)).errorCode).toBe(kafkaError.FENCED_INSTANCE_ID)
      expect(await session().commit(group, { [topic]: [1] }, old)).toEqual([kafkaError.FENCED_INSTANCE_ID])
      expect((await session().join(group, { groupInstanceId: 'one', memberId: old.memberId })).errorCode).toBe(
        kafkaError.FENCED_INSTANCE_ID,
      )
      const id = name('id')
      const producer = await session().init(id)
      await session().addOffsets(id, producer, group)
      const commit = (member: MemberIn) => session().commitInTxn(id, producer, group, { [topic]: [1] }, member)
      expect(await commit(old)).toEqual([kafkaError.FENCED_INSTANCE_ID])
      expect(await commit(unnamed)).toEqual([kafkaError.UNKNOWN_MEMBER_ID])
    })

    it('is taken out by its instance id alone', async () => {
      const group = await freshGroup()
      await session().joinAlone(group, 'one')
      const leave = async (groupInstanceId: string) =>
        (
          await session().request(leaveGroup, 4, { groupId: group, members: [{ memberId: '', groupInstanceId }] })
        ).members.map(({ errorCode }) => errorCode)
      expect(await leave('two')).toEqual([kafkaError.UNKNOWN_MEMBER_ID])
      expect(await leave('one')).toEqual([0])
      expect(await describeOne(group)).toMatchObject({ groupState: 'Empty' })
    })
  })

  describe('a commit during a rebalance', () => {
    it('is fine while it is prepared, refused for its old generation from there on', async () => {
      const group = await freshGroup()
      const topic = name('t')
      await session().createTopic(topic)
      const first = await session().joinAlone(group)
      const newcomer = await another()
      const { memberId } = await newcomer.join(group)
      const joining = newcomer.join(group, { memberId })
      await until(
        () => beat(group, first),
        (code) => code !== 0,
      )
      const id = name('id')
      const producer = await session().init(id)
      await session().addOffsets(id, producer, group)
      const inTxn = (member: MemberIn) => session().commitInTxn(id, producer, group, { [topic]: [1] }, member)
      // PreparingRebalance: the old generation stands.
      expect(await session().commit(group, { [topic]: [1] }, first)).toEqual([0])
      expect(await inTxn(first)).toEqual([0])
      const { generationId } = await session().join(group, { memberId: first.memberId })
      await joining
      // CompletingRebalance: the new one does, and plain commits wait for the assignment.
      const now = { ...first, generationId }
      expect(await inTxn(first)).toEqual([kafkaError.ILLEGAL_GENERATION])
      expect(await inTxn(now)).toEqual([0])
      expect(await session().commit(group, { [topic]: [2] }, first)).toEqual([kafkaError.ILLEGAL_GENERATION])
      expect(await session().commit(group, { [topic]: [2] }, now)).toEqual([kafkaError.REBALANCE_IN_PROGRESS])
      await session().sync(group, now, {})
      expect(await session().commit(group, { [topic]: [2] }, now)).toEqual([0])
    })
  })

  describe('committed offsets', () => {
    it('are kept with their metadata, and are -1 where nothing was committed', async () => {
      const group = await freshGroup()
      const topic = name('t')
      await session().createTopic(topic, 2)
      expect(await session().commit(group, { [topic]: [7] })).toEqual([0])
      expect(await session().committed(group, topic, [0, 1])).toEqual([
        [7, 0],
        [-1, 0],
      ])
      const all = await session().request(offsetFetch, 8, { groups: [{ groupId: group, topics: null }] })
      expect(all.groups[0]?.topics).toMatchObject([{ name: topic, partitions: [{ index: 0, committedOffset: 7 }] }])
      expect(await session().committed(name('group'), topic)).toEqual([[-1, 0]])
    })

    it('are refused for missing partitions, foreign generations, and for nobody in a group that has members', async () => {
      const group = await freshGroup()
      const topic = name('t')
      await session().createTopic(topic)
      expect(await session().commit(group, { [name('gone')]: [1] })).toEqual([kafkaError.UNKNOWN_TOPIC_OR_PARTITION])
      expect(await session().commit(name('group'), { [topic]: [1] }, { memberId: 'm', generationId: 3 })).toEqual([
        kafkaError.ILLEGAL_GENERATION,
      ])
      const member = await session().joinAlone(group)
      expect(await session().commit(group, { [topic]: [1] })).toEqual([kafkaError.UNKNOWN_MEMBER_ID])
      expect(await session().commit(group, { [topic]: [1] }, { ...member, generationId: 9 })).toEqual([
        kafkaError.ILLEGAL_GENERATION,
      ])
      expect(await session().commit(group, { [topic]: [1] }, member)).toEqual([0])
    })

    it('are deleted one by one or with their group, once nobody needs them', async () => {
      const group = await freshGroup()
      const topic = name('t')
      await session().createTopic(topic, 2)
      await session().commit(group, { [topic]: [7, 8] })
      const remove = await session().request(offsetDelete, 0, {
        groupId: group,
        topics: [{ name: topic, partitions: [{ index: 0 }] }],
      })
      expect(remove.topics[0]?.partitions[0]?.errorCode).toBe(0)
      expect(await session().committed(group, topic, [0, 1])).toEqual([
        [-1, 0],
        [8, 0],
      ])
      const removeGroup = async (groupId: string) =>
        (await session().request(deleteGroups, 2, { groupIds: [groupId] })).results[0]?.errorCode
      const busy = await freshGroup()
      await session().joinAlone(busy)
      expect(await removeGroup(busy)).toBe(kafkaError.NON_EMPTY_GROUP)
      expect(await removeGroup(name('group'))).toBe(kafkaError.GROUP_ID_NOT_FOUND)
      expect(await removeGroup(group)).toBe(0)
      expect(await session().committed(group, topic, [1])).toEqual([[-1, 0]])
    })
  })
}
