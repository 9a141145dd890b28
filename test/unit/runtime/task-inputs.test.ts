import { describe, expect, it } from 'vitest'
import { decodeOffsetMetadata, type OffsetMetadata } from '../../../src/checkpoint/offset-metadata.ts'
import type { StartPosition } from '../../../src/checkpoint/start-positions.ts'
import type { TaskStores } from '../../../src/checkpoint/task-stores.ts'
import { TaskInputs } from '../../../src/runtime/task-inputs.ts'
import type { ThreadContext } from '../../../src/runtime/thread-context.ts'
import { text } from '../../../src/serde/text.ts'
import { bareThread } from '../../support/bare-thread.ts'
import { FetchedLog } from '../../support/fetched.ts'
import { record } from '../../support/record-batches.ts'

type StateStart = Pick<TaskStores, 'commitId' | 'start' | 'latestTime'>

const inputOf = (name: string) => ({
  topic: { role: 'external' as const, name },
  key: text,
  value: text,
  errors: { decode: 'fail' as const, process: 'fail' as const },
  edges: [],
  sources: [],
})

/** The inputs of the task of a partition, over logs that begin where they are asked for. */
function open(partitions: Readonly<Record<string, number>>, partition: number) {
  const { thread: bare, lines } = bareThread()
  const logs = new Map<string, FetchedLog>()
  const left: string[] = []
  const fetcher = {
    assign: (topic: string, at: number, offset: number) => {
      const log = new FetchedLog(topic, at, offset)
      logs.set(topic, log)
      return log.queue
    },
    unassign: (at: { readonly topic: string; readonly partition: number }) =>
      void left.push(`${at.topic}-${at.partition}`),
  }
  const thread = {
    ...bare,
    app: {
      ...bare.app,
      appId: 'app',
      transactionalId: 'app-own-0',
      planVersion: 3,
      topicId: (topic: string) => `id of ${topic}`,
    },
    fetcher,
    partitionCount: (topic: string) => partitions[topic] ?? 0,
  } as unknown as ThreadContext
  const inputs = new TaskInputs(thread, Object.keys(partitions).map(inputOf), partition, 'in_0')
  const start = (committed: ReadonlyMap<string, StartPosition> = new Map(), state: StateStart | null = null) =>
    inputs.start(committed, state, () => undefined)
  /** Takes what comes. */
  const take = (topic: string, ...times: number[]): void => {
    const log = logs.get(topic) as FetchedLog
    log.answer([log.batch(times.map((time) => record('k', 'v', time)))])
    for (const _ of times) inputs.choose()?.take()
  }
  return { inputs, start, take, lines, left }
}

const committed = (offset: number, metadata: Partial<OffsetMetadata> = {}): StartPosition => ({
  offset,
  isNew: false,
  metadata: {
    v: 1,
    commitId: 0,
    plan: 1,
    txnId: 'app-x-0',
    topicId: '',
    partitionTime: null,
    ended: null,
    ...metadata,
  },
})

describe('the inputs of a task', () => {
  it('are the topics that have its partition', () => {
    expect(open({ a: 3, b: 2, c: 3 }, 2).inputs.partitions).toEqual([
      { topic: 'a', partition: 2 },
      { topic: 'c', partition: 2 },
    ])
  })

  it('go on where the state is, and say so where the group is elsewhere', () => {
    const { inputs, start, lines } = open({ a: 1, b: 1 }, 0)
    const state: StateStart = {
      commitId: 7,
      start: (input) => (input === 'a-0' ? { offset: 5, partitionTime: 60 } : null),
      latestTime: 90,
    }
    const positions = new Map([
      ['a-0', committed(3, { commitId: 6, partitionTime: 50 })],
      ['b-0', { offset: 2, metadata: null, isNew: true }],
    ])
    expect(start(positions, state)).toEqual({
      ended: null,
      // Of an input that the pipeline no longer has.
      streamTime: 90,
      fresh: [{ topic: 'b', partition: 0, offset: 2, commitId: 7 }],
    })
    expect(inputs.positions().map(({ position }) => position)).toEqual([5, 2])
    expect(inputs.streamTime).toBe(60)
    expect(lines).toEqual([
      expect.stringContaining('goes on at a-0@5, where its state is; the group has offset 3 there'),
    ])
  })

  it('go on where the group is when there is no state, at the times that it says', () => {
    const { inputs, start } = open({ a: 1, b: 1 }, 0)
    const positions = new Map([
      ['a-0', committed(3, { commitId: 6, partitionTime: 50, ended: 'x' })],
      ['b-0', committed(4, { commitId: 6, partitionTime: 40, ended: 'x' })],
    ])
    expect(start(positions)).toEqual({ ended: 'x', streamTime: 50, fresh: [] })
    expect(inputs.row(9, [{ name: 'counts' }])).toEqual({
      v: 1,
      commitId: 9,
      plan: 3,
      stores: ['counts'],
      positions: { 'a-0': 3, 'b-0': 4 },
      partitionTimes: { 'a-0': 50, 'b-0': 40 },
      topicIds: { a: 'id of a', b: 'id of b' },
    })
  })

  it('have not ended together while they say different things', () => {
    const positions = new Map([
      ['a-0', committed(3, { ended: 'x' })],
      ['b-0', committed(4)],
    ])
    expect(open({ a: 1, b: 1 }, 0).start(positions).ended).toBeNull()
  })

  it('name in a commit all of them, moved or not, and when and by whom', () => {
    const { inputs, start, take } = open({ a: 1, b: 1 }, 0)
    start()
    take('b', 70, 60)
    const offsets = inputs.offsets(4, 'token')
    expect(offsets.map(({ topic, offset }) => `${topic}@${offset}`)).toEqual(['a@0', 'b@0'])
    take('a', 10)
    const said = { v: 1, commitId: 4, plan: 3, txnId: 'app-own-0', ended: 'token' }
    expect(inputs.offsets(4, 'token').map(({ offset, metadata }) => [offset, decodeOffsetMetadata(metadata)])).toEqual([
      [1, { ...said, topicId: 'id of a', partitionTime: 10 }],
      [0, { ...said, topicId: 'id of b', partitionTime: null }],
    ])
  })

  it('are fetched no more once it closes', () => {
    const { inputs, start, left } = open({ a: 1, b: 1 }, 0)
    start()
    inputs.close()
    expect(left).toEqual(['a-0', 'b-0'])
  })
})
