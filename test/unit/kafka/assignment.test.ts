import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatTaskId } from '../../../src/core/task-id.ts'
import { assignTasks, decodeUserData, type MemberData } from '../../../src/kafka/assignment.ts'

const tasksOf = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ id: { subtopology: i % 3, partition: Math.floor(i / 3) }, inputs: [] }))
const member = (tasks: readonly string[]): MemberData => ({ v: 1, transactionalId: 't', planHash: 'h', tasks })

describe('an assignment', () => {
  it('gives every task to one member, evenly, whatever they had before', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 40 }),
        fc.array(fc.array(fc.nat(45)), { minLength: 1, maxLength: 6 }),
        (n, had) => {
          const tasks = tasksOf(n)
          const names = tasks.map(({ id }) => formatTaskId(id))
          const members = new Map(had.map((own, i) => [`m${i}`, member(own.flatMap((at) => names[at] ?? []))]))
          const dealt = assignTasks(tasks, members)
          expect(
            [...dealt.values()]
              .flat()
              .map(({ id }) => formatTaskId(id))
              .sort(),
          ).toEqual([...names].sort())
          const sizes = [...dealt.values()].map((own) => own.length)
          expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
        },
      ),
    )
  })

  it('leaves tasks where they are when nobody comes or goes', () => {
    const tasks = tasksOf(12)
    const first = assignTasks(
      tasks,
      new Map([
        ['a', member([])],
        ['b', member([])],
      ]),
    )
    const again = new Map([...first].map(([id, own]) => [id, member(own.map((task) => formatTaskId(task.id)))]))
    expect(assignTasks(tasks, again)).toEqual(first)
  })

  it('refuses what another program says of itself', () => {
    expect(() => decodeUserData(Buffer.from('range'))).toThrow(expect.objectContaining({ code: 'PLAN_CHANGED' }))
    expect(() => decodeUserData(null)).toThrow(expect.objectContaining({ code: 'PLAN_CHANGED' }))
  })
})
