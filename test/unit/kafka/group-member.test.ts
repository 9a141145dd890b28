import { describe, expect, it } from 'vitest'
import { createBroker } from '../../../src/broker/broker.ts'
import { MemoryStorage } from '../../../src/broker/storage/memory-storage.ts'
import { silentLogger } from '../../../src/core/logger.ts'
import { seededRandom } from '../../../src/core/random.ts'
import type { AssignmentData, PlanPart } from '../../../src/kafka/assignment.ts'
import { defaultMembershipTiming, GroupMember } from '../../../src/kafka/group-member.ts'
import { HandlerTransport } from '../../../src/kafka/handler-transport.ts'
import { KafkaClient } from '../../../src/kafka/kafka-client.ts'
import { type Actor, SimulatedNetwork, Simulation } from '../../../src/testing/index.ts'

/** One sub-topology of four tasks. */
const parts: readonly PlanPart[] = [{ name: '0', tasks: 4, reads: [['in', 4]], encodings: {} }]

/**
 * A broker and members of the group `app`, in virtual time. Version 2 of the plan has committed for two of the four tasks.
 * @param newestPlan the version that was written down last
 */
async function open(newestPlan = 1) {
  const simulation = new Simulation(5)
  const network = new SimulatedNetwork(simulation)
  const { clock } = simulation.actor('broker')
  const broker = await simulation.run(
    createBroker({ storage: new MemoryStorage().open(), clock, random: seededRandom(1), logger: silentLogger }),
  )
  network.listen(broker.connect)
  const wait = (ms: number): Promise<void> => simulation.run(simulation.actor('test').clock.sleep(ms))

  async function member(instance: string, planVersion = 1, process = instance) {
    const actor: Actor = simulation.actor(process)
    const transport = new HandlerTransport(
      network.connect(actor, () => 0),
      actor.clock,
      process,
    )
    const client = new KafkaClient({ transport, clock: actor.clock, random: seededRandom(2), logger: silentLogger })
    await simulation.run(client.open(10_000))
    let tasks: readonly string[] = []
    let changes = 0
    const made = new GroupMember({
      client,
      groupId: 'app',
      groupInstanceId: instance,
      topics: ['in'],
      self: () => ({
        v: 1,
        transactionalId: `app-${instance}-0`,
        planHash: `plan ${planVersion}`,
        planVersion,
        tasks,
        parts,
      }),
      newestPlan: async () => newestPlan,
      committedUnder: async (inputs) => new Map(inputs.map((at) => [`in-${at.partition}`, at.partition < 2 ? 2 : 1])),
      timing: defaultMembershipTiming,
      onChange: () => changes++,
    })
    const join = async (): Promise<AssignmentData> => {
      const data = await made.join()
      tasks = data.tasks
      return data
    }
    return { made, actor, join, changes: () => changes }
  }
  return { simulation, wait, member, run: <T>(work: Promise<T>) => simulation.run(work) }
}

describe('a group member', () => {
  it('that is alone leads, and has every task', async () => {
    const { member, run } = await open()
    const { tasks, members } = await run((await member('one')).join())
    expect(tasks).toEqual(['0_0', '0_1', '0_2', '0_3'])
    expect(members.map(({ transactionalId }) => transactionalId)).toEqual(['app-one-0'])
  })

  it('learns from a heartbeat that another has come, and keeps its share', async () => {
    const { member, run, wait } = await open()
    const one = await member('one')
    await run(one.join())
    const two = await member('two')
    const joining = two.join()
    await wait(defaultMembershipTiming.heartbeatMs + 100)
    expect([one.made.needsRejoin, one.made.lost, one.changes()]).toEqual([true, null, 1])
    const [kept, given] = await run(Promise.all([one.join(), joining]))
    expect(kept.tasks).toEqual(['0_0', '0_1'])
    expect(given.tasks).toEqual(['0_2', '0_3'])
    expect(one.made.needsRejoin).toBe(false)
  })

  it('that restarts within its session takes its tasks back under the same generation, and disturbs nobody', async () => {
    const { member, run, wait } = await open()
    const one = await member('one')
    await run(one.join())
    const two = await member('two')
    const joining = two.join()
    await wait(3100)
    await run(Promise.all([one.join(), joining]))
    const { generationId } = two.made.identity
    one.actor.kill()
    const again = await member('one', 1, 'one again')
    expect((await run(again.join())).tasks).toEqual(['0_0', '0_1'])
    expect(again.made.identity.generationId).toBe(generationId)
    await wait(12_000)
    expect([two.made.needsRejoin, two.made.lost, again.made.lost]).toEqual([false, null, null])
  })

  it('that restarts with another plan asks for a new round', async () => {
    const { member, run } = await open()
    const one = await member('one')
    await run(one.join())
    const { generationId } = one.made.identity
    one.actor.kill()
    const again = await member('one', 2, 'one again')
    await run(again.join())
    expect(again.made.identity.generationId).toBeGreaterThan(generationId)
  })

  it('is lost, and says what to do, when another process takes its instance id', async () => {
    const { member, run, wait } = await open()
    const one = await member('one')
    await run(one.join())
    await run((await member('one', 1, 'twin')).join())
    await wait(3100)
    expect(one.made.lost).toMatchObject({ code: 'INSTANCE_FENCED', action: 'fail' })
  })

  it('that was suspended past its session is told to join again', async () => {
    const { member, run, wait } = await open()
    const one = await member('one')
    await run(one.join())
    one.actor.pause()
    await wait(15_000)
    one.actor.resume()
    await wait(3100)
    expect(one.made.lost).toMatchObject({ code: 'MEMBERSHIP_LOST', action: 'rejoin' })
    const { memberId } = one.made.identity
    expect((await run(one.join())).tasks).toHaveLength(4)
    expect(one.made.lost).toBeNull()
    expect(one.made.identity.memberId).not.toBe(memberId)
  })

  it('leaves its tasks to the others at once when it leaves, and after a session when it dies', async () => {
    const { member, run, wait, simulation } = await open()
    const [one, two, three] = [await member('one'), await member('two'), await member('three')]
    await run(one.join())
    const joining = [two.join(), three.join()]
    await wait(3100)
    await run(Promise.all([one.join(), ...joining]))
    await run(two.made.leave())
    const leftMs = simulation.nowMs
    const both = Promise.all([one, three].map((left) => rejoin(left.made, left.join)))
    await run(both)
    expect(simulation.nowMs - leftMs).toBeLessThan(4000)
    three.actor.kill()
    const diedMs = simulation.nowMs
    expect((await run(rejoin(one.made, one.join))).tasks).toHaveLength(4)
    expect(simulation.nowMs - diedMs).toBeGreaterThan(6000)

    /** As its thread does: joins when it is told to. */
    async function rejoin(made: GroupMember, join: () => Promise<AssignmentData>): Promise<AssignmentData> {
      const { clock } = simulation.actor('thread')
      while (!made.needsRejoin) await clock.sleep(100)
      return join()
    }
  })

  it('that leads gives no task to an older plan than one that has committed for it', async () => {
    const { member, run, wait } = await open(2)
    const one = await member('one')
    const first = await run(one.join())
    expect(first.tasks).toEqual(['0_2', '0_3'])
    expect(first.waits).toContain('tasks wait for a process with a later version of the plan: 0_0')
    const two = await member('two', 2)
    const joining = two.join()
    await wait(3100)
    const [old, young] = await run(Promise.all([one.join(), joining]))
    expect(young.tasks.slice(0, 2)).toEqual(['0_0', '0_1'])
    expect([...old.tasks, ...young.tasks].sort()).toEqual(['0_0', '0_1', '0_2', '0_3'])
    expect([old.waits, young.waits]).toEqual([null, null])
  })

  it('does not answer for a coordinator that is silent: verifying ends in time and changes nothing', async () => {
    const { member, run, simulation } = await open()
    const one = await member('one')
    await run(one.join())
    one.actor.pause()
    simulation.actor('test').clock.timer(5000, () => one.actor.resume())
    await run(one.made.verify(1000))
    expect(one.made.lost).toBeNull()
  })
})
