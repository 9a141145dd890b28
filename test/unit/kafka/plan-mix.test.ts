import { describe, expect, it } from 'vitest'
import { formatTaskId } from '../../../src/core/task-id.ts'
import type { PlanPart, Subscription } from '../../../src/kafka/assignment.ts'
import { dealPlans } from '../../../src/kafka/plan-mix.ts'

const part = (name: string, reads: readonly string[], encodings: Readonly<Record<string, string>> = {}): PlanPart => ({
  name,
  tasks: 2,
  reads: reads.map((topic) => [topic, 2]),
  encodings,
})
const says = (
  planVersion: number,
  parts: readonly PlanPart[],
  tasks: readonly string[] = [],
  planHash = `plan ${planVersion}`,
): Subscription => ({ v: 1, transactionalId: 't', planHash, planVersion, tasks, parts })

/** What each member gets, by name, and who waits. */
function deal(members: Readonly<Record<string, Subscription>>, committedUnder: Readonly<Record<string, number>> = {}) {
  const { dealt, waiting } = dealPlans(new Map(Object.entries(members)), new Map(Object.entries(committedUnder)))
  const names = [...dealt].map(([id, tasks]) => [id, tasks.map((task) => formatTaskId(task.id)).sort()] as const)
  return { tasks: Object.fromEntries(names), waiting: Object.fromEntries(waiting) }
}

const [x, y] = [part('x', ['x']), part('y', ['y'])]

describe('members of different plans', () => {
  it('share what both have, and each has alone what the other lacks', () => {
    const { tasks, waiting } = deal({ old: says(1, [x], ['x_0', 'x_1']), young: says(2, [x, y]) })
    expect(tasks['old']).toHaveLength(1)
    expect(tasks['young']).toHaveLength(3)
    expect(tasks['young']).toEqual(expect.arrayContaining(['y_0', 'y_1']))
    expect(waiting).toEqual({})
  })

  it('never give a task to a plan that is older than its last commit', () => {
    const committed = { 'x-0': 2, 'x-1': 1 }
    expect(deal({ old: says(1, [x], ['x_0', 'x_1']), young: says(2, [x]) }, committed).tasks).toEqual({
      old: ['x_1'],
      young: ['x_0'],
    })
  })

  it('leave a task alone that no plan is new enough for, and say so', () => {
    const { tasks, waiting } = deal({ a: says(1, [x]), b: says(1, [x]) }, { 'x-0': 3, 'x-1': 3 })
    expect(tasks).toEqual({ a: [], b: [] })
    expect(waiting['a']).toBe(
      'tasks wait for a process with a later version of the plan: x_0 was committed under version 3, and 1 more',
    )
  })

  it('have one version where their plans are one: the greatest that any of them found', () => {
    const [early, late] = [says(1, [x], [], 'same'), says(3, [x], [], 'same')]
    const { tasks } = deal({ early, late }, { 'x-0': 3, 'x-1': 3 })
    expect([tasks['early'], tasks['late']].map((own) => own?.length)).toEqual([1, 1])
  })

  it.each([
    ['reads topics together that the other reads apart', [part('x', ['x', 'y'])]],
    ['calls the tasks of a topic otherwise', [part('other', ['x'])]],
    ['has other values in a topic', [part('x', ['x'], { x: 'text' })]],
    ['counts on other partitions', [{ ...x, reads: [['x', 3] as const] }]],
  ])('do not mix where one %s: the later waits until the earlier has left', (_, parts) => {
    const members = { young: says(5, parts), old: says(4, [part('x', ['x'], { x: 'presence' }), y]) }
    const { tasks, waiting } = deal(members)
    expect(tasks).toEqual({ young: [], old: ['x_0', 'x_1', 'y_0', 'y_1'] })
    expect(waiting).toEqual({
      young: 'version 5 of the plan waits until the last process with version 4 has left: it reads x otherwise',
    })
    const { young } = members
    expect(deal({ young }).tasks['young']).not.toEqual([])
  })

  it('wait for one another in order: a third goes with whom it mixes', () => {
    const members = { a: says(1, [x]), b: says(2, [part('x', ['x', 'y'])]), c: says(3, [x, part('z', ['z'])]) }
    const { tasks, waiting } = deal(members)
    expect(Object.keys(waiting)).toEqual(['b'])
    expect(tasks['c']).toEqual(expect.arrayContaining(['z_0', 'z_1']))
  })
})
