import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { encodePositions, type PositionsRow, positionsKey } from '../../../src/checkpoint/positions-row.ts'
import type { StartPosition } from '../../../src/checkpoint/start-positions.ts'
import type { TaskStore } from '../../../src/checkpoint/task-store.ts'
import { TaskStores, type TaskStoresOptions } from '../../../src/checkpoint/task-stores.ts'
import { text } from '../../../src/serde/text.ts'
import { userKey } from '../../../src/state/row-format.ts'
import { BareApp } from '../../support/bare-app.ts'

const spec = (name: string) => ({ name, kind: 'key-value' as const, key: text, value: text })
const row = (commitId: number, stores: readonly string[], inputs: Readonly<Record<string, number>>): PositionsRow => ({
  v: 1,
  commitId,
  plan: 1,
  stores,
  positions: inputs,
  partitionTimes: Object.fromEntries(Object.keys(inputs).map((input) => [input, 1000 + commitId])),
  topicIds: {},
})
const committedAt = (offset: number, commitId: number): StartPosition => ({
  offset,
  isNew: false,
  metadata: { v: 1, commitId, plan: 1, txnId: 'app-own-0', topicId: '', partitionTime: null, ended: null },
})

describe('the stores of a task', () => {
  let world: BareApp
  let options: TaskStoresOptions

  beforeEach(async () => {
    world = await BareApp.open()
    for (const topic of ['app-control', 'app-a-changelog', 'app-b-changelog']) await world.createTopic(topic)
    options = {
      app: world.app,
      taskId: 'x_0',
      partition: 0,
      specs: [spec('a'), spec('b')],
      inputs: [
        { topic: 'x', partition: 0 },
        { topic: 'y', partition: 0 },
      ],
      committed: new Map(),
    }
  })
  afterEach(() => world.close())

  /** Commits rows of a store with its positions, as a task does. */
  const commit = (store: string, positions: PositionsRow, ...keys: readonly string[]): Promise<void> =>
    world.write(`app-${store}-changelog`, [
      ...keys.map((key) => [userKey(Buffer.from(key)), 'v'] as const),
      [positionsKey, encodePositions(positions)],
    ])

  /** The control topic says where a store began. */
  async function begin(store: string, commitId: number, changelogOffset = 0, plan = 1): Promise<void> {
    const producer = await world.producer()
    world.app.control.begin(producer, store, 0, { v: 1, commitId, plan, changelogOffset }, 1)
    await producer.flush()
    await producer.commit()
    await world.app.control.refresh()
  }

  async function look(changes: Partial<TaskStoresOptions> = {}) {
    const stores = await TaskStores.open({ ...options, ...changes })
    const rows = await Promise.all(
      stores.all.map(async ({ store }) => {
        const keys: string[] = []
        for await (const { key } of store.rows.committedRows()) keys.push(key.toString())
        return keys
      }),
    )
    const found = { commitId: stores.commitId, x: stores.start('x-0'), y: stores.start('y-0'), rows }
    await stores.close()
    return found
  }

  it('begin with nothing, and say nothing of where to go on', async () => {
    expect(await look()).toEqual({ commitId: 0, x: null, y: null, rows: [[], []] })
  })

  it('go on where the commit has it that read an input last, each where its own has it', async () => {
    await commit('a', row(57, ['a'], { 'x-0': 10 }), 'k')
    await commit('b', row(40, ['b'], { 'y-0': 7 }))
    const committed = new Map([
      ['x-0', committedAt(10, 57)],
      ['y-0', committedAt(7, 40)],
    ])
    expect(await look({ committed })).toEqual({
      commitId: 57,
      x: { offset: 10, partitionTime: 1057 },
      y: { offset: 7, partitionTime: 1040 },
      rows: [['k'], []],
    })
  })

  it('go on behind the last commit of the group where none of them shows it', async () => {
    expect(await look({ committed: new Map([['x-0', committedAt(10, 9)]]) })).toMatchObject({ commitId: 9, x: null })
  })

  it('are closed, each, where one of them lacks what was committed', async () => {
    await commit('a', row(4, ['a', 'b'], { 'x-0': 10 }))
    await expect(TaskStores.open(options)).rejects.toMatchObject({
      code: 'STATE_INCOMPLETE',
      message: expect.stringContaining('app-b-changelog-0 shows no commit, and the store a beside it shows commit 4'),
    })
    await commit('b', row(4, ['a', 'b'], { 'x-0': 10 }))
    expect(await look()).toMatchObject({ commitId: 4 })
  })

  it('begin anew where one lacks what was committed and the user lets it, from the end of what it had', async () => {
    await commit('a', row(4, ['a', 'b'], { 'x-0': 10 }), 'k')
    await commit('b', row(3, ['a', 'b'], { 'x-0': 9 }), 'old')
    await begin('a', 1)
    await begin('b', 1)
    const app = { ...world.app, freshStores: new Set(['b']) }
    expect(await look({ app })).toMatchObject({ commitId: 4, rows: [['k'], []] })
    // One that is whole is left as it is.
    await expect(look({ app: { ...world.app, freshStores: new Set(['a']) } })).rejects.toThrow('app-b-changelog-0')
  })

  it('have no row from before they were begun anew, on a disk that has them either', async () => {
    await commit('b', row(3, ['b'], { 'x-0': 9 }), 'old')
    await begin('b', 1)
    expect((await look()).rows).toEqual([[], ['old']])
    await begin('b', 5, 3)
    await commit('b', row(5, ['a', 'b'], { 'x-0': 20 }), 'new')
    await commit('a', row(5, ['a', 'b'], { 'x-0': 20 }))
    expect((await look()).rows).toEqual([[], ['new']])
    expect(world.lines.at(-1)).toContain('the store b of task x_0 is put aside')
    expect((await look()).rows).toEqual([[], ['new']])
  })

  /** Puts a value into the first store and commits, with a clock row if it is given. */
  async function commitAll(stores: TaskStores, value: string, commitId: number, wallTime?: number): Promise<void> {
    const producer = await world.producer()
    const { rows, name } = (stores.all[0] as TaskStore).store
    rows.put(rows.row(Buffer.from('k'), 0, 1), value, 5)
    const clock = wallTime === undefined ? null : { streamTime: -1, wallTime }
    const cuts = new Map([[name, (stores.all[0] as TaskStore).store.cut()]])
    const cut = stores.commit(producer, cuts, row(commitId, ['a', 'b'], { 'x-0': 10 * commitId }), clock)
    cut.writeChangelogs()
    await producer.flush()
    cut.acknowledged()
    await producer.commit()
    await cut.writeStores()
    stores.committed()
  }

  it('show one commit, whether they changed or not, in their directories and in their changelogs', async () => {
    const stores = await TaskStores.open(options)
    expect(stores.clocks()).toEqual([])
    await commitAll(stores, 'one', 1, 900)
    await commitAll(stores, 'two', 2)
    const clock = { streamTime: -1, wallTime: 900 }
    const seen = (opened: TaskStores) => [
      opened.all.map((one) => one.positions()?.commitId),
      opened.clocks(),
      opened.start('x-0'),
      opened.latestTime,
      (opened.all[0] as TaskStore).store.rows.committed(Buffer.from('k')),
    ]
    const expected = [[2, 2], [clock, clock], { offset: 20, partitionTime: 1002 }, 1002, 'two']
    expect(seen(stores)).toEqual(expected)
    await stores.close()
    for (const name of ['a', 'b']) await world.app.backends.destroy(`/state/${name}/0`)
    await world.app.control.refresh()
    const restored = await TaskStores.open(options)
    expect(seen(restored)).toEqual(expected)
    expect(restored.restored).toBeGreaterThan(0)
    await restored.close()
  })

  it('close what was opened before one of them could not be', async () => {
    await expect(TaskStores.open({ ...options, specs: [spec('a'), spec('topicless')] })).rejects.toThrow()
    const again = await TaskStores.open(options)
    expect(again.all).toHaveLength(2)
    await again.close()
  })

  it('tell the control topic where each began, in the first commit of each and in no other', async () => {
    await commit('a', row(4, ['a'], { 'x-0': 10 }))
    await begin('a', 1)
    const stores = await TaskStores.open(options)
    // A commit of the thread that this task has no part in.
    stores.committed()
    await commitAll(stores, 'one', 5)
    await commitAll(stores, 'two', 6)
    await world.app.control.refresh()
    const began = { v: 1, commitId: 5, plan: 1, changelogOffset: 0 }
    expect([world.app.control.beginning('a', 0)?.commitId, world.app.control.beginning('b', 0)]).toEqual([1, began])
    await stores.close()
  })
})
