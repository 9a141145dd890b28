import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PartitionGroup, takenOf } from '../../../src/runtime/partition-group.ts'
import { RecordQueue } from '../../../src/runtime/record-queue.ts'
import { text } from '../../../src/serde/text.ts'
import type { InputSpec } from '../../../src/topology/plan.ts'
import type { TopicRef } from '../../../src/topology/topic-ref.ts'
import { FetchedLog } from '../../support/fetched.ts'
import { record } from '../../support/record-batches.ts'
import { runs } from '../../support/seed.ts'

const inputOf = (topic: TopicRef): InputSpec => ({
  topic,
  key: text,
  value: text,
  errors: { decode: 'fail', process: 'fail' },
  edges: [],
  sources: [],
})

function open(...names: string[]) {
  const logs = names.map((name) => new FetchedLog(name))
  const queues = logs.map(
    (log, i) =>
      new RecordQueue(inputOf({ role: 'external', name: names[i] as string }), log.queue, 0, -1, () => undefined),
  )
  const group = new PartitionGroup(queues)
  /** Puts records of these times into an input. */
  const give = (index: number, ...times: number[]): void => {
    const log = logs[index] as FetchedLog
    if (times.length === 0) log.queue.lastStableOffset = log.queue.fetchOffset
    else log.answer([log.batch(times.map((time) => record(names[index] as string, String(time), time)))])
  }
  return { logs, queues, group, give }
}

/** Takes what can be taken now, as `input@time`. */
function drain(group: PartitionGroup): string[] {
  const seen: string[] = []
  for (let queue = group.choose(); queue; queue = group.choose()) {
    seen.push(`${queue.topic}@${queue.peek()?.timestamp}`)
    queue.take()
  }
  return seen
}

describe('a group of inputs', () => {
  it('takes the lowest head timestamp first', () => {
    const { group, give } = open('a', 'b')
    give(0, 10, 40)
    give(1, 20, 30)
    expect(drain(group)).toEqual(['a@10', 'b@20', 'b@30', 'a@40'])
  })

  it('keeps the order of each input, also where its times go back', () => {
    const { group, give } = open('a', 'b')
    give(0, 50, 1)
    give(1, 20)
    expect(drain(group)).toEqual(['b@20', 'a@50', 'a@1'])
  })

  it('takes the first of its inputs where times are equal', () => {
    const { group, give } = open('a', 'b', 'c')
    for (const index of [2, 1, 0]) give(index, 7, 7)
    expect(drain(group)).toEqual(['a@7', 'a@7', 'b@7', 'b@7', 'c@7', 'c@7'])
  })

  it('waits while an empty input may have more, and goes on when it turns out to have none', () => {
    const { group, give } = open('a', 'b')
    give(0, 10)
    expect(group.choose()).toBeNull()
    give(1)
    expect(drain(group)).toEqual(['a@10'])
  })

  it('waits for an input whose fetch is behind the last stable offset', () => {
    const { group, give, logs } = open('a', 'b')
    give(0, 10, 20)
    give(1, 5)
    ;(logs[1] as FetchedLog).queue.lastStableOffset = 2
    expect(drain(group)).toEqual(['b@5'])
    give(1, 15)
    expect(drain(group)).toEqual(['a@10', 'b@15', 'a@20'])
  })

  it('never waits with one input', () => {
    const { group, give, logs } = open('a')
    give(0, 10)
    ;(logs[0] as FetchedLog).queue.lastStableOffset = 99
    expect(drain(group)).toEqual(['a@10'])
  })

  it('is empty without inputs', () => {
    expect(new PartitionGroup([]).choose()).toBeNull()
  })

  it('takes the same order however its inputs arrive', () => {
    const times = fc.array(fc.nat(9), { maxLength: 8 })
    fc.assert(
      fc.property(times, times, fc.infiniteStream(fc.boolean()), (a, b, first) => {
        const whole = open('a', 'b')
        whole.give(0, ...a)
        whole.give(1, ...b)
        const expected = drain(whole.group)

        const parts = open('a', 'b')
        for (const [index, all] of [a, b].entries()) {
          const { queue } = parts.logs[index] as FetchedLog
          queue.lastStableOffset = all.length
        }
        const left = [[...a], [...b]]
        const seen: string[] = []
        while (left.some((rest) => rest.length > 0)) {
          const [go] = first.next().value ? [0, 1] : [1, 0]
          const index = (left[go as number] as number[]).length > 0 ? (go as number) : 1 - (go as number)
          const log = parts.logs[index] as FetchedLog
          const time = (left[index] as number[]).shift() as number
          log.answer([log.batch([record('k', 'v', time)])])
          log.queue.lastStableOffset = [a, b][index]?.length ?? 0
          seen.push(...drain(parts.group))
        }
        expect(seen).toEqual(expected)
      }),
      runs(100),
    )
  })
})

describe('what was taken of a group', () => {
  it('is counted for internal topics alone, and once', () => {
    const logs = [new FetchedLog('outside'), new FetchedLog('app-k-repartition', 2)]
    const topics: TopicRef[] = [
      { role: 'external', name: 'outside' },
      { role: 'repartition', name: 'k' },
    ]
    const queues = logs.map(
      (log, i) => new RecordQueue(inputOf(topics[i] as TopicRef), log.queue, 0, -1, () => undefined),
    )
    const [, bytes] = logs.map((log) => log.answer([log.batch([record('k', 'v', 1), record('k', 'w', 2)])]))
    drain(new PartitionGroup(queues))
    expect(takenOf(queues)).toEqual({ positions: [['app-k-repartition-2', 2]], bytes })
    expect(takenOf(queues)).toEqual({ positions: [['app-k-repartition-2', 2]], bytes: 0 })
  })
})
