import { describe, expect, it } from 'vitest'
import type { OwnWork } from '../../../src/operators/operator.ts'
import { Agenda } from '../../../src/runtime/agenda.ts'
import type { OwnUnit, WorkClock } from '../../../src/runtime/own-units.ts'
import { RecordQueue } from '../../../src/runtime/record-queue.ts'
import { TaskClock } from '../../../src/runtime/task-clock.ts'
import { TaskEnd } from '../../../src/runtime/task-end.ts'
import { text } from '../../../src/serde/text.ts'
import { FetchedLog } from '../../support/fetched.ts'
import { record } from '../../support/record-batches.ts'

/** An agenda over one queue and a chain whose work is what lists of times say. */
function open(follow = false) {
  const wall = { now: 100 }
  const due: Record<WorkClock, number[]> = { 'stream time': [], 'wall clock': [], 'end of input': [] }
  const least = (clock: WorkClock): number => Math.min(...due[clock], Number.POSITIVE_INFINITY)
  const done: string[] = []
  const first = (clock: WorkClock, time: number): OwnUnit | null => {
    const at = least(clock)
    if (at > time || at === Number.POSITIVE_INFINITY) return null
    const strikeOff = (): void => void due[clock].splice(due[clock].indexOf(at), 1)
    const work: OwnWork = { time: at, key: null, run: strikeOff, passOver: strikeOff }
    return { clock, owner: { operator: 'x', policy: 'fail' }, work }
  }
  const chain = {
    get dueMs() {
      return least('stream time')
    },
    get nextWakeMs() {
      return least('wall clock')
    },
    advance: (time: number) => first('stream time', time),
    punctuate: (now: number) => first('wall clock', now),
    flush: () => first('end of input', Number.MAX_VALUE),
  }
  const log = new FetchedLog('in')
  const input = {
    topic: { role: 'external', name: 'in' } as const,
    key: text,
    value: text,
    errors: { decode: 'fail', process: 'fail' } as const,
    edges: [],
    sources: [],
  }
  const queue = new RecordQueue(input, log.queue, 0, -1, () => undefined)
  const inputs = { choose: () => (queue.peek() === null ? null : queue) }
  const end = new TaskEnd()
  const times = new TaskClock({ now: () => wall.now })
  const agenda = new Agenda({ chain, inputs, clock: times, end, follow })
  const comes = (...timestamps: number[]): void => {
    log.answer([log.batch(timestamps.map((timestamp) => record('k', 'v', timestamp)))])
  }
  /** Does up to `most` things. */
  const work = (most = 100): void => {
    agenda.look()
    for (let n = 0; n < most; n++) {
      const own = agenda.own()
      if (own !== null) {
        own.work.run()
        done.push(`${own.clock} ${own.work.time}`)
        continue
      }
      const taken = agenda.record()
      if (taken === null) return
      done.push(`record ${taken.take()?.timestamp}`)
    }
  }
  return { agenda, wall, due, done, end, times, comes, work }
}

describe('what a task works on next', () => {
  it('is what a record’s time makes due, and then the record', () => {
    const { due, done, comes, work, times } = open()
    due['stream time'].push(20, 10, 30)
    comes(5, 25, 24, 40)
    work()
    expect(done).toEqual([
      'record 5',
      'stream time 10',
      'stream time 20',
      'record 25',
      'record 24',
      'stream time 30',
      'record 40',
    ])
    expect(times.streamTime).toBe(40)
  })

  it('is done before the next record where it came to be due in the past', () => {
    const { due, done, comes, work } = open()
    comes(50)
    work()
    due['stream time'].push(20)
    comes(30)
    work()
    expect(done).toEqual(['record 50', 'stream time 20', 'record 30'])
  })

  it('stays the record that moved time, though its turn is put off', () => {
    const { agenda, due, done, comes, work, end } = open()
    end.begin('token')
    due['stream time'].push(10)
    comes(15)
    work(1)
    expect([done, end.isReached]).toEqual([['stream time 10'], false])
    expect(agenda.record()?.offset).toBe(0)
  })

  it('is what the wall clock says when it has come so far, whether records come or not', () => {
    const { agenda, wall, due, done, comes, work } = open()
    due['wall clock'].push(105, 110)
    comes(1)
    work()
    expect([done.splice(0), agenda.nextWakeMs]).toEqual([['record 1'], 105])
    wall.now = 107
    work()
    expect([done, agenda.nextWakeMs]).toEqual([['wall clock 105'], 110])
  })

  it('is at the end what is kept back, and nothing by the wall clock any more', () => {
    const { agenda, wall, due, done, work, end } = open()
    due['end of input'].push(2, 1)
    due['wall clock'].push(50)
    agenda.markEnded('token')
    expect([end.isReached, agenda.nextWakeMs]).toEqual([false, 0])
    wall.now = 1000
    work()
    expect([done, end.isReached]).toEqual([['end of input 1', 'end of input 2'], true])
    expect(agenda.nextWakeMs).toBe(Number.POSITIVE_INFINITY)
  })

  it('is no end to wait for where nothing is kept back', () => {
    const { agenda, end } = open()
    agenda.markEnded('token')
    expect([end.isReached, end.cut()]).toEqual([true, 'token'])
  })

  it('takes the end back when something comes in', () => {
    const { agenda, due, comes, work, end, done } = open()
    due['end of input'].push(1)
    agenda.markEnded('token')
    comes(5)
    work()
    expect([done, end.isFlushing, end.isReached]).toEqual([['record 5'], false, false])
    agenda.markEnded('other')
    work()
    expect([done.at(-1), end.cut()]).toEqual(['end of input 1', 'other'])
  })

  it('goes on by the wall clock behind an end that was committed, where the job goes on', () => {
    const { agenda, due, done, work, end } = open(true)
    end.begin('token')
    due['wall clock'].push(50)
    expect(agenda.nextWakeMs).toBe(50)
    work()
    expect([done, end.cut()]).toEqual([['wall clock 50'], null])
  })
})
