import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatTaskId } from '../../../src/core/task-id.ts'
import { type AssignableTask, assignTasks, decodeUserData, type MemberData } from '../../../src/kafka/assignment.ts'
import { runs } from '../../support/seed.ts'

type Owned = ReadonlyMap<string, readonly string[]>

const tasksOf = (partitions: readonly number[]): AssignableTask[] =>
  partitions.flatMap((count, subtopology) =>
    Array.from({ length: count }, (_, partition) => ({ id: { subtopology: `${subtopology}`, partition }, inputs: [] })),
  )
const namesOf = (tasks: readonly AssignableTask[]): string[] => tasks.map(({ id }) => formatTaskId(id))
const member = (tasks: readonly string[]): MemberData => ({
  v: 1,
  transactionalId: 't',
  planHash: 'h',
  planVersion: 1,
  tasks,
})

/** Deals tasks by name to members by what they own. */
function deal(partitions: readonly number[], owned: Owned): Owned {
  const members = new Map([...owned].map(([id, own]) => [id, member(own)]))
  return new Map([...assignTasks(tasksOf(partitions), members)].map(([id, own]) => [id, namesOf(own)]))
}

const nobodyHasAnything = (members: number): Owned =>
  new Map(Array.from({ length: members }, (_, i) => [`m${i}`, []] as const))
const spread = (counts: readonly number[]): number => Math.max(...counts) - Math.min(...counts)
const inSub = (sub: number, names: readonly string[]): number =>
  names.filter((name) => name.startsWith(`${sub}_`)).length
const kept = (before: Owned, after: Owned): number =>
  [...after].reduce((sum, [id, own]) => sum + own.filter((name) => before.get(id)?.includes(name)).length, 0)

/** The most that members could keep under the balance, by trying every way to give out what is left over of each sub-topology. */
function mostKept(partitions: readonly number[], owned: Owned): number {
  const ids = [...owned.keys()]
  const none = ids.map(() => 0)
  let best = new Map([[none.join(), { extras: none, kept: 0 }]])
  for (const [sub, count] of partitions.entries()) {
    const share = Math.floor(count / ids.length)
    const next: typeof best = new Map()
    for (let some = 0; some < 2 ** ids.length; some++) {
      const more = ids.map((_, m) => (some >> m) & 1)
      if (more.reduce((a, b) => a + b, 0) !== count % ids.length) continue
      const keeps = ids.reduce(
        (sum, id, m) => sum + Math.min(inSub(sub, owned.get(id) ?? []), share + (more[m] ?? 0)),
        0,
      )
      for (const before of best.values()) {
        const extras = before.extras.map((had, m) => had + (more[m] ?? 0))
        const known = next.get(extras.join())
        if (!known || known.kept < before.kept + keeps) next.set(extras.join(), { extras, kept: before.kept + keeps })
      }
    }
    best = next
  }
  return Math.max(...[...best.values()].filter(({ extras }) => spread(extras) <= 1).map((found) => found.kept))
}

const partitionsOf = (subs: number) => fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: subs })
/** Who had what: nothing of it need be balanced, and tasks may belong to nobody. */
const owners = (members: number) => fc.array(fc.nat(members), { minLength: 54, maxLength: 54 })
const ownedBy = (partitions: readonly number[], members: number, owner: readonly number[]): Owned => {
  const names = namesOf(tasksOf(partitions))
  return new Map(Array.from({ length: members }, (_, m) => [`m${m}`, names.filter((_name, at) => owner[at] === m)]))
}
const anyCase = (subs: number, most: number) =>
  fc
    .integer({ min: 1, max: most })
    .chain((members) => fc.tuple(partitionsOf(subs), fc.constant(members), owners(members)))

describe('an assignment', () => {
  it('gives every task to one member, evenly within each sub-topology and over all, whatever they had before', () => {
    fc.assert(
      fc.property(anyCase(6, 6), ([partitions, members, owner]) => {
        const dealt = [...deal(partitions, ownedBy(partitions, members, owner)).values()]
        expect(dealt.flat().sort()).toEqual(namesOf(tasksOf(partitions)).sort())
        for (const sub of partitions.keys()) {
          expect(spread(dealt.map((own) => inSub(sub, own)))).toBeLessThanOrEqual(1)
        }
        expect(spread(dealt.map((own) => own.length))).toBeLessThanOrEqual(1)
      }),
      runs(500),
    )
  })

  it('gives two processes half of the stateless and half of the stateful tasks each', () => {
    const dealt = deal([4, 4], new Map([...nobodyHasAnything(1), ['second', []]]))
    for (const own of dealt.values()) expect([inSub(0, own), inSub(1, own)]).toEqual([2, 2])
    const first = deal([4, 4], nobodyHasAnything(1))
    const second = deal([4, 4], new Map([...first, ['second', []]]))
    expect([inSub(0, second.get('second') ?? []), inSub(1, second.get('second') ?? [])]).toEqual([2, 2])
  })

  it('gives what is left over of each sub-topology to another member', () => {
    const dealt = deal([1, 1, 1, 1, 1, 1], nobodyHasAnything(3))
    expect([...dealt.values()].map((own) => own.length)).toEqual([2, 2, 2])
  })

  it('moves no more tasks than the balance asks for', () => {
    fc.assert(
      fc.property(anyCase(4, 4), ([partitions, members, owner]) => {
        const owned = ownedBy(partitions, members, owner)
        expect(kept(owned, deal(partitions, owned))).toBe(mostKept(partitions, owned))
      }),
      runs(300),
    )
  })

  it('leaves tasks where they are when nobody comes or goes', () => {
    fc.assert(
      fc.property(anyCase(6, 6), ([partitions, members, owner]) => {
        const first = deal(partitions, ownedBy(partitions, members, owner))
        expect(deal(partitions, first)).toEqual(first)
      }),
      runs(200),
    )
  })

  it('moves to a member that joins, and from one that leaves, no more than the balance asks for', () => {
    fc.assert(
      fc.property(partitionsOf(5), fc.integer({ min: 1, max: 4 }), (partitions, members) => {
        const few = deal(partitions, nobodyHasAnything(members))
        const joined: Owned = new Map([...few, ['joining', []]])
        const many = deal(partitions, joined)
        expect(kept(joined, many)).toBe(mostKept(partitions, joined))
        const left: Owned = new Map([...many].slice(1))
        expect(kept(left, deal(partitions, left))).toBe(mostKept(partitions, left))
      }),
      runs(200),
    )
  })

  it('of one sub-topology moves nothing between those who stay when a member joins or leaves', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 6 }), (count, members) => {
        const few = deal([count], nobodyHasAnything(members))
        const many = deal([count], new Map([...few, ['joining', []]]))
        for (const [id, own] of few) expect(own).toEqual(expect.arrayContaining([...(many.get(id) ?? [])]))
        const left = new Map([...many].slice(1))
        for (const [id, own] of deal([count], left))
          expect(own).toEqual(expect.arrayContaining([...(left.get(id) ?? [])]))
      }),
      runs(200),
    )
  })

  it('is the same in whatever order members and tasks are named, and gives a task that two claim to one of them', () => {
    const claims: Owned = new Map([
      ['a', ['0_0', '0_1', '1_0']],
      ['b', ['0_0', '0_1', '9_9', 'no task']],
      ['c', []],
    ])
    const members = [...claims].map(([id, own]) => [id, member(own)] as const)
    const tasks = tasksOf([4, 3])
    const there = assignTasks(tasks, new Map(members))
    const back = assignTasks([...tasks].reverse(), new Map([...members].reverse()))
    expect(new Map(back)).toEqual(new Map(there))
    expect([...there.values()].flatMap(namesOf).sort()).toEqual(namesOf(tasks).sort())
  })

  it('of sixty members and forty sub-topologies is made while a group waits', () => {
    const partitions = Array.from({ length: 40 }, (_, sub) => 1 + ((sub * 7) % 90))
    const before = deal(partitions, nobodyHasAnything(60))
    const after = deal(partitions, new Map([...before, ['joining', []]]))
    expect(spread([...after.values()].map((own) => own.length))).toBeLessThanOrEqual(1)
  })

  it('of nobody is empty', () => {
    expect(assignTasks(tasksOf([2]), new Map())).toEqual(new Map())
  })

  it('refuses what another program says of itself', () => {
    expect(() => decodeUserData(Buffer.from('range'))).toThrow(expect.objectContaining({ code: 'PLAN_CHANGED' }))
    expect(() => decodeUserData(null)).toThrow(expect.objectContaining({ code: 'PLAN_CHANGED' }))
  })
})
